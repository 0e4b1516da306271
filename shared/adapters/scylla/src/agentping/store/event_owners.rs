//! The runs of a team that contain an event.
//!
//! The rows are pointers only: they are written before the run's own, and the result is always checked in the run.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_agentping::{EventId, RunId, RunKey, TeamId};
use tidegate_agentping_ports::RunWanted;
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::layout::born_minute;
use crate::batch::PartitionBatch;
use crate::failure::unreadable;

impl ScyllaStore {
    pub(super) async fn owners_of(
        &self,
        team: TeamId,
        events: Vec<EventId>,
    ) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        let find = |event: EventId| {
            let store = self.clone();
            async move { store.owners_of_one(team, event).await }
        };
        let found: Vec<_> = stream::iter(events).map(find).buffered(self.cql.concurrency()).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn owners_of_one(&self, team: TeamId, event: EventId) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        let values = (team.to_string(), born_minute(event), event.to_string());
        let found = self.cql.run(&self.cql.statements().event_owners, &values).await?;
        let rows = found.rows.rows::<(&str,)>().map_err(|error| unreadable("event_owners", error))?;
        let mut runs: Vec<RunId> = Vec::new();
        for row in rows {
            let (run,) = row.map_err(|error| unreadable("event_owners", error))?;
            runs.push(run.parse().map_err(|error| unreadable("event_owners", error))?);
        }
        let mut owners = Vec::new();
        for run in runs {
            let wanted = RunWanted { key: RunKey { team, run }, events: vec![event] };
            let stored = self.load_one(&wanted).await?;
            owners.extend(stored.events.into_iter().map(|(event, hash)| (event, run, hash)));
        }
        Ok(owners)
    }

    /// The pointers to these events of a run, a batch for each partition.
    pub(super) fn owner_batches(
        &self,
        key: RunKey,
        events: impl Iterator<Item = EventId>,
        at: i64,
    ) -> Vec<PartitionBatch> {
        let (team, run) = (key.team.to_string(), key.run.to_string());
        let statement = &self.cql.statements().save_owner;
        let mut batches: BTreeMap<i64, PartitionBatch> = BTreeMap::new();
        for event in events {
            let minute = born_minute(event);
            let batch = batches.entry(minute).or_insert_with(|| PartitionBatch::new("save_owners"));
            batch.add(statement, (team.clone(), minute, event.to_string(), run.clone(), at));
        }
        batches.into_values().collect()
    }

    /// Deletes the pointers to these events of a run that is being purged.
    pub(super) fn owner_deletions(&self, key: RunKey, events: &[EventId], at: i64) -> Vec<PartitionBatch> {
        let (team, run) = (key.team.to_string(), key.run.to_string());
        let statement = &self.cql.statements().delete_owner;
        let mut batches: BTreeMap<i64, PartitionBatch> = BTreeMap::new();
        for event in events {
            let minute = born_minute(*event);
            let batch = batches.entry(minute).or_insert_with(|| PartitionBatch::new("delete_owners"));
            batch.add(statement, (at, team.clone(), minute, event.to_string(), run.clone()));
        }
        batches.into_values().collect()
    }
}
