#!/usr/bin/env bash
# Fetches the checkers into target/tools, once, through the ordinary package clients at pinned versions: helm is built
# by go, promtool is taken out of the distribution's prometheus package, kubernetes-validate goes into its own venv.
# Nothing is installed on the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

HELM=v3.19.0
PROMTOOL=2.42            # newer ones will do: what is pinned is the least
KUBERNETES_VALIDATE=1.37.0

tools=$PWD/target/tools
mkdir -p "$tools/bin"

say() { printf '   %s\n' "$*"; }
need() {
    command -v "$1" >/dev/null || { echo "error: $1 is not there: $2" >&2; exit 1; }
}

fetch_helm() {
    [ "$(cat "$tools/helm.version" 2>/dev/null)" = "$HELM" ] && [ -x "$tools/bin/helm" ] && return
    need go "install Go 1.24 or newer, for example: apt-get install golang"
    say "building helm $HELM (two to four minutes, once)"
    GOBIN=$tools/bin GOFLAGS=-trimpath go install -ldflags="-s -w" "helm.sh/helm/v3/cmd/helm@$HELM" 2>"$tools/helm.log" ||
        { tail -20 "$tools/helm.log" >&2; exit 1; }
    echo "$HELM" >"$tools/helm.version"
}

fetch_promtool() {
    if [ ! -x "$tools/bin/promtool" ]; then
        need apt-get "put promtool $PROMTOOL or newer at target/tools/bin/promtool"
        need dpkg-deb "put promtool $PROMTOOL or newer at target/tools/bin/promtool"
        say "fetching promtool out of the package prometheus"
        local folder
        folder=$(mktemp -d)
        (cd "$folder" && apt-get download prometheus >apt.log 2>&1) ||
            { cat "$folder/apt.log" >&2; echo "error: no package prometheus: does apt-get update help?" >&2; exit 1; }
        dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
        mv "$folder/usr/bin/promtool" "$tools/bin/promtool"
        rm -r "$folder"
    fi
    local there
    there=$("$tools/bin/promtool" --version 2>&1 | sed -n 's/^promtool, version \([0-9]*\.[0-9]*\).*/\1/p')
    [ "$(printf '%s\n%s\n' "$PROMTOOL" "$there" | sort -V | head -1)" = "$PROMTOOL" ] ||
        { echo "error: promtool is $there, and must be $PROMTOOL or newer: remove target/tools/bin/promtool" >&2; exit 1; }
}

fetch_kubernetes_validate() {
    [ "$("$tools/venv/bin/kubernetes-validate" --version 2>/dev/null)" = "$KUBERNETES_VALIDATE" ] && return
    need python3 "install Python 3.11 or newer with its venv module, for example: apt-get install python3-venv"
    say "installing kubernetes-validate $KUBERNETES_VALIDATE into a venv"
    rm -rf "$tools/venv"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "kubernetes-validate==$KUBERNETES_VALIDATE"
}

fetch_helm
fetch_promtool
fetch_kubernetes_validate
