//! What an agent's day consists of: for a message that should tell where to look first.

use std::collections::BTreeMap;

use tidegate_agentping::{RunKey, Slug, TeamId};
use tidegate_agentping_ports::{RunFilter, RunPage, RunQueries, each_event};
use tidegate_kernel::{SmolStr, Timestamp, Usd};
use tidegate_ports::StoreError;

use super::alert::TopSpenders;

const DAY_MS: i64 = 86_400_000;
/// How many of each are named.
const NAMED: usize = 3;
/// Runs that are looked at.
const RUNS: usize = 200;
/// Events of a run that are looked at.
const EVENTS: usize = 1_000;

/// The runs, customers and models that cost most of an agent's day, which is given by its first instant.
pub async fn top_spenders(
    queries: &dyn RunQueries,
    (team, agent, day): (TeamId, &Slug, Timestamp),
    by_customer: BTreeMap<Option<SmolStr>, Usd>,
    now: Timestamp,
) -> Result<TopSpenders, StoreError> {
    let (from, to) = (Some(day), Some(day.plus_millis(DAY_MS)));
    let filter = RunFilter { agent: Some(agent.clone()), from, to, ..RunFilter::default() };
    let listed = queries.list(team, &filter, &RunPage::first(RUNS), now).await?;
    let runs = first(listed.runs.into_iter().map(|listed| (listed.id, listed.run.cost())).collect());
    let mut models: BTreeMap<(SmolStr, SmolStr), Usd> = BTreeMap::new();
    for (run, _) in &runs {
        let see = |row: &tidegate_agentping_ports::EventRow| {
            if let Some(call) = &row.event.call {
                let sum = models.entry((call.provider.clone(), call.model.clone())).or_default();
                *sum = sum.plus(call.cost);
            }
        };
        each_event(queries, RunKey { team, run: *run }, EVENTS, see).await?;
    }
    Ok(TopSpenders {
        runs,
        customers: first(by_customer.into_iter().collect()),
        models: first(models.into_iter().collect()),
    })
}

/// The greatest amounts; of equal ones the first by name.
fn first<N: Ord>(mut amounts: Vec<(N, Usd)>) -> Vec<(N, Usd)> {
    amounts.sort_by(|(one, less), (other, more)| more.cmp(less).then_with(|| one.cmp(other)));
    amounts.truncate(NAMED);
    amounts.retain(|(_, amount)| *amount > Usd::ZERO);
    amounts
}
