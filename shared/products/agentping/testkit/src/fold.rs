//! Records as runs: what a persister makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_agentping::feed::{self, Arrival};
use tidegate_agentping::{Record, RunKey, RunState};
use tidegate_agentping_ports::{EventRow, FeedEntry, RunWanted, RunWrite, Runs};
use tidegate_kernel::Position;
use tidegate_ports::StoreError;

/// One run's records, folded in this order.
pub fn folded<'r>(records: impl IntoIterator<Item = &'r Record>) -> RunState {
    let mut state = RunState::default();
    for record in records {
        state.apply(record.clone());
    }
    state
}

/// What a persister would save of these records with their positions on the log: one write for each run, on top of what
/// the store holds of it. Records were appended when they were received. Unlike a persister, it folds what was folded
/// before once more.
///
/// # Errors
/// [`StoreError`], if the runs cannot be loaded.
pub async fn fold(
    store: &dyn Runs,
    records: impl IntoIterator<Item = (Position, Record)>,
) -> Result<Vec<RunWrite>, StoreError> {
    let mut runs: BTreeMap<RunKey, Vec<(Position, Record)>> = BTreeMap::new();
    for (position, record) in records {
        runs.entry(record.key()).or_default().push((position, record));
    }
    let wanted = |(key, records): (&RunKey, &Vec<(Position, Record)>)| RunWanted {
        key: *key,
        events: records.iter().flat_map(|(_, record)| record.body.event_ids()).collect(),
    };
    let wanted: Vec<RunWanted> = runs.iter().map(wanted).collect();
    let stored = store.load(&wanted).await?;
    let mut writes = Vec::new();
    for ((key, records), stored) in runs.into_iter().zip(stored) {
        let known_events = stored.events.into_iter().collect();
        let mut state = RunState { run: stored.run.unwrap_or_default(), known_events };
        let (mut new_events, mut feed) = (Vec::new(), Vec::new());
        let mut last = Position { generation: 0, partition: 0, offset: 0 };
        for (position, record) in records {
            let received_at = record.received_at;
            let (change, row) = feed::apply(&mut state, record, Arrival { appended_at: received_at, replayed: false });
            let is_folded = position.is_folded(stored.folded_to);
            feed.extend(row.filter(|_| !is_folded).map(|row| FeedEntry { position, row }));
            new_events.extend(change.new_events.into_iter().map(|event| EventRow { event, received_at }));
            last = position;
        }
        writes.push(RunWrite { key, run: state.run, new_events, feed, position: last, again: None });
    }
    Ok(writes)
}

/// Folds these records and saves the runs.
///
/// # Errors
/// [`StoreError`], if the runs cannot be loaded or saved.
pub async fn persist(
    store: &dyn Runs,
    records: impl IntoIterator<Item = (Position, Record)>,
) -> Result<(), StoreError> {
    let writes = fold(store, records).await?;
    store.save(Arc::new(writes)).await
}
