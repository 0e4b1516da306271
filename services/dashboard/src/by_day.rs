//! Walks through an agent's runs of the last 30 days and sums them by day.

use std::sync::Arc;

use tidegate_agentping::{RunStatus, Slug};
use tidegate_agentping_ports::RunFilter;
use tidegate_kernel::{Timestamp, Usd};

use crate::agent_days::{Day, Days, LIFETIME_MS};
use crate::parts::time::{DAY_MS, midnight};
use crate::problem::Problem;
use crate::visit::Visit;
use crate::walk::{RUNS_MAX, SeenRun, Walk};

/// Days that are shown, today included.
const DAYS: usize = 30;

impl Visit {
    /// What an agent did day by day, as it was a short while ago at most.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn agent_days(&self, agent: &Slug) -> Result<Arc<Days>, Problem> {
        // By its key: the name may be another agent's by now.
        let names = self.pages.ask(self.names.get()).await?;
        let key = (self.team(), names.key(agent).clone());
        if let Some(known) = self.pages.agent_days.known(&key, self.now) {
            return Ok(known);
        }
        let first = first_day(self.now);
        let filter = RunFilter { agent: Some(agent.clone()), from: Some(first), ..RunFilter::default() };
        let days = Arc::new(summed(&self.walk(&filter, RUNS_MAX).await?, first));
        self.pages.agent_days.keep(key, self.now, LIFETIME_MS, days.clone());
        Ok(days)
    }
}

fn summed(walk: &Walk, first: Timestamp) -> Days {
    let day = |number: usize| {
        let begins = first.plus_millis((number as u64 * DAY_MS).try_into().unwrap_or(i64::MAX));
        Day { begins, runs: 0, failed: 0, cost: Usd::ZERO }
    };
    let mut days: Vec<Day> = (0..DAYS).map(day).collect();
    for run in &walk.runs {
        // A client's clock may be ahead by a day: such a run is in no day yet.
        let number = usize::try_from(run.listed_at.millis_since(first) / DAY_MS).unwrap_or(usize::MAX);
        if let Some(day) = days.get_mut(number) {
            count(day, run);
        }
    }
    Days { days, looked_at_since: walk.runs.last().filter(|_| walk.more).map(|run| run.listed_at) }
}

fn count(day: &mut Day, run: &SeenRun) {
    day.runs += 1;
    day.failed += u64::from(matches!(run.status, RunStatus::Failed | RunStatus::Timeout));
    day.cost = day.cost.plus(run.cost);
}

/// The first instant of the days that are shown.
fn first_day(now: Timestamp) -> Timestamp {
    let back = (DAYS as u64 - 1) * DAY_MS;
    midnight(now).plus_millis(-i64::try_from(back).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::NOON;

    use super::*;

    #[test]
    fn the_last_day_is_today() {
        let days = summed(&Walk::default(), first_day(NOON));
        assert_eq!((days.days.len(), days.is_empty()), (DAYS, true));
        assert_eq!(days.days[0].begins.to_string(), "2026-04-16T00:00:00.000Z");
        assert_eq!(days.days[DAYS - 1].begins, midnight(NOON));
    }
}
