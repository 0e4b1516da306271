#!/usr/bin/env bash
# Checks everything under deploy/ that runs without a cluster: the chart, the alerts, the scrapes, the dashboard.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=$PWD
tools=$root/target/tools
out=$root/target/check-deploy
chart=deploy/kubernetes/tidegate
# The oldest that the chart admits, and the newest whose schemas the validator carries.
versions=(1.30 1.37)
mkdir -p "$out"

step() { printf '== %s\n' "$*"; }
# A chart's files are links to files beside it, which helm tells at length.
helm() { "$tools/bin/helm" "$@" 2> >(grep -v 'walk.go:.*found symbolic link' >&2); }

step "tools"
deploy/check/tools.sh

step "alerts: syntax, scrape configuration"
"$tools/bin/promtool" check rules deploy/prometheus/alerts.yaml
"$tools/bin/promtool" check config deploy/prometheus/prometheus.yml

step "alerts: unit tests"
"$tools/venv/bin/python" deploy/check/alerts_covered.py
(cd deploy/prometheus && "$tools/bin/promtool" test rules alerts_test.yaml)

step "dashboard: every panel's expression"
"$tools/venv/bin/python" deploy/check/dashboard_rules.py >"$out/dashboard-rules.yaml"
"$tools/bin/promtool" check rules "$out/dashboard-rules.yaml"

step "chart: lint"
for values in deploy/kubernetes/values-*.yaml; do
    helm lint --strict --quiet --kube-version "${versions[0]}" "$chart" --values "$values"
done

step "chart: what must be refused"
deploy/check/refused.sh "$tools/bin/helm" "$chart"

step "chart: rendered, against the schemas of Kubernetes ${versions[*]}"
for region in eu us; do
    for version in "${versions[@]}"; do
        rendered=$out/$region-$version.yaml
        helm template "tidegate-$region" "$chart" --namespace tidegate --kube-version "$version" \
            --values "deploy/kubernetes/values-$region.yaml" >"$rendered"
        "$tools/venv/bin/python" deploy/check/rendered.py "$rendered" "deploy/kubernetes/values-$region.yaml" \
            --with-schema "$out/$region-$version-with-schema.yaml"
        "$tools/venv/bin/kubernetes-validate" --strict --quiet --kubernetes-version "$version" \
            "$out/$region-$version-with-schema.yaml"
    done
done

step "deploy/ is in order"
