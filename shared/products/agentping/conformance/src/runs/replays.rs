//! The store is a function of the log: however its records are batched, delivered again, or written late by a
//! former owner, what is stored is what folding them once, in order, gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_agentping::{Body, Event, EventId, FinishStatus, HeartbeatStatus, Record, RunKey, TeamId};
use tidegate_agentping_ports::{RunFilter, RunPage, RunWrite};
use tidegate_kernel::{Month, Timestamp};

use super::StoreUnderTest;
use super::chance::Chance;
use super::story::{
    HOUR_MS, IntoBody, NOON, StartWith, Story, at_offset, event, finish, fresh, heartbeat, model_call, start,
};

const RECORDS: usize = 40;
const BATCH: usize = 9;

pub(super) async fn any_batching_and_redelivery_ends_in_one_state(store: &StoreUnderTest, seed: u64) {
    let mut chance = Chance::new(seed);
    let log = some_log(&mut chance);
    let mut stories: BTreeMap<RunKey, Story> = BTreeMap::new();
    for record in &log {
        let story = stories.remove(&record.key()).unwrap_or_else(|| Story::of(record.key()));
        stories.insert(record.key(), story.tell(record.received_at, record.body.clone()));
    }

    let mut late: Option<Vec<RunWrite>> = None;
    let mut next = 0;
    while next < log.len() {
        let end = (next + 1 + chance.below(BATCH)).min(log.len());
        let writes = fold_batch(store, &log, next, end).await;
        if chance.once_in(4) {
            // Another owner takes over from here; this one's write comes late, after the other's.
            late = late.or_else(|| Some(writes.clone()));
        } else {
            store.runs.save(Arc::new(writes)).await.expect("saved");
            next = if chance.once_in(4) { chance.below(end) } else { end };
            if chance.once_in(3)
                && next == end
                && let Some(writes) = late.take()
            {
                store.runs.save(Arc::new(writes)).await.expect("saved");
            }
        }
    }
    // The last word of a late writer: all of it was folded by the other by now.
    if let Some(writes) = late {
        store.runs.save(Arc::new(writes)).await.expect("saved");
    }

    let mut usage: BTreeMap<(TeamId, Month), u64> = BTreeMap::new();
    let mut repeats: BTreeMap<(TeamId, Month), BTreeMap<String, u64>> = BTreeMap::new();
    let mut listed: BTreeMap<TeamId, usize> = BTreeMap::new();
    for story in stories.values() {
        store.assert_stored(story).await;
        for (month, units) in &story.state.run.units {
            *usage.entry((story.key.team, *month)).or_default() += units;
        }
        for (agent, month, times) in story.state.run.repeats_by_month() {
            *repeats.entry((story.key.team, month)).or_default().entry(agent.to_string()).or_default() += times;
        }
        *listed.entry(story.key.team).or_default() += usize::from(story.state.run.opening().is_some());
    }
    for ((team, month), units) in usage {
        assert_eq!(store.queries.usage(team, month).await, Ok(units), "seed {seed}");
    }
    for ((team, month), of_agents) in repeats {
        assert_eq!(store.repeats(team, month).await, of_agents.into_iter().collect::<Vec<_>>(), "seed {seed}");
    }
    for (team, runs) in listed {
        let page = RunPage::first(100);
        let found = store.queries.list(team, &RunFilter::default(), &page, NOON).await.expect("listed").runs;
        assert_eq!(found.len(), runs, "seed {seed}");
        for run in found {
            let key = RunKey { team, run: run.id };
            assert_eq!(run.run, stories[&key].state.run, "seed {seed}");
        }
    }
}

/// One poll of the persister: load, fold, and what it would save.
async fn fold_batch(store: &StoreUnderTest, log: &[Record], from: usize, to: usize) -> Vec<RunWrite> {
    let read = (from..to).map(|offset| (at_offset(offset as i64), log[offset].clone()));
    tidegate_agentping_testkit::fold(&*store.runs, read).await.expect("loaded")
}

/// Records of three runs of two teams, in any order, repeats and twisted events among them, over a month's end.
pub(crate) fn some_log(chance: &mut Chance) -> Vec<Record> {
    let (teams, runs): ([TeamId; 2], [_; 3]) = ([fresh(), fresh()], [fresh(), fresh(), fresh()]);
    let events: Vec<EventId> = (0..8).map(|_| fresh()).collect();
    let mut at = Month::of(NOON).next().start().plus_millis(-10 * HOUR_MS);
    let mut log = Vec::new();
    for _ in 0..RECORDS {
        at = at.plus_millis(chance.below(HOUR_MS as usize) as i64);
        let key = RunKey { team: *chance.of(&teams), run: *chance.of(&runs) };
        log.push(Record::new(key, at, some_body(chance, &events)));
    }
    log
}

fn some_body(chance: &mut Chance, events: &[EventId]) -> Body {
    match chance.below(8) {
        0 | 1 => start("a").idle(60, FinishStatus::Failed).into_body(),
        2 => finish(*chance.of(&[FinishStatus::Success, FinishStatus::Failed])).into_body(),
        3 => Body::Heartbeat(heartbeat("a ", *chance.of(&[HeartbeatStatus::Ok, HeartbeatStatus::Start]))),
        _ => Body::Events((0..=chance.below(4)).map(|_| some_event(chance, events)).collect()),
    }
}

fn some_event(chance: &mut Chance, events: &[EventId]) -> Event {
    let id = *chance.of(events);
    let ts = Timestamp::from_millis(NOON.as_millis() + (id.bits() % 5) as i64);
    let mut event = if id.bits().is_multiple_of(2) { event(id, ts) } else { model_call(id, ts, "m", Some(3)) };
    if chance.once_in(10) {
        // The same id with another content: whichever comes first on the log stays.
        event.content_hash ^= 1;
        event.errored = true;
    }
    event
}
