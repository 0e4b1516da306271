"""Every alert has a unit test in which it fires and one in which it stays silent; no test is of an alert that is gone."""

import sys

import yaml

FOLDER = "deploy/prometheus"

with open(f"{FOLDER}/alerts.yaml") as rules, open(f"{FOLDER}/alerts_test.yaml") as tests:
    groups, cases = yaml.safe_load(rules)["groups"], yaml.safe_load(tests)["tests"]

alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
fires, silent = set(), set()
for case in cases:
    for test in case["alert_rule_test"]:
        (fires if test["exp_alerts"] else silent).add(test["alertname"])

wrong = [f"no test in which {name} fires" for name in sorted(alerts - fires)]
wrong += [f"no test in which {name} stays silent" for name in sorted(alerts - silent)]
wrong += [f"a test of {name}, which is no alert" for name in sorted((fires | silent) - alerts)]
if wrong:
    sys.exit("\n".join(wrong))
print(f"{len(alerts)} alerts, each with a firing and a silent case")
