//! How close spend is to the limit of a rule: the highest that one name of it has spent so far.

mod today;

use maud::{Markup, html};
use serde_json::Value;
use tidegate_kernel::Usd;

use crate::pages::spend::month::MonthView;
use crate::parts::amount::{permille, usd};
use crate::parts::bar::bar;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::visit::Visit;
use today::Today;

/// What was spent in the windows that are known here, as far as rules go by it.
#[derive(Default)]
pub(super) struct Sums {
    today: Today,
    month: Option<MonthView>,
}

impl Sums {
    /// Asks for what these rules go by, and for nothing else.
    ///
    /// # Errors
    /// The store does not answer, or the API refuses.
    pub async fn of(visit: &Visit, rules: &[Value]) -> Result<Self, Problem> {
        let is_monthly = rules.iter().any(|rule| rule.text("window") == "month");
        let month = async { if is_monthly { visit.read::<MonthView>("/v1/spend").await } else { Ok(None) } };
        let (today, month) = tokio::try_join!(Today::of(visit, rules), month)?;
        Ok(Sums { today, month })
    }

    /// The highest spend that a rule compares with its limit, and whose it is. `None` for windows that are not known here,
    /// and where nothing was spent.
    fn highest(&self, rule: &Value) -> Option<(String, Usd)> {
        match rule.text("window") {
            "day" => self.today.highest(rule),
            "month" => of_month(rule, self.month.as_ref()?),
            _ => None,
        }
    }

    /// A bar of it.
    pub fn spent(&self, rule: &Value) -> Markup {
        let at_least = if rule.text("window") == "day" { self.today.at_least(rule) } else { "" };
        let limit = Usd::parse(&rule.shown("limit_usd")).unwrap_or_default();
        html! {
            @match self.highest(rule) {
                None => "–",
                Some((name, sum)) => {
                    span.note { (at_least) (usd(sum)) ", " (name) }
                    (bar(permille(sum.as_nanos(), limit.as_nanos()), if sum >= limit { "bad" } else if sum.as_nanos() >= limit.as_nanos() / 5 * 4 { "warn" } else { "" }))
                }
            }
        }
    }
}

/// The highest of a month. Sums of agent and customer together are in no breakdown.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_window_that_is_not_summed_here_has_no_figure() {
        assert_eq!(Sums::default().highest(&json!({"window": "week", "spend_of": "team"})), None);
        let shown = Sums::default().spent(&json!({"window": "total", "spend_of": "team", "limit_usd": 3}));
        assert_eq!(shown.into_string(), "–");
    }

    #[test]
    fn a_month_is_that_of_the_api() {
        let month = json!({
            "total_usd": 9, "successful_usd": 0, "unpriced": [], "by_feature": [],
            "by_agent": [{"name": "a", "cost_usd": 6, "runs": 1}, {"name": "b", "cost_usd": 3, "runs": 1}],
            "by_customer": [{"name": null, "cost_usd": 8, "runs": 1}, {"name": "acme", "cost_usd": 1, "runs": 1}],
        });
        let month: MonthView = serde_json::from_str(&month.to_string()).unwrap();
        let sums = Sums { month: Some(month), ..Sums::default() };
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
            assert_eq!(sums.highest(&rule), expected, "{rule}");
        }
    }
}
