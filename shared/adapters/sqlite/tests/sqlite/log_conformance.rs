//! The log's suite, in memory and on a folder.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tidegate_conformance::log::{LogUnderTest, MakeLog, suite};
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Append, Consume, ReadLag, SystemClock};
use tidegate_sqlite::{DataFolder, EmbeddedLog, LogOptions};

const MAX_RECORD_BYTES: usize = 300_000;
const REVOCATION_DEADLINE: Duration = Duration::from_secs(30);

struct InMemory;

#[async_trait]
impl MakeLog for InMemory {
    async fn fresh(&self, partitions: u32) -> Box<dyn LogUnderTest> {
        let options = MemoryLogOptions {
            partitions,
            max_record_bytes: MAX_RECORD_BYTES,
            revocation_deadline: REVOCATION_DEADLINE,
        };
        Box::new(Memory(MemoryLog::new(options, Arc::new(SystemClock))))
    }
}

struct Memory(MemoryLog);

#[async_trait]
impl LogUnderTest for Memory {
    fn appender(&self) -> &dyn Append {
        &self.0
    }
    async fn consumer(&self, group: &str) -> Box<dyn Consume> {
        Box::new(self.0.consumer(group))
    }
    async fn lag(&self, group: &str) -> Box<dyn ReadLag> {
        Box::new(self.0.lag(group))
    }
    fn max_record_bytes(&self) -> usize {
        MAX_RECORD_BYTES
    }
}

/// Folders; with a tail so small that everything is read from the file, too.
struct OnDisk {
    tail_bytes: usize,
}

#[async_trait]
impl MakeLog for OnDisk {
    async fn fresh(&self, partitions: u32) -> Box<dyn LogUnderTest> {
        let place = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::open_or_create(place.path(), Region::Eu, partitions, Timestamp::from_millis(0));
        let owned = folder.expect("a new folder").own().expect("no other owner");
        let options = LogOptions {
            max_record_bytes: MAX_RECORD_BYTES,
            revocation_deadline: REVOCATION_DEADLINE,
            tail_bytes: self.tail_bytes,
            ..LogOptions::default()
        };
        let log = EmbeddedLog::open(&owned, options, Arc::new(SystemClock)).expect("a log");
        Box::new(Disk { log, _place: place })
    }
}

struct Disk {
    log: EmbeddedLog,
    _place: TempDir,
}

#[async_trait]
impl LogUnderTest for Disk {
    fn appender(&self) -> &dyn Append {
        &self.log
    }
    async fn consumer(&self, group: &str) -> Box<dyn Consume> {
        Box::new(self.log.consumer(group).await.expect("a member"))
    }
    async fn lag(&self, group: &str) -> Box<dyn ReadLag> {
        Box::new(self.log.lag(group).expect("a reader"))
    }
    fn max_record_bytes(&self) -> usize {
        MAX_RECORD_BYTES
    }
}

#[tokio::test]
async fn in_memory() {
    suite(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_folder() {
    suite(&OnDisk { tail_bytes: LogOptions::default().tail_bytes }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_folder_read_from_the_file() {
    suite(&OnDisk { tail_bytes: 0 }).await;
}
