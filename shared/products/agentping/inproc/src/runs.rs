//! The store in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_agentping::{EventId, FeedRow, Run, RunId, RunKey, Slug, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, Agents, EventPage, EventRow, EventsPage, ListedRun, RunFilter, RunPage, RunQueries,
    RunWanted, RunWrite, Runs, RunsPage, Spend, StoredRun, StoredSummary, union_of_agents,
};
use tidegate_kernel::{Month, Position, Timestamp};
use tidegate_ports::StoreError;

use crate::registry::MemoryRegistry;

mod feed;
mod spend;

/// Runs and events, for as long as a clone of this lives. Agents that ping tokens made come from the registry.
#[derive(Clone, Debug, Default)]
pub struct MemoryRuns {
    kept: Arc<Mutex<Kept>>,
    registry: MemoryRegistry,
    starts: Arc<AtomicU64>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    runs: BTreeMap<RunKey, KeptRun>,
    usage: HashMap<(TeamId, Month), u64>,
    agents: BTreeMap<(TeamId, Slug), AgentRow>,
    feed: BTreeMap<Position, FeedRow>,
    /// Calls without a rate: team, month of receipt, provider, model.
    unpriced: BTreeSet<(TeamId, Month, String, String)>,
}

#[derive(Clone, Debug)]
struct KeptRun {
    run: Run,
    position: i64,
    events: BTreeMap<EventId, EventRow>,
}

impl MemoryRuns {
    pub fn new(registry: MemoryRegistry) -> Self {
        MemoryRuns { kept: Arc::default(), registry, starts: Arc::default() }
    }

    /// A copy that goes its own way.
    #[must_use]
    pub fn copied(&self) -> Self {
        MemoryRuns {
            kept: Arc::new(Mutex::new(self.kept().clone())),
            registry: self.registry.clone(),
            starts: Arc::default(),
        }
    }

    /// Goes back to what a copy holds.
    pub fn go_back_to(&self, copy: &Self) {
        let kept = copy.kept().clone();
        *self.kept() = kept;
    }

    /// Forgets the events of a run, and not what its summary says of them.
    pub fn lose_events(&self, key: RunKey) {
        if let Some(kept) = self.kept().runs.get_mut(&key) {
            kept.events.clear();
        }
    }

    /// From now on it says that it has started again.
    pub fn has_started_again(&self) {
        self.starts.fetch_add(1, Ordering::SeqCst);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing below panics halfway through a change.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn load(&self, wanted: &RunWanted) -> StoredRun {
        let Some(kept) = self.runs.get(&wanted.key) else {
            return StoredRun::default();
        };
        let hash = |id: &EventId| kept.events.get(id).map(|row| (*id, row.event.content_hash));
        StoredRun {
            run: Some(kept.run.clone()),
            events: wanted.events.iter().filter_map(hash).collect(),
            folded_to: Some(kept.position),
        }
    }

    fn save(&mut self, write: &RunWrite) {
        let RunWrite { key, run, new_events, .. } = write;
        let position = write.position.write_timestamp();
        let before = self.runs.get(key);
        if before.is_some_and(|kept| kept.position >= position) {
            // What came again may bring back events that were lost.
            if let (Some(_), Some(kept)) = (&write.again, self.runs.get_mut(key)) {
                for row in new_events {
                    kept.events.entry(row.event.id).or_insert_with(|| row.clone());
                }
                self.add_to_feed(&write.feed);
            }
            return;
        }
        self.add_to_feed(&write.feed);
        let before = self.runs.get(key);
        for (month, units) in &run.units {
            let counted = before.map_or(0, |kept| kept.run.units_in(*month));
            let usage = self.usage.entry((key.team, *month)).or_default();
            *usage = (*usage + units).saturating_sub(counted);
        }
        for row in new_events {
            if let Some(call) = row.event.call.as_ref().filter(|call| !call.priced) {
                let month = Month::of(row.received_at);
                self.unpriced.insert((key.team, month, call.provider.to_string(), call.model.to_string()));
            }
        }
        for opening in run.start.iter().chain(&run.implied) {
            let sighting = AgentRow {
                id: agent_id(key.team, &opening.start.agent),
                slug: opening.start.agent.clone(),
                first_seen: opening.received_at,
                last_seen: Some(opening.received_at),
                archived_at: None,
            };
            let agent = self.agents.entry((key.team, sighting.slug.clone()));
            agent.and_modify(|row| row.absorb(&sighting)).or_insert(sighting);
        }
        let empty = KeptRun { run: Run::default(), position, events: BTreeMap::new() };
        let kept = self.runs.entry(*key).or_insert(empty);
        kept.run = run.clone();
        kept.position = position;
        for row in new_events {
            kept.events.entry(row.event.id).or_insert_with(|| row.clone());
        }
    }

    fn of_team(&self, team: TeamId) -> impl Iterator<Item = (RunId, &KeptRun)> {
        self.runs.iter().filter(move |(key, _)| key.team == team).map(|(key, kept)| (key.run, kept))
    }
}

#[async_trait]
impl Runs for MemoryRuns {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        let kept = self.kept();
        Ok(wanted.iter().map(|wanted| kept.load(wanted)).collect())
    }

    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        writes.iter().for_each(|write| kept.save(write));
        Ok(())
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        Ok(self.starts.load(Ordering::SeqCst))
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut kept = self.kept();
        let orphan = |kept: &KeptRun| kept.run.opening().is_none() && kept.run.last_received < before;
        let found = kept.runs.iter().filter(|(_, run)| orphan(run)).map(|(key, _)| *key);
        let doomed: Vec<RunKey> = found.take(limit).collect();
        for key in &doomed {
            kept.runs.remove(key);
        }
        Ok(doomed.len())
    }
}

