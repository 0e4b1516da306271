//! Listings over many days and buckets, against a plain model.

use std::cmp::Reverse;
use std::sync::Arc;

use tidegate_domain::{Body, FinishStatus, Record, RunKey, RunState, RunStatus, Slug, Timestamp};
use tidegate_ports::{ListedRun, RunFilter, RunPage, RunQueries, RunWrite, Runs};
use tidegate_scylla::ScyllaStore;

mod support;

use support::Keyspace;
use support::history::{NOON, at_offset, finish, fresh, start};

const RUNS: u64 = 400;
const DAY_MS: i64 = 86_400_000;

/// The numbers of a run's story, mixed up, but the same each time.
fn mixed(number: u64, salt: u64, below: u64) -> u64 {
    let mut mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % below
}

/// Runs of some of 60 days around 1970 and of 2026, many at one instant, one far off at either end of time.
fn started_at(number: u64) -> Timestamp {
    match number {
        0 => Timestamp::parse("0000-01-01T00:00:00Z").expect("an instant"),
        1 => Timestamp::parse("9999-12-31T23:59:59.999Z").expect("an instant"),
        _ => {
            let base = if mixed(number, 1, 5) == 0 { 0 } else { NOON.as_millis() };
            let day = mixed(number, 2, 60) as i64 - 30;
            Timestamp::from_millis(base + day * DAY_MS + mixed(number, 3, 3) as i64 * (DAY_MS / 3))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_agrees_with_a_plain_model() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let team = fresh();
    let mut runs: Vec<ListedRun> = Vec::new();
    let mut writes = Vec::new();
    for number in 0..RUNS {
        let key = RunKey { team, run: fresh() };
        let mut opening =
            start(["daily", "weekly", "a rare one"][mixed(number, 4, 21) as usize / 10], started_at(number));
        opening.customer_id = (mixed(number, 5, 3) > 0).then(|| format!("customer {}", mixed(number, 6, 3)).into());
        opening.feature = (mixed(number, 7, 2) > 0).then(Default::default);
        let mut state = RunState::default();
        state.apply(Record::new(key, NOON, Body::Start(opening)));
        if mixed(number, 8, 3) == 0 {
            state.apply(Record::new(key, NOON, finish(FinishStatus::Failed)));
        }
        writes.push(RunWrite { key, run: state.run.clone(), new_events: Vec::new(), position: at_offset(0) });
        runs.push(ListedRun { id: key.run, run: state.run });
    }
    store.save(Arc::new(writes)).await.expect("saved");
    runs.sort_by_key(|run| Reverse((run.run.opening().expect("opened").start.started_at, run.id)));

    let slug = |text| Some(Slug::parse(text).expect("a slug"));
    let all = RunFilter::default();
    let day = |n: i64| Some(Timestamp::from_millis((NOON.as_millis() / DAY_MS + n) * DAY_MS));
    for (filter, limits) in [
        (all.clone(), vec![1_000, 37]),
        (RunFilter { agent: slug("a rare one"), ..all.clone() }, vec![3]),
        (RunFilter { agent: slug("nobody"), ..all.clone() }, vec![3]),
        (RunFilter { status: Some(RunStatus::Failed), ..all.clone() }, vec![10]),
        (RunFilter { status: Some(RunStatus::Success), ..all.clone() }, vec![10]),
        (RunFilter { customer_id: Some("customer 1".into()), ..all.clone() }, vec![25]),
        (RunFilter { feature: Some(String::new()), status: Some(RunStatus::Running), ..all.clone() }, vec![50]),
        (RunFilter { agent: slug("daily"), customer_id: Some("customer 2".into()), ..all.clone() }, vec![9]),
        (RunFilter { from: day(-2), to: day(3), ..all.clone() }, vec![7]),
        (RunFilter { from: day(0), to: day(0), ..all.clone() }, vec![7]),
        (RunFilter { from: day(4), to: day(1), ..all.clone() }, vec![7]),
        (RunFilter { to: Some(Timestamp::from_millis(1)), feature: Some(String::new()), ..all.clone() }, vec![5]),
    ] {
        let expected: Vec<&ListedRun> = runs.iter().filter(|run| filter.admits(&run.run, NOON)).collect();
        for limit in limits {
            let mut listed = Vec::new();
            let mut after = None;
            loop {
                let page = store.list(team, &filter, &RunPage { after, limit }, NOON).await.expect("listed");
                let is_last = page.len() < limit;
                let place = |run: &ListedRun| (run.run.opening().expect("opened").start.started_at, run.id);
                after = page.last().map(place).or(after);
                listed.extend(page);
                if is_last {
                    break;
                }
            }
            assert!(listed.iter().eq(expected.iter().copied()), "{filter:?}, {limit} a page");
        }
    }
}
