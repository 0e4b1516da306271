//! New agents that were refused because the plan has no slot for them, for who writes them down: each once a month.
//! What is admitted does not come here.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::RefusedAgent;
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::{RowWrite, Rows};

/// Agents of one team and month that are noted at most: a client may name each of its runs otherwise.
const MOST_OF_TEAM: usize = 100;
/// Teams that are remembered at most. Beyond it all that were noted are forgotten, and noted again.
const MOST_TEAMS: usize = 10_000;
/// Agents that wait to be written at most, while the store is down. Those beyond it are noted when they are refused
/// again.
const MOST_DUE: usize = 10_000;
/// Rows that are written at once.
const AT_ONCE: usize = 200;
/// Writes of one call at most: the caller's next report waits for them.
const MOST_WRITES: usize = 5;

/// The agents that were refused.
#[derive(Debug, Default)]
pub struct RefusedAgents(Mutex<NotedAgents>);

#[derive(Debug, Default)]
struct NotedAgents {
    known: HashMap<TeamId, AgentsOfMonth>,
    /// To be written.
    due: Vec<RefusedAgent>,
}

#[derive(Debug)]
struct AgentsOfMonth {
    month: Month,
    agents: HashSet<Slug>,
}

impl NotedAgents {
    /// Those that there is no room for any more are noted when they are refused again.
    fn put_back(&mut self, mut left: Vec<RefusedAgent>) {
        let room = MOST_DUE.saturating_sub(self.due.len());
        for dropped in left.drain(room.min(left.len())..) {
            if let Some(of_team) = self.known.get_mut(&dropped.team)
                && of_team.month == Month::of(dropped.at)
            {
                of_team.agents.remove(&dropped.agent);
            }
        }
        self.due.append(&mut left);
    }
}

impl RefusedAgents {
    /// One was refused.
    pub fn note(&self, refused: RefusedAgent) {
        let mut guard = self.noted();
        let noted = &mut *guard;
        if noted.due.len() >= MOST_DUE {
            return;
        }
        if noted.known.len() >= MOST_TEAMS && !noted.known.contains_key(&refused.team) {
            noted.known.clear();
        }
        let month = Month::of(refused.at);
        let new = || AgentsOfMonth { month, agents: HashSet::new() };
        let of_team = noted.known.entry(refused.team).or_insert_with(new);
        if of_team.month != month {
            *of_team = new();
        }
        if of_team.agents.len() < MOST_OF_TEAM && of_team.agents.insert(refused.agent.clone()) {
            noted.due.push(refused);
        }
    }

    /// Writes what was noted since the last call, and what was not written then, some rows at a time. What is more than
    /// a few writes waits for the next call.
    pub async fn write(&self, rows: &dyn Rows, now: Timestamp) {
        let mut due = std::mem::take(&mut self.noted().due);
        for _ in 0..MOST_WRITES {
            if due.is_empty() {
                return;
            }
            let some = due.len().min(AT_ONCE);
            let written: Vec<RowWrite> = due[..some].iter().map(|refused| refused.row(now)).collect();
            if let Err(error) = rows.put(Arc::new(written), now).await {
                tracing::warn!(kind = %error.kind(), %error, "which agents were refused cannot be written now");
                break;
            }
            due.drain(..some);
        }
        self.noted().put_back(due);
    }

    /// Each change of it is whole after a panic elsewhere.
    fn noted(&self) -> MutexGuard<'_, NotedAgents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::rows::MemoryRows;

    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    struct Written {
        refused: RefusedAgents,
        rows: MemoryRows,
        now: Timestamp,
    }

    impl Written {
        fn new() -> Self {
            let now = at("2026-05-30T12:00:00Z");
            let rows = MemoryRows::new(Arc::new(TestClock::at(now)));
            Written { refused: RefusedAgents::default(), rows, now }
        }

        fn note(&self, team: u128, agent: &str) {
            let (team, agent) = (tidegate_agentping_testkit::team(team), Slug::parse(agent).unwrap());
            self.refused.note(RefusedAgent { team, agent, cap: 10, at: self.now });
        }

        /// Writes, one second later each time. Returns the agents of all rows so far, in their order.
        async fn write(&mut self) -> Vec<String> {
            self.refused.write(&self.rows, self.now).await;
            self.now = self.now.plus_millis(1_000);
            let found = RefusedAgent::written_since(&self.rows, at("2026-05-30T00:00:00Z"), self.now).await.unwrap();
            found.into_iter().map(|one| format!("{}/{}", one.team.bits(), one.agent)).collect()
        }
    }

    #[tokio::test]
    async fn an_agent_is_written_once_a_month() {
        let mut written = Written::new();
        let teams: Vec<u128> = (1..=2).map(|number| tidegate_agentping_testkit::team(number).bits()).collect();
        let name = |team: usize, agent: &str| format!("{}/{agent}", teams[team]);
        written.note(1, "b");
        written.note(1, "b");
        assert_eq!(written.write().await, [name(0, "b")]);
        written.note(1, "b");
        written.note(1, "a");
        assert_eq!(written.write().await, [name(0, "b"), name(0, "a")]);
        written.note(2, "b");
        assert_eq!(written.write().await, [name(0, "b"), name(0, "a"), name(1, "b")]);
        written.now = written.now.plus_millis(2 * DAY_MS);
        written.note(1, "b");
        assert_eq!(written.write().await.len(), 4, "it is another month");
    }

    /// What is noted while a write fails may take all the room.
    #[test]
    fn what_there_is_no_room_for_is_noted_when_it_is_refused_again() {
        let (refused, now) = (RefusedAgents::default(), at("2026-05-30T12:00:00Z"));
        let note = |team: usize, agent: &str| {
            let (team, agent) = (tidegate_agentping_testkit::team(team as u128), Slug::parse(agent).unwrap());
            refused.note(RefusedAgent { team, agent, cap: 10, at: now });
        };
        note(0, "first");
        note(0, "second");
        let left = std::mem::take(&mut refused.noted().due);
        (1..MOST_DUE).for_each(|number| note(1 + number / MOST_OF_TEAM, &format!("run-{number}")));
        refused.noted().put_back(left);
        assert_eq!(refused.noted().due.len(), MOST_DUE);
        refused.noted().due.clear();
        note(0, "first");
        note(0, "second");
        let due: Vec<String> = refused.noted().due.iter().map(|one| one.agent.to_string()).collect();
        assert_eq!(due, ["second"], "the first one waited still");
    }

    #[tokio::test]
    async fn more_than_are_written_at_once_are_written() {
        let mut written = Written::new();
        let count = 2 * AT_ONCE + 1;
        (0..count).for_each(|number| written.note((number / MOST_OF_TEAM) as u128, &format!("run-{number}")));
        assert_eq!(written.write().await.len(), count);
    }

    #[tokio::test]
    async fn one_call_writes_so_many_and_the_next_one_the_rest() {
        let mut written = Written::new();
        let count = MOST_WRITES * AT_ONCE + 1;
        (0..count).for_each(|number| written.note((number / MOST_OF_TEAM) as u128, &format!("run-{number}")));
        assert_eq!(written.write().await.len(), MOST_WRITES * AT_ONCE);
        assert_eq!(written.write().await.len(), count);
    }

    #[tokio::test]
    async fn a_team_has_so_many_at_most() {
        let mut written = Written::new();
        (0..=MOST_OF_TEAM).for_each(|number| written.note(1, &format!("run-{number}")));
        written.note(2, "a");
        assert_eq!(written.write().await.len(), MOST_OF_TEAM + 1);
    }
}