#[async_trait]
impl StoredSummary for MemoryRuns {
    async fn stored(&self, wanted: RunWanted) -> Result<StoredRun, StoreError> {
        Ok(self.kept().load(&wanted))
    }

    async fn event_owners(&self, team: TeamId, events: &[EventId]) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        let kept = self.kept();
        let owners = kept.of_team(team).flat_map(|(run, kept)| {
            let held = events.iter().filter_map(|id| kept.events.get(id));
            held.map(move |row| (row.event.id, run, row.event.content_hash))
        });
        Ok(owners.collect())
    }
}

#[async_trait]
impl RunQueries for MemoryRuns {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        let kept = self.kept();
        let found = kept.runs.get(&key).filter(|kept| kept.run.opening().is_some());
        Ok(found.map(|kept| kept.run.clone()))
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        let kept = self.kept();
        let mut events = EventsPage::default();
        if let Some(found) = kept.runs.get(&key) {
            let after = page.after.map_or(Bound::Unbounded, Bound::Excluded);
            for row in found.events.range((after, Bound::Unbounded)).map(|(_, row)| row) {
                if !events.take(page, row.clone()) {
                    break;
                }
            }
        }
        Ok(events)
    }

    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        let kept = self.kept();
        let mut found: Vec<(Timestamp, RunId, &Run)> = kept
            .of_team(team)
            .filter_map(|(id, kept)| Some((kept.run.opening()?.listed_at(), id, &kept.run)))
            .filter(|(listed_at, _, run)| filter.admits(run, *listed_at, now))
            .filter(|(listed_at, id, _)| page.after.is_none_or(|after| (*listed_at, *id) < after))
            .collect();
        found.sort_by_key(|(listed_at, id, _)| std::cmp::Reverse((*listed_at, *id)));
        let mut listed = RunsPage::default();
        for (listed_at, id, run) in found.into_iter().take(page.limit) {
            if !listed.take(page, ListedRun { listed_at, id, run: run.clone() }) {
                break;
            }
        }
        Ok(listed)
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let seen = {
            let kept = self.kept();
            kept.agents.iter().filter(|((owner, _), _)| *owner == team).map(|(_, row)| row.clone()).collect()
        };
        Ok(union_of_agents(seen, self.registry.agents(team), &self.registry.archived_agents(team)))
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        Ok(self.kept().usage.get(&(team, month)).copied().unwrap_or(0))
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        let kept = self.kept();
        let mut times_of: BTreeMap<&Slug, u64> = BTreeMap::new();
        let counted = kept.of_team(team).flat_map(|(_, kept)| kept.run.repeats_by_month());
        for (agent, _, times) in counted.filter(|(_, received, _)| *received == month) {
            *times_of.entry(agent).or_default() += times;
        }
        Ok(times_of.into_iter().map(|(agent, times)| AgentRepeats { agent: agent.clone(), times }).collect())
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        Ok(self.kept().spend(team, month, now))
    }
}

#[async_trait]
impl Agents for MemoryRuns {
    async fn slugs(&self, team: TeamId) -> Result<Vec<Slug>, StoreError> {
        let rows = self.agents(team).await?.into_iter().filter(|row| !row.is_archived());
        Ok(rows.map(|row| row.slug).collect())
    }
}
