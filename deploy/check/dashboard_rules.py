"""Prints the dashboard's expressions as recording rules, so that promtool can read them."""

import json

import yaml

with open("deploy/grafana/dashboards/tidegate.json") as file:
    dashboard = json.load(file)

# What Grafana puts in when it asks.
HOLES = {"$__rate_interval": "5m", "$__range": "1h", "$region": "eu", "$role": "ingest"}

rules = []
for panel in dashboard["panels"]:
    for target in panel.get("targets", []):
        expression = target["expr"]
        for hole, value in HOLES.items():
            expression = expression.replace(hole, value)
        assert "$" not in expression, f"{panel['title']}: an unknown variable in {expression}"
        rules.append({"record": f"panel:{panel['id']}:{target['refId'].lower()}", "expr": expression})
assert len(rules) > 20, "the dashboard has hardly any panels"
print(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
