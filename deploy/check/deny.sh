#!/usr/bin/env bash
# What is depended on: licences, bans and sources by deny.toml, then known advisories where their database can be reached.
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/check/cargo-tool.sh cargo-deny
deny() { target/tools/bin/cargo-deny --all-features --locked "$@"; }

deny check --hide-inclusion-graph licenses bans sources

# Where the database is out of reach nothing is known, and that is said: it is no failure of the change at hand.
if told=$(timeout 120 target/tools/bin/cargo-deny fetch db 2>&1); then
    deny check --hide-inclusion-graph --disable-fetch advisories
else
    printf 'advisories: NOT CHECKED, their database cannot be reached from here:\n%s\n' "$(tail -n 1 <<<"$told")"
fi
