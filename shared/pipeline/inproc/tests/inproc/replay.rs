//! The in-memory log passes the suite that every log runs for replays.

use std::sync::Arc;

use tidegate_conformance::replay::{ReplayUnderTest, suite};
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_ports::SystemClock;

#[tokio::test]
async fn in_memory() {
    let log = MemoryLog::new(MemoryLogOptions::default(), Arc::new(SystemClock));
    let consumer = Box::new(log.consumer("replays"));
    suite(ReplayUnderTest { append: &log, again: &log, reader: &log, consumer }).await;
}
