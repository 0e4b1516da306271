//! Durable appends per second: 64 producers, each waiting for its own acknowledgement, one consumer keeping up.
//!
//! `cargo run --release -p tidegate-embedded --example append_bench [FOLDER]`; the folder should be on the disk that
//! is meant, for every acknowledgement waits for its sync.
#![expect(clippy::print_stdout, reason = "a program that prints its figures")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_kernel::{Ledger, Region};
use tidegate_ports::{Append, Clock, Consume, Polled, SystemClock};
use tidegate_sqlite::{DataFolder, EmbeddedConsumer, EmbeddedLog, LogOptions};

const PRODUCERS: u128 = 64;
const RUNS_FOR: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    println!("{:>8} {:>12} {:>9} {:>9} {:>9} {:>9}", "bytes", "records/s", "MB/s", "p50 ms", "p99 ms", "WAL MB");
    for bytes in [100, 400, 15_000] {
        let place = tempfile::tempdir_in(&base)?;
        let folder = DataFolder::open_or_create(place.path(), Region::Eu, 4, SystemClock.now())?;
        let log = EmbeddedLog::open(&folder.own()?, LogOptions::default(), Arc::new(SystemClock))?;
        let reading = tokio::spawn(read(log.consumer("bench").await?));
        let begun = Instant::now();
        let producers: Vec<_> =
            (0..PRODUCERS).map(|number| tokio::spawn(produce(log.clone(), number, bytes))).collect();
        let mut latencies = Vec::new();
        for producer in producers {
            latencies.extend(producer.await?);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let wal = std::fs::metadata(place.path().join("log.db-wal"))?.len();
        log.close().await;
        reading.await?;
        latencies.sort_unstable();
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100] as f64 / 1_000.0;
        let per_second = latencies.len() as f64 / seconds;
        let megabytes = per_second * bytes as f64 / 1e6;
        println!(
            "{bytes:>8} {per_second:>12.0} {megabytes:>9.1} {:>9.2} {:>9.2} {:>9.1}",
            at(50),
            at(99),
            wal as f64 / 1e6
        );
    }
    Ok(())
}

/// Appends one after the other; returns each append's time in microseconds.
async fn produce(log: EmbeddedLog, number: u128, bytes: usize) -> Vec<u64> {
    let payload = Bytes::from(vec![b'x'; bytes]);
    let mut latencies = Vec::new();
    let begun = Instant::now();
    let mut run = number << 64;
    while begun.elapsed() < RUNS_FOR {
        run += 1;
        let key = tidegate_agentping_testkit::key(run);
        let sent = Instant::now();
        if log.append(key.log_key(), payload.clone()).await.is_ok() {
            latencies.push(sent.elapsed().as_micros() as u64);
        }
    }
    latencies
}

/// Reads and commits until the log closes.
async fn read(mut consumer: EmbeddedConsumer) {
    let mut ledger = Ledger::default();
    while let Ok(polled) = consumer.poll(1024 * 1024, Duration::from_secs(1)).await {
        match polled {
            Polled::Assigned(assigned) => ledger.assign(assigned),
            Polled::Records(from, records) => {
                for record in records {
                    ledger.read(from, record.position.offset);
                    ledger.done(from, record.position.offset);
                }
                for done in ledger.take_committable() {
                    if consumer.commit(done).await.is_err() {
                        return;
                    }
                }
            }
            Polled::Revoking { .. } | Polled::Lost(_) | Polled::Idle => {}
        }
    }
}
