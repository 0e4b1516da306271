#!/usr/bin/env bash
# cargo-tool.sh NAME: builds one of cargo's tools into target/tools at the version pinned here, unless it is there. Prints
# nothing but what it builds; nothing is installed on the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Each is built once and run for seconds, so it is compiled fast rather than to be fast.
CARGO_DENY=0.20.2       # without features: they bring a cargo of its own and certificates of its own
CARGO_FUZZ=0.13.2

tools=$PWD/target/tools
name=${1:?usage: cargo-tool.sh cargo-deny | cargo-fuzz}
case $name in
    cargo-deny) version=$CARGO_DENY features=(--no-default-features) ;;
    cargo-fuzz) version=$CARGO_FUZZ features=() ;;
    *) echo "error: no tool '$name' is pinned here" >&2; exit 2 ;;
esac
[ "$(cat "$tools/$name.version" 2>/dev/null)" = "$version" ] && [ -x "$tools/bin/$name" ] && exit

mkdir -p "$tools/bin"
printf '   building %s %s (one to four minutes, once)\n' "$name" "$version"
export CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=false
"${CARGO:-cargo}" install "$name" --version "=$version" --locked "${features[@]}" --no-track --force \
    --root "$tools" --target-dir "$tools/build" >"$tools/$name.log" 2>&1 || { tail -20 "$tools/$name.log" >&2; exit 1; }
rm -rf "$tools/build"
echo "$version" >"$tools/$name.version"
