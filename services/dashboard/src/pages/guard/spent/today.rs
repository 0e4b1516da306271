//! What today's runs (UTC) come to, as rules of a day see it: the store's sums of agents, and only for rules that go by
//! customers the runs themselves, as far as a walk goes.

use std::collections::HashMap;

use serde_json::Value;
use tidegate_agentping_ports::AgentSums;
use tidegate_kernel::Usd;

use crate::parts::amount::at_least;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::visit::Visit;
use crate::walk::{SeenRun, Walk};

/// The sums and runs of today; empty where no rule goes by them.
#[derive(Default)]
pub(super) struct Today {
    of_agents: AgentSums,
    of_customers: Walk,
}

impl Today {
    /// # Errors
    /// The store does not answer.
    pub async fn of(visit: &Visit, rules: &[Value]) -> Result<Self, Problem> {
        let of_day = || rules.iter().filter(|rule| rule.text("window") == "day");
        let (by_agent, by_customer) = (of_day().any(|rule| !is_by_customer(rule)), of_day().any(is_by_customer));
        let of_agents = async { if by_agent { visit.sums_of_today().await } else { Ok(AgentSums::default()) } };
        let of_customers = async { if by_customer { visit.today().await } else { Ok(Walk::default()) } };
        let (of_agents, of_customers) = tokio::try_join!(of_agents, of_customers)?;
        Ok(Today { of_agents, of_customers })
    }

    /// The highest spend of one of a rule's names, and whose it is. `None`: nothing ran that the rule is about.
    pub fn highest(&self, rule: &Value) -> Option<(String, Usd)> {
        if is_by_customer(rule) {
            return of_customers(rule, &self.of_customers);
        }
        match rule.text("spend_of") {
            "team" => (self.of_agents.runs() > 0).then(|| ("the team".to_owned(), self.of_agents.cost())),
            "agent" => {
                let wanted = matched(rule, "agent");
                let fits = |agent: &str| ["", "*", agent].contains(&wanted);
                let sums = self.of_agents.agents().filter(|(agent, _)| fits(agent));
                highest(sums.map(|(agent, sum)| (agent.to_owned(), sum.cost)))
            }
            _ => None,
        }
    }

    /// "at least ", where not all runs were looked at.
    pub fn at_least(&self, rule: &Value) -> &'static str {
        if is_by_customer(rule) { self.of_customers.at_least() } else { at_least(self.of_agents.is_cut()) }
    }
}

/// What a rule wants a member of a job to be; empty: anything.
fn matched<'r>(rule: &'r Value, name: &str) -> &'r str {
    rule.get("match").map_or("", |matched| matched.text(name))
}

/// Whether the runs' customers decide what a rule sums. All runs of a team count for it, whatever a rule of the team matches.
fn is_by_customer(rule: &Value) -> bool {
    match rule.text("spend_of") {
        "customer" | "agent_and_customer" => true,
        "agent" => !matched(rule, "customer_ref").is_empty(),
        _ => false,
    }
}

fn of_customers(rule: &Value, today: &Walk) -> Option<(String, Usd)> {
    let mut sums: HashMap<String, Usd> = HashMap::new();
    for run in today.runs.iter().filter(|run| applies(rule, run)) {
        if let Some(name) = name_of(rule.text("spend_of"), run) {
            let sum = sums.entry(name).or_default();
            *sum = sum.plus(run.cost);
        }
    }
    highest(sums.into_iter())
}

/// The greatest; of equal ones the first by name.
fn highest(sums: impl Iterator<Item = (String, Usd)>) -> Option<(String, Usd)> {
    sums.max_by(|one, other| (one.1, &other.0).cmp(&(other.1, &one.0)))
}

/// Whether a job like this run is one that the rule is about. What a check alone says (function, environment) is in no run.
fn applies(rule: &Value, run: &SeenRun) -> bool {
    let fits = |name: &str, found: Option<&str>| match matched(rule, name) {
        "" => true,
        "*" => found.is_some(),
        text => found == Some(text),
    };
    fits("agent", Some(run.agent.as_str())) && fits("customer_ref", run.customer_id.as_deref())
}

/// The name whose spend is summed.
fn name_of(spend_of: &str, run: &SeenRun) -> Option<String> {
    let (agent, customer) = (run.agent.as_str(), run.customer_id.as_deref());
    match spend_of {
        "agent" => Some(agent.to_owned()),
        "customer" => customer.map(str::to_owned),
        "agent_and_customer" => customer.map(|customer| format!("{agent}, {customer}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_agentping::RunStatus;
    use tidegate_agentping_testkit::{EventWith as _, NOON, StartWith as _, event, folded, key, record, run_id, start};

    use super::*;

    fn today() -> Today {
        let runs = [(1, "a", "acme", "1"), (2, "a", "globex", "2"), (3, "b", "acme", "2.5")];
        let mut of_agents = AgentSums::of_newest(runs.len());
        let seen = runs.map(|(id, agent, customer, dollars)| {
            of_agents.take(run_id(id), agent, RunStatus::Running, Usd::parse(dollars).unwrap());
            let records = [
                record(key(id), NOON, start(agent).customer(customer)),
                record(key(id), NOON, event(id).llm("m", Some(dollars))),
            ];
            SeenRun::of(run_id(id), NOON, &folded(&records).run, NOON).unwrap()
        });
        Today { of_agents, of_customers: Walk { runs: seen.into(), more: false } }
    }

    #[test]
    fn the_highest_of_its_names_counts() {
        for (spend_of, matched, name, dollars) in [
            ("team", json!({}), "the team", "5.5"),
            ("team", json!({"agent": "b"}), "the team", "5.5"),
            ("agent", json!({}), "a", "3"),
            ("agent", json!({"agent": "*"}), "a", "3"),
            ("agent", json!({"agent": "b"}), "b", "2.5"),
            ("agent", json!({"customer_ref": "acme"}), "b", "2.5"),
            ("customer", json!({"customer_ref": "*"}), "acme", "3.5"),
            ("agent_and_customer", json!({}), "b, acme", "2.5"),
        ] {
            let rule = json!({"window": "day", "spend_of": spend_of, "match": matched, "limit_usd": 3});
            let expected = Some((name.to_owned(), Usd::parse(dollars).unwrap()));
            assert_eq!(today().highest(&rule), expected, "{rule}");
        }
        let other = json!({"window": "day", "spend_of": "agent", "match": {"agent": "c"}});
        assert_eq!(today().highest(&other), None);
        assert_eq!(Today::default().highest(&json!({"window": "day", "spend_of": "team"})), None);
    }

    #[test]
    fn a_sum_of_a_part_is_said_to_be_one() {
        let (team, customer) = (json!({"spend_of": "team"}), json!({"spend_of": "customer"}));
        let mut today = today();
        assert_eq!([today.at_least(&team), today.at_least(&customer)], ["", ""]);
        today.of_agents.take(run_id(4), "a", RunStatus::Running, Usd::ZERO);
        assert_eq!([today.at_least(&team), today.at_least(&customer)], ["at least ", ""]);
        today.of_customers.more = true;
        assert_eq!(today.at_least(&customer), "at least ");
    }
}
