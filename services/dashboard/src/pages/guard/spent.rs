//! How close spend is to the limit of a rule: the highest that one name of it has spent so far.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::Value;
use tidegate_kernel::Usd;

use crate::pages::spend::month::MonthView;
use crate::parts::amount::{permille, usd};
use crate::parts::bar::bar;
use crate::parts::value::Members;
use crate::walk::{SeenRun, Walk};

/// What was spent in the windows that are known here.
pub(super) struct Sums<'s> {
    /// Today's runs as far as they were looked at.
    pub today: &'s Walk,
    pub month: Option<&'s MonthView>,
}

/// The highest spend that a rule compares with its limit, and whose it is. `None` for windows that are not known here, and
/// where nothing was spent.
fn highest(rule: &Value, sums: &Sums<'_>) -> Option<(String, Usd)> {
    match rule.text("window") {
        "day" => of_day(rule, sums.today),
        "month" => of_month(rule, sums.month?),
        _ => None,
    }
}

/// The same of a month. Sums of agent and customer together are in no breakdown.
fn of_month(rule: &Value, month: &MonthView) -> Option<(String, Usd)> {
    let matched = rule.get("match").unwrap_or(&Value::Null);
    let rows = match rule.text("spend_of") {
        "team" => return Some(("the team".to_owned(), month.total_usd.0)),
        "agent" if matched.text("customer_ref").is_empty() => (&month.by_agent, matched.text("agent")),
        "customer" if matched.text("agent").is_empty() => (&month.by_customer, matched.text("customer_ref")),
        _ => return None,
    };
    let (rows, wanted) = rows;
    let fits = |name: &str| wanted.is_empty() || wanted == "*" || wanted == name;
    // Greatest first.
    let found = rows.iter().find(|row| row.name.as_deref().is_some_and(fits))?;
    Some((found.name.clone()?, found.cost_usd.0))
}

fn of_day(rule: &Value, today: &Walk) -> Option<(String, Usd)> {
    let mut sums: HashMap<String, Usd> = HashMap::new();
    for run in today.runs.iter().filter(|run| applies(rule, run)) {
        if let Some(name) = name_of(rule.text("spend_of"), run) {
            let sum = sums.entry(name).or_default();
            *sum = sum.plus(run.cost);
        }
    }
    sums.into_iter().max_by(|one, other| (one.1, &other.0).cmp(&(other.1, &one.0)))
}

/// Whether a job like this run is one that the rule is about. What a check alone says (function, environment) is in no run.
fn applies(rule: &Value, run: &SeenRun) -> bool {
    let wanted = rule.get("match").unwrap_or(&Value::Null);
    let fits = |name: &str, found: Option<&str>| match wanted.text(name) {
        "" => true,
        "*" => found.is_some(),
        text => found == Some(text),
    };
    let is_team = rule.text("spend_of") == "team";
    is_team || fits("agent", Some(run.agent.as_str())) && fits("customer_ref", run.customer_id.as_deref())
}

/// The name whose spend is summed.
fn name_of(spend_of: &str, run: &SeenRun) -> Option<String> {
    let (agent, customer) = (run.agent.as_str(), run.customer_id.as_deref());
    match spend_of {
        "team" => Some("the team".to_owned()),
        "agent" => Some(agent.to_owned()),
        "customer" => customer.map(str::to_owned),
        "agent_and_customer" => customer.map(|customer| format!("{agent}, {customer}")),
        _ => None,
    }
}

/// A bar of it.
pub(super) fn spent(rule: &Value, sums: &Sums<'_>) -> Markup {
    let at_least = if rule.text("window") == "day" { sums.today.at_least() } else { "" };
    let limit = Usd::parse(&rule.shown("limit_usd")).unwrap_or_default();
    html! {
        @match highest(rule, sums) {
            None => "–",
            Some((name, sum)) => {
                span.note { (at_least) (usd(sum)) ", " (name) }
                (bar(permille(sum.as_nanos(), limit.as_nanos()), if sum >= limit { "bad" } else if sum.as_nanos() >= limit.as_nanos() / 5 * 4 { "warn" } else { "" }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_agentping_testkit::{EventWith as _, NOON, StartWith as _, event, folded, key, record, run_id, start};

    use super::*;

    fn today() -> Walk {
        let runs = [(1, "a", "acme", "1"), (2, "a", "globex", "2"), (3, "b", "acme", "2.5")];
        let seen = runs.map(|(id, agent, customer, dollars)| {
            let records = [
                record(key(id), NOON, start(agent).customer(customer)),
                record(key(id), NOON, event(id).llm("m", Some(dollars))),
            ];
            SeenRun::of(run_id(id), NOON, &folded(&records).run, NOON).unwrap()
        });
        Walk { runs: seen.into(), more: false }
    }

    #[test]
    fn the_highest_of_its_names_counts() {
        for (spend_of, matched, name, dollars) in [
            ("team", json!({}), "the team", "5.5"),
            ("agent", json!({}), "a", "3"),
            ("agent", json!({"agent": "b"}), "b", "2.5"),
            ("customer", json!({"customer_ref": "*"}), "acme", "3.5"),
            ("agent_and_customer", json!({}), "b, acme", "2.5"),
        ] {
            let rule = json!({"window": "day", "spend_of": spend_of, "match": matched, "limit_usd": 3});
            let expected = Some((name.to_owned(), Usd::parse(dollars).unwrap()));
            assert_eq!(highest(&rule, &Sums { today: &today(), month: None }), expected, "{rule}");
        }
        let today = today();
        let sums = Sums { today: &today, month: None };
        assert_eq!(highest(&json!({"window": "week", "spend_of": "team"}), &sums), None);
        let other = json!({"window": "day", "spend_of": "agent", "match": {"agent": "c"}});
        assert_eq!(highest(&other, &sums), None);
    }
    #[test]
    fn a_month_is_that_of_the_api() {
        let month = json!({
            "total_usd": 9, "successful_usd": 0, "unpriced": [], "by_feature": [],
            "by_agent": [{"name": "a", "cost_usd": 6, "runs": 1}, {"name": "b", "cost_usd": 3, "runs": 1}],
            "by_customer": [{"name": null, "cost_usd": 8, "runs": 1}, {"name": "acme", "cost_usd": 1, "runs": 1}],
        });
        let month: MonthView = serde_json::from_str(&month.to_string()).unwrap();
        let sums = Sums { today: &Walk::default(), month: Some(&month) };
        for (spend_of, matched, expected) in [
            ("team", json!({}), Some(("the team", "9"))),
            ("agent", json!({"agent": "*"}), Some(("a", "6"))),
            ("agent", json!({"agent": "b"}), Some(("b", "3"))),
            ("customer", json!({}), Some(("acme", "1"))),
            ("agent_and_customer", json!({}), None),
            ("agent", json!({"customer_ref": "acme"}), None),
        ] {
            let rule = json!({"window": "month", "spend_of": spend_of, "match": matched});
            let expected = expected.map(|(name, dollars)| (name.to_owned(), Usd::parse(dollars).unwrap()));
            assert_eq!(highest(&rule, &sums), expected, "{rule}");
        }
    }
}
