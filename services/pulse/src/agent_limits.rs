//! Alerts about new agents that were refused because the plan of their team has no slot for them: one for each team,
//! month and slug, and at most [`MOST_OF_MONTH`] for a team and month.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_alerts::outbox::{read, row};
use tidegate_agentping_alerts::{Addressees, AlertEvent, AlertOutbox, MessageEdge};
use tidegate_agentping_ports::RefusedAgent;
use tidegate_agentping_ports::refused_agents::REFUSED_AGENTS;
use tidegate_agentping_pulse::AlertKind;
use tidegate_kernel::{Month, SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

/// The table of the refused agents that a team was alerted to, by team and month. Its days outlast the month, and those
/// of [`REFUSED_AGENTS`].
pub static AGENT_LIMIT_ALERTS: RowTable =
    RowTable { name: "agent_limit_alerts", keep_days: 70, meeting: Meeting::HigherRank };

/// How often the rows are read, in milliseconds.
const EVERY_MS: i64 = 2_000;
/// How far back rows are read again: clocks of writers differ.
const READ_AGAIN_MS: i64 = 15 * 60_000;
const DAY_MS: i64 = 86_400_000;
/// Alerts that were found are remembered, so many at most. Beyond it they are found again, and store nothing.
const MOST_FOUND: usize = 100_000;
/// Alerts that are stored at once.
const AT_ONCE: usize = 200;
/// Alerts of a team and month at most: a client may name each of its runs otherwise.
pub const MOST_OF_MONTH: usize = 10;

/// The agents that a team was alerted to within a month, in this order.
#[derive(Debug, Default, Serialize, Deserialize)]
struct AlertedAgents {
    agents: Vec<Slug>,
}

/// Reads which agents were [refused](RefusedAgent), and stores the messages about them.
pub struct AgentLimitWatch {
    rows: Arc<dyn Rows>,
    outbox: AlertOutbox,
    /// Up to when the rows were read; `None`: not since the start.
    read_to: Option<Timestamp>,
    found: HashSet<(TeamId, String)>,
}

impl AgentLimitWatch {
    pub fn new(rows: Arc<dyn Rows>, outbox: AlertOutbox) -> Self {
        AgentLimitWatch { rows, outbox, read_to: None, found: HashSet::new() }
    }

    /// Stores the messages about what was refused since the last round. The first round goes back a day: what it finds
    /// again has the ids of the messages that are there.
    ///
    /// # Errors
    /// [`StoreError`]; the next round goes on from there.
    pub async fn round(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.read_to.is_some_and(|read_to| read_to <= now && now < read_to.plus_millis(EVERY_MS)) {
            return Ok(());
        }
        let from = match self.read_to {
            Some(read_to) => {
                let oldest = now.plus_millis(-i64::from(REFUSED_AGENTS.keep_days) * DAY_MS);
                read_to.min(now).plus_millis(-READ_AGAIN_MS).max(oldest)
            }
            None => now.plus_millis(-DAY_MS),
        };
        if self.found.len() > MOST_FOUND {
            self.found.clear();
        }
        let mut refused = RefusedAgent::written_since(&*self.rows, from, now).await?;
        refused.retain(|one| !self.found.contains(&(one.team, key(one))));
        for some in refused.chunks(AT_ONCE) {
            let events = self.events(some, now).await?;
            self.outbox.put(&events).await?;
            self.found.extend(some.iter().map(|one| (one.team, key(one))));
        }
        self.read_to = Some(now);
        Ok(())
    }

    /// The alerts about these. An agent is noted before its alert is stored: whoever repeats the round after a crash
    /// stores the alerts of those that are noted. There are none for a team and month whose row cannot be read.
    async fn events(&self, refused: &[RefusedAgent], now: Timestamp) -> Result<Vec<AlertEvent>, StoreError> {
        let months: BTreeSet<(TeamId, Month)> = refused.iter().map(month_of).collect();
        let keys: Vec<RowKey> = months.iter().map(|month| alerted_key(*month)).collect();
        let found = self.rows.get(&keys).await?;
        let mut alerted = BTreeMap::new();
        for (month, doc) in months.into_iter().zip(found) {
            match doc.map(|doc| read::<AlertedAgents>(&doc)).transpose() {
                Ok(agents) => _ = alerted.insert(month, agents.unwrap_or_default()),
                Err(error) => {
                    let (team, month) = month;
                    tracing::error!(%team, %month, %error, "a row of refused agents cannot be read; no alert follows");
                }
            }
        }
        let (mut events, mut changed) = (Vec::new(), BTreeSet::new());
        for one in refused {
            let Some(AlertedAgents { agents }) = alerted.get_mut(&month_of(one)) else { continue };
            let place = agents.iter().position(|agent| *agent == one.agent).unwrap_or(agents.len());
            if place >= MOST_OF_MONTH {
                continue;
            }
            if place == agents.len() {
                agents.push(one.agent.clone());
                changed.insert(month_of(one));
            }
            events.push(agent_limit(one, place + 1 == MOST_OF_MONTH));
        }
        let of_changed = alerted.iter().filter(|(month, _)| changed.contains(*month));
        // Each agent that is added makes the rank higher.
        let writes = of_changed.map(|(month, alerted)| row(alerted_key(*month), alerted, alerted.agents.len() as u64));
        let writes = writes.collect::<Result<Vec<RowWrite>, StoreError>>()?;
        if !writes.is_empty() {
            self.rows.put(Arc::new(writes), now).await?;
        }
        Ok(events)
    }
}

fn month_of(refused: &RefusedAgent) -> (TeamId, Month) {
    (refused.team, Month::of(refused.at))
}

fn alerted_key((team, month): (TeamId, Month)) -> RowKey {
    let shard = SmolStr::new(team.text().as_str());
    RowKey { table: &AGENT_LIMIT_ALERTS, shard, row: SmolStr::from(month.to_string()) }
}

/// Names the alert within its team.
fn key(refused: &RefusedAgent) -> String {
    format!("{}\n{}", Month::of(refused.at), refused.agent)
}

/// The message: it is about the team, which has no agent of that name. `is_last`: no other one follows in its month.
fn agent_limit(refused: &RefusedAgent, is_last: bool) -> AlertEvent {
    let kind = AlertKind::AgentLimit;
    let mut data: Map<String, Value> = Map::new();
    data.insert("refused_agent".to_owned(), refused.agent.as_str().into());
    data.insert("allowance".to_owned(), refused.cap.into());
    if is_last {
        data.insert("further_ones".to_owned(), "are not reported this month".into());
    }
    AlertEvent {
        team: refused.team,
        agent: None,
        kind,
        edge: MessageEdge::Firing,
        severity: kind.severity(),
        timestamp: refused.at,
        incident: None,
        data,
        to: Addressees::Subscribed { key: key(refused) },
    }
}
