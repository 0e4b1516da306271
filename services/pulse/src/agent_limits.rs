//! Alerts about new agents that were refused because the plan of their team has no slot for them: one for each team,
//! month and slug.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::{Addressees, AlertEvent, AlertOutbox, MessageEdge};
use tidegate_agentping_ports::RefusedAgent;
use tidegate_agentping_ports::refused_agents::REFUSED_AGENTS;
use tidegate_agentping_pulse::AlertKind;
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::{Rows, StoreError};

/// How often the rows are read, in milliseconds.
const EVERY_MS: i64 = 2_000;
/// How far back rows are read again: clocks of writers differ.
const READ_AGAIN_MS: i64 = 15 * 60_000;
const DAY_MS: i64 = 86_400_000;
/// Alerts that were found are remembered, so many at most. Beyond it they are found again, and store nothing.
const MOST_FOUND: usize = 100_000;
/// Alerts that are stored at once.
const AT_ONCE: usize = 200;

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
            let events: Vec<AlertEvent> = some.iter().map(agent_limit).collect();
            self.outbox.put(&events).await?;
            self.found.extend(some.iter().map(|one| (one.team, key(one))));
        }
        self.read_to = Some(now);
        Ok(())
    }
}

/// Names the alert within its team.
fn key(refused: &RefusedAgent) -> String {
    format!("{}\n{}", Month::of(refused.at), refused.agent)
}

/// The message: it is about the team, which has no agent of that name.
fn agent_limit(refused: &RefusedAgent) -> AlertEvent {
    let kind = AlertKind::AgentLimit;
    let mut data: Map<String, Value> = Map::new();
    data.insert("refused_agent".to_owned(), refused.agent.as_str().into());
    data.insert("allowance".to_owned(), refused.cap.into());
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
