//! Logs on folders, and reading them whole.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_kernel::{Ledger, LogKey, Region, Timestamp};
use tidegate_ports::{Append, Clock, Consume, Consumed, Polled, SystemClock};
use tidegate_sqlite::{DataFolder, EmbeddedConsumer, EmbeddedLog, LogOptions, OwnedFolder};

/// Nothing here takes longer, however slow the machine.
pub const DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const BUDGET: usize = 1024 * 1024;

pub fn open(place: &Path, partitions: u32, options: LogOptions) -> EmbeddedLog {
    open_at(place, partitions, options, Arc::new(SystemClock))
}

pub fn open_at(place: &Path, partitions: u32, options: LogOptions, clock: Arc<dyn Clock>) -> EmbeddedLog {
    let folder = DataFolder::open_or_create(place, Region::Eu, partitions, Timestamp::from_millis(0)).expect("ours");
    EmbeddedLog::open(&own(&folder), options, clock).expect("a log")
}

/// Takes the folder. A log that was dropped is closed in the background, and gives its folder back last.
pub fn own(folder: &DataFolder) -> OwnedFolder {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match folder.own() {
            Ok(owned) => return owned,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

pub fn key(number: u64) -> LogKey {
    LogKey::new(&number.to_be_bytes(), &["thing ", &number.to_string()])
}

pub fn text(number: u64) -> Bytes {
    Bytes::from(format!("record {number}"))
}

/// Appends records `from..until`, each under its own key.
pub async fn append(log: &EmbeddedLog, numbers: std::ops::Range<u64>) {
    for number in numbers {
        log.append(key(number), text(number)).await.expect("appended");
    }
}

/// A group member that can apply what it read.
pub struct Member {
    pub log: EmbeddedConsumer,
    ledger: Ledger,
    pub read: Vec<Consumed>,
}

impl Member {
    pub async fn join(log: &EmbeddedLog, group: &str) -> Self {
        let log = log.consumer(group).await.expect("a member");
        Member { log, ledger: Ledger::default(), read: Vec::new() }
    }

    /// Polls until `count` records were read, and commits those that `apply` says.
    pub async fn read(&mut self, count: usize, apply: impl Fn(&Consumed) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while self.read.len() < count {
            assert!(Instant::now() < deadline, "read {} of {count} records", self.read.len());
            match self.log.poll(BUDGET, POLL).await.expect("the log polls") {
                Polled::Assigned(assigned) => self.ledger.assign(assigned),
                Polled::Records(from, records) => {
                    for record in records {
                        self.ledger.read(from, record.position.offset);
                        if apply(&record) {
                            self.ledger.done(from, record.position.offset);
                        }
                        self.read.push(record);
                    }
                }
                _ => {}
            }
        }
        for done in self.ledger.take_committable() {
            self.log.commit(done).await.expect("committed");
        }
    }
}

/// Everything that a new group reads up to where it finds nothing more.
pub async fn read_all(log: &EmbeddedLog, group: &str) -> Vec<Consumed> {
    use tidegate_ports::ReadLag;
    let count = log.lag(group).expect("a reader").read().await.expect("a reading").records;
    let mut member = Member::join(log, group).await;
    member.read(count as usize, |_| false).await;
    member.read
}

/// Waits until `reached` holds.
pub async fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while !reached() {
        assert!(Instant::now() < deadline, "not reached: {what}");
        looks.tick().await;
    }
}
