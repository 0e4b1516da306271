//! Listings over many days and buckets, against a plain model.

use std::cmp::Reverse;
use std::sync::Arc;

use tidegate_agentping::{FinishStatus, RunKey, RunState, RunStatus, Slug};
use tidegate_agentping_ports::{ListedRun, RunFilter, RunPage, RunQueries, RunWrite, Runs};
use tidegate_kernel::Timestamp;
use tidegate_scylla::ScyllaStore;

use crate::support::Keyspace;
use crate::support::history::{NOON, at_offset, finish, fresh, record, start};

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
        let listed_at = opening.started_at;
        state.apply(record(key, listed_at, opening));
        if mixed(number, 8, 3) == 0 {
            state.apply(record(key, NOON, finish(FinishStatus::Failed)));
        }
        writes.push(RunWrite {
            key,
            run: state.run.clone(),
            new_events: Vec::new(),
            feed: Vec::new(),
            position: at_offset(0),
            again: None,
        });
        runs.push(ListedRun { listed_at, id: key.run, run: state.run });
    }
    store.save(Arc::new(writes)).await.expect("saved");
    runs.sort_by_key(|run| Reverse((run.listed_at, run.id)));

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
        let expected: Vec<&ListedRun> =
            runs.iter().filter(|run| filter.admits(&run.run, run.listed_at, NOON)).collect();
        for limit in limits {
            let mut listed = Vec::new();
            let mut after = None;
            loop {
                let page = RunPage { after, ..RunPage::first(limit) };
                let page = store.list(team, &filter, &page, NOON).await.expect("listed").runs;
                let is_last = page.len() < limit;
                after = page.last().map(|run| (run.listed_at, run.id)).or(after);
                listed.extend(page);
                if is_last {
                    break;
                }
            }
            assert!(listed.iter().eq(expected.iter().copied()), "{filter:?}, {limit} a page");
        }
    }
}

/// A build before listed a run that started in the year 9999 by that. It is read where it is, and moves when it is
/// written again, by a process that remembers nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_an_older_build_left_is_read_and_moves() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let key = RunKey { team: fresh(), run: fresh() };
    let year_9999 = Timestamp::parse("9999-12-31T12:00:00Z").expect("an instant");
    let mut state = RunState::default();
    state.apply(record(key, NOON, start("daily", year_9999)));
    let write = RunWrite {
        key,
        run: state.run.clone(),
        new_events: Vec::new(),
        feed: Vec::new(),
        position: at_offset(0),
        again: None,
    };
    store.save(Arc::new(vec![write])).await.expect("saved");
    let (session, name, team) = (crate::support::session().await, &keyspace.name, key.team);
    let text = format!("SELECT facet, label, bucket, line FROM {name}.run_listing ALLOW FILTERING");
    let rows = session.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
    let rows: Vec<(String, String, i8, String)> = rows.rows().expect("typed").collect::<Result<_, _>>().expect("read");
    assert_eq!(rows.len(), 4, "one in each listing that the run stands in");
    for (facet, label, bucket, line) in rows {
        let place = |day: &str| {
            format!(
                "team = '{team}' AND facet = '{facet}' AND label = '{label}' AND day = '{day}' AND bucket = {bucket}"
            )
        };
        // A record later: this build has deleted the old place at the first one's timestamp, and a deletion wins.
        let (run, at) = (key.run, at_offset(1).write_timestamp());
        for text in [
            format!("DELETE FROM {name}.run_listing USING TIMESTAMP {at} WHERE {}", place("2026-05-15")),
            format!(
                "UPDATE {name}.run_listing USING TIMESTAMP {at} SET line = '{line}' WHERE {} AND started_at = {} AND run = '{run}'",
                place("9999-12-31"),
                year_9999.as_millis()
            ),
            format!(
                "INSERT INTO {name}.run_days (team, facet, label, day, bucket) \
                 VALUES ('{team}', '{facet}', '{label}', '9999-12-31', {bucket})"
            ),
        ] {
            session.query_unpaged(text.clone(), ()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
    let by_agent = RunFilter { agent: Some(Slug::parse("daily").expect("a slug")), ..RunFilter::default() };
    let places = async |store: &ScyllaStore, filter: &RunFilter| {
        let page = store.list(team, filter, &RunPage::first(10), NOON).await.expect("listed");
        page.runs.iter().map(|run| (run.id, run.listed_at)).collect::<Vec<_>>()
    };
    for filter in [&RunFilter::default(), &by_agent] {
        assert_eq!(places(&store, filter).await, [(key.run, year_9999)], "where the older build left it");
    }
    state.apply(record(key, NOON, start("daily", year_9999)));
    let write =
        RunWrite { key, run: state.run, new_events: Vec::new(), feed: Vec::new(), position: at_offset(2), again: None };
    let store = ScyllaStore::new(keyspace.connect().await);
    store.save(Arc::new(vec![write])).await.expect("saved");
    for filter in [&RunFilter::default(), &by_agent] {
        assert_eq!(places(&store, filter).await, [(key.run, NOON)], "once, and by its receipt");
    }
}
