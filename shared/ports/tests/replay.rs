//! The in-memory log passes the suite that every log runs for replays.

use std::sync::Arc;

use tidegate_ports::SystemClock;
use tidegate_ports::conformance::replay::{ReplayUnderTest, suite};
use tidegate_ports::memory::log::{MemoryLog, MemoryLogOptions};

#[tokio::test]
async fn in_memory() {
    let log = MemoryLog::new(MemoryLogOptions::default(), Arc::new(SystemClock));
    let consumer = Box::new(log.consumer("replays"));
    suite(ReplayUnderTest { append: &log, again: &log, reader: &log, consumer }).await;
}
