//! Reading up to an end under the very persister, on ports in memory.

use bytes::Bytes;
use tidegate_agentping::FinishStatus;
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{RunWanted, Runs};
use tidegate_agentping_testkit::{AFTERNOON, FinishWith as _, finish, key, record};
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_persister::{Persister, PersisterConfig};
use tidegate_ports::{Append, SystemClock};

use super::*;

async fn append(log: &MemoryLog, run: u128) {
    let record = record(key(run), AFTERNOON, finish(FinishStatus::Success).at(AFTERNOON));
    log.append(record.key().log_key(), Bytes::from(record.encode())).await.unwrap();
}

fn spans(log: &MemoryLog) -> BTreeMap<Partition, Span> {
    let span = |partition| Span { first: 0, end: log.records(partition).len() as i64 };
    (0..4).map(|partition| (partition, span(partition))).collect()
}

async fn is_stored(runs: &MemoryRuns, run: u128) -> bool {
    let wanted = [RunWanted { key: key(run), events: Vec::new() }];
    runs.load(&wanted).await.unwrap()[0].run.is_some()
}

/// Runs a persister on `spans` until it has read them whole.
async fn read(log: &MemoryLog, spans: &BTreeMap<Partition, Span>) -> (MemoryRuns, Reach) {
    let runs = MemoryRuns::default();
    let (up_to, reach) = UpTo::new(Box::new(log.consumer("again")), spans);
    let dead_letters = Arc::new(MemoryDeadLetters::default());
    let config = PersisterConfig { poll_bytes: 1_500, linger: Duration::ZERO, ..PersisterConfig::default() };
    let (store, accounts) = (Arc::new(runs.clone()), Arc::new(MemoryNotedAccounts::default()));
    let persister = Persister::new(Box::new(up_to), store, accounts, dead_letters, Arc::new(SystemClock), config);
    let seen = reach.clone();
    let report = persister.run(async move { seen.whole().await });
    let report = tokio::time::timeout(Duration::from_secs(60), report).await.expect("it reads the whole");
    assert_eq!(report.uncommitted, 0);
    (runs, reach)
}

#[tokio::test]
async fn it_gives_what_was_there_and_nothing_from_beyond() {
    let log = MemoryLog::new(MemoryLogOptions::default(), Arc::new(SystemClock));
    for run in 0..100 {
        append(&log, run).await;
    }
    let spans = spans(&log);
    for run in 100..200 {
        append(&log, run).await;
    }
    let (runs, reach) = read(&log, &spans).await;
    assert_eq!((reach.total(), reach.done(), reach.is_whole()), (100, 100, true));
    for run in 0..200 {
        assert_eq!(is_stored(&runs, run).await, run < 100, "run {run}");
    }
}

#[tokio::test]
async fn an_empty_log_is_whole_at_once() {
    let log = MemoryLog::new(MemoryLogOptions::default(), Arc::new(SystemClock));
    let (_, reach) = read(&log, &spans(&log)).await;
    assert_eq!((reach.total(), reach.done(), reach.is_whole()), (0, 0, true));
}

/// Retention may take the last records before the end while we are reading.
#[tokio::test]
async fn what_is_not_there_any_more_is_not_waited_for() {
    let log = MemoryLog::new(MemoryLogOptions::default(), Arc::new(SystemClock));
    for run in 0..40 {
        append(&log, run).await;
    }
    let mut spans = spans(&log);
    let (inner, whole) = (Box::new(log.consumer("again")), spans.clone());
    let (mut up_to, _) = UpTo::new(inner, &whole);
    let from = PartitionEpoch { partition: 0, epoch: 1 };
    let mut records = log.records(0);
    let last = records.pop().expect("some of forty fall into each partition");
    // The span ends at the last record, which is beyond it then; the one before it is gone.
    up_to.left.get_mut(&0).expect("it is open").end = last.position.offset;
    let before = records.len() - 1;
    records.truncate(before);
    records.push(last);
    assert_eq!(up_to.take(from, records).len(), before);
    assert_eq!(up_to.left[&0].end, before as i64);
    up_to.reached(0, before as i64);
    assert!(!up_to.left.contains_key(&0));
    spans.remove(&0);
    assert!(spans.keys().all(|partition| up_to.left.contains_key(partition)));
}
