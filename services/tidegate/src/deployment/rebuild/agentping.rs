//! Runs, folded from all records up to where the log ends.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tidegate_kafka::{KafkaReadLog, topics};
use tidegate_kernel::Position;
use tidegate_lifecycle::ExitReport;
use tidegate_persister::{BrakeRules, Persister, PersisterConfig, purge_orphans};
use tidegate_ports::{Clock, DeadLetter, DeadLetters, LogError, SystemClock};
use tidegate_scylla::{Cql, ScyllaStore, agentping};

use super::new_keyspace;
use super::reading::Reading;
use crate::assemble::distributed::{options_of, wait_for_log};
use crate::config::Config;
use crate::console::Console;
use crate::deployment::up_to::Span;
use crate::failure::Failure;
use crate::process;

pub async fn live(config: Config, into: String, console: Console) -> Result<ExitReport, Failure> {
    let signals = process::signals()?;
    let live = (&config.scylla()?.options, "scylla.keyspace");
    let new = new_keyspace::make(&config, &into, live, &agentping::SCHEMA).await?;
    let store = Arc::new(ScyllaStore::new(Cql::connect(&new, &agentping::SCHEMA).await?));
    let kafka = config.kafka()?;
    let options = options_of(kafka, "rebuild");
    wait_for_log(&config, &options, || topics::check(&options, &kafka.layout)).await?;
    let spans = topics::spans(&options).await?;
    let spans: BTreeMap<_, _> =
        spans.into_iter().map(|span| (span.partition, Span { first: span.first, end: span.end })).collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let log = (&config, kafka.prefix.as_str(), &options);
    let (up_to, reading) = Reading::begin(log, &spans, into.clone(), (signals, console), clock.clone())?;

    let passed_over = PassedOver::default();
    // Records that the live persisters have dead-lettered are skipped, however many there are in a row.
    let settings = PersisterConfig { brake: BrakeRules::OFF, ..config.persister };
    let (runs, accounts, dead_letters) = (store.clone(), store.clone(), Arc::new(passed_over.clone()));
    let persister = Persister::new(Box::new(up_to), runs, accounts, dead_letters, clock.clone(), settings)
        .reading_again_from(Some(Arc::new(KafkaReadLog::open(&options)?)));
    let mut console = match reading.read(|stop| persister.run(stop.stopped()), pending()).await? {
        Ok(console) => console,
        Err(report) => return Ok(report),
    };
    // As the live persisters do: runs that were not opened within a day are not kept.
    let purged = purge_orphans(&*store, clock.now()).await?;
    let unreadable = passed_over.count();
    if purged > 0 {
        console.line(format_args!("purged {purged} runs that were never opened"));
    }
    if unreadable > 0 {
        console.line(format_args!("passed over {unreadable} records that cannot be applied; dead letters keep them"));
    }
    console.line(format_args!("done: tidegate compare --with {into}"));
    Ok(ExitReport::default())
}

/// Counts unreadable records: the live persisters have dead-lettered them already.
#[derive(Clone, Default)]
struct PassedOver(Arc<AtomicU64>);

impl PassedOver {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl DeadLetters for PassedOver {
    async fn append(&self, _letter: DeadLetter) -> Result<(), LogError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn list(&self, _after: Option<Position>, _limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(Vec::new())
    }

    async fn find(&self, _position: Position) -> Result<Option<DeadLetter>, LogError> {
        Ok(None)
    }
}
