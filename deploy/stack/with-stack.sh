#!/usr/bin/env bash
# Runs a command beside the real stack: brings up what of it does not run, hands its addresses over in the
# environment, and afterwards stops what it started itself, whatever became of the command.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=settings.sh
source "$here/settings.sh"
(($# > 0)) || die "usage: with-stack.sh COMMAND ARGUMENTS..."

found_running=$("$here/stack.sh" running)

# shellcheck disable=SC2317 # called by the trap
stop_what_we_started() {
    local service
    for service in $("$here/stack.sh" running); do
        grep -qx "$service" <<<"$found_running" || "$here/stack.sh" stop "$service"
    done
}
trap stop_what_we_started EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Each test makes a keyspace or two of its own, and none kills a Cassandra that is started here.
TIDEGATE_STACK_FLUSH_SCHEMA=${TIDEGATE_STACK_FLUSH_SCHEMA:-false} "$here/stack.sh" up
set -a
# shellcheck disable=SC1091 # written by the line above
source "$stack_dir/stack.env"
set +a

# How the stack is set up is none of the command's business; Tidegate would take it for configuration.
hidden=()
for variable in "${!TIDEGATE_STACK_@}"; do hidden+=(-u "$variable"); done

# The command gets a process group of its own, so that one signal ends all of it before the stack goes.
set -m
env "${hidden[@]}" "$@" </dev/null &
child=$!
set +m
trap 'kill -INT -- "-$child" 2>/dev/null || true' INT
trap 'kill -TERM -- "-$child" 2>/dev/null || true' TERM HUP

# A signal interrupts `wait`, not the command: wait on until the command is gone, and keep its exit code.
code=0
while :; do
    code=0
    wait "$child" || code=$?
    kill -0 "$child" 2>/dev/null || break
done
exit "$code"
