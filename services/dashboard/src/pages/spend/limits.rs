//! What guard allows the whole team: the limit of a day, and that of a month with what is spent of it.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_kernel::Usd;

use super::days::DayLimit;
use crate::parts::amount::{permille, usd};
use crate::parts::bar::bar;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

/// Pages of rules, as many as a team may have.
const PAGES_MAX: usize = 5;

/// The rules that are in force for the whole team.
pub(super) struct TeamLimits(Vec<Value>);

impl TeamLimits {
    /// # Errors
    /// The API refuses. A server without guard has none.
    pub async fn of(visit: &Visit) -> Result<Self, Problem> {
        let is_whole = |rule: &&Value| rule.flag("enabled") && rule.text("spend_of") == "team";
        let (mut rules, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let path = with_query("/v1/guard/rules", &[("limit", Some("200")), ("cursor", cursor.as_deref())]);
            let found = visit.look(&path).await?.unwrap_or_default();
            rules.extend(found.rows("rules").iter().filter(is_whole).cloned());
            cursor = Some(found.text("next_cursor").to_owned()).filter(|cursor| !cursor.is_empty());
            if cursor.is_none() {
                break;
            }
        }
        Ok(TeamLimits(rules))
    }

    /// The lowest limit of a day.
    pub fn of_day(&self) -> Option<DayLimit> {
        let (rule, limit) = self.lowest("day")?;
        Some(DayLimit { rule, limit })
    }

    /// What is spent of the lowest limit of a month.
    pub fn of_month(&self, spent: Usd) -> Markup {
        html! {
            @if let Some((rule, limit)) = self.lowest("month") {
                @let class = if spent >= limit { "bad" } else if spent.as_nanos() >= limit.as_nanos() / 5 * 4 { "warn" } else { "" };
                div {
                    dt { "Of the month's limit" }
                    dd { (usd(limit)) }
                    dd.note { "rule " (rule) }
                    dd.note { (bar(permille(spent.as_nanos(), limit.as_nanos()), class)) }
                }
            }
        }
    }

    fn lowest(&self, window: &str) -> Option<(String, Usd)> {
        let of_window = self.0.iter().filter(|rule| rule.text("window") == window);
        let limits = of_window.filter_map(|rule| Some((rule.text("name"), Usd::parse(&rule.shown("limit_usd")).ok()?)));
        limits.min_by_key(|(_, limit)| *limit).map(|(name, limit)| (name.to_owned(), limit))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_lowest_limit_of_a_window_counts() {
        let rule = |name: &str, window: &str, usd: f64| json!({"name": name, "window": window, "limit_usd": usd});
        let limits = TeamLimits(vec![rule("a", "day", 20.0), rule("b", "day", 5.5), rule("c", "month", 100.0)]);
        assert_eq!(
            limits.of_day().map(|limit| (limit.rule, usd(limit.limit))),
            Some(("b".to_owned(), "$5.50".to_owned()))
        );
        let shown = limits.of_month(Usd::parse("85").unwrap()).into_string();
        assert!(shown.contains("$100.00") && shown.contains("meter warn"), "{shown}");
        assert_eq!(TeamLimits(Vec::new()).of_month(Usd::ZERO).into_string(), "");
    }
}
