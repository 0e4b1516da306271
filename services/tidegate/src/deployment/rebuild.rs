//! `tidegate rebuild`: the store is a function of the log, so the log read once more gives the same store.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_kafka::{KafkaConsumer, KafkaReadLog, topics};
use tidegate_kernel::Position;
use tidegate_lifecycle::{ExitReport, Parts};
use tidegate_persister::{BrakeRules, Persister, PersisterConfig, purge_orphans};
use tidegate_ports::{Clock, DeadLetter, DeadLetters, Ids, LogError, RandomIds, SystemClock};
use tidegate_scylla::{Cql, ScyllaOptions, ScyllaStore, agentping, migrations};
use tokio::time::{Instant, interval};

use super::progress;
use super::up_to::{Reach, Span, UpTo};
use crate::assemble::distributed::{options_of, wait_for_log, wait_for_store};
use crate::config::{Config, Purpose, is_keyspace};
use crate::console::Console;
use crate::failure::Failure;
use crate::process;

const PROGRESS_EVERY: Duration = Duration::from_secs(2);
const LEAVES_WITHIN: Duration = Duration::from_secs(10);

/// Reads the whole log into an empty keyspace: 0 when all of it was read and applied.
///
/// # Errors
/// Why it cannot be done, and what to do about it.
pub fn rebuild(config: Config, into: String) -> Result<ExitCode, Failure> {
    let config = Config { telemetry: super::quiet(&config), ..config };
    process::run(config, ("rebuild", Purpose::Rebuild), |config, _| live(config, into, Console::output()))
}

async fn live(config: Config, into: String, mut console: Console) -> Result<ExitReport, Failure> {
    let mut signals = process::signals()?;
    let store = Arc::new(empty_store(&config, &into).await?);
    let kafka = config.kafka()?;
    let options = options_of(kafka, "rebuild");
    wait_for_log(&config, &options, || topics::check(&options, &kafka.layout)).await?;
    let spans = topics::spans(&options).await?;
    let spans: BTreeMap<_, _> =
        spans.into_iter().map(|span| (span.partition, Span { first: span.first, end: span.end })).collect();

    let (clock, group) = (Arc::new(SystemClock), own_group(&kafka.prefix, &config));
    let member = KafkaConsumer::join(&options, &group, clock.clone())?;
    let (up_to, reach) = UpTo::new(Box::new(member), &spans);
    let passed_over = PassedOver::default();
    let dead_letters = Arc::new(passed_over.clone());
    console.line(format_args!(
        "rebuilding {into} from {}: {} records in {} partitions",
        options.topics.records,
        reach.total(),
        spans.len()
    ));
    // Records that the live persisters have dead-lettered are skipped, however many there are in a row.
    let settings = PersisterConfig { brake: BrakeRules::OFF, ..config.persister };
    let (runs, accounts) = (store.clone(), store.clone());
    let log = Arc::new(KafkaReadLog::open(&options)?);
    let persister = Persister::new(Box::new(up_to), runs, accounts, dead_letters, clock.clone(), settings);
    let persister = persister.reading_again_from(Some(log));
    let mut parts = Parts::default();
    let part = parts.start("persister", |stop| persister.run(stop.stopped()));
    let began = Instant::now();
    let early = tokio::select! {
        () = reach.whole() => None,
        signal = signals.next() => Some(format!("stopped by {signal}")),
        early = parts.ended_early() => Some(early),
        never = report_progress(&mut console, &reach, began) => match never {},
    };
    part.stop().await.map_err(Failure::broken)?;
    // The group drops a member that leaves late, too.
    let _ = tidegate_kafka::all_closed(LEAVES_WITHIN).await;
    console.line(format_args!("{}", progress::line(reach.done(), reach.total(), began.elapsed())));

    let mut report = ExitReport::default();
    if let Some(why) = early.filter(|_| !reach.is_whole()) {
        let (done, total) = (reach.done(), reach.total());
        report.add("rebuild", format!("{why} after {done} of {total} records: drop keyspace {into} and begin again"));
        return Ok(report);
    }
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
    Ok(report)
}

/// Makes and migrates the new keyspace, and checks that it is empty.
async fn empty_store(config: &Config, into: &str) -> Result<ScyllaStore, Failure> {
    let live = config.scylla()?;
    if !is_keyspace(into) {
        return Err(Failure::config(format!("--into {into:?} names no keyspace"))
            .hint("give 1 to 48 small letters, digits and underscores, a letter first"));
    }
    if into == live.options.keyspace {
        let live = config.with_source("scylla.keyspace");
        return Err(Failure::config(format!("--into {into} is the live keyspace ({live})")).hint("name a new one"));
    }
    wait_for_store(config, &live.options, || migrations::check_region(&live.options, &agentping::SCHEMA)).await?;
    let options = ScyllaOptions { keyspace: into.to_owned(), ..live.options.clone() };
    wait_for_store(config, &options, || migrations::apply(&options, &live.replication, &agentping::SCHEMA)).await?;
    if !tidegate_scylla::is_empty(&options).await? {
        let full = Failure::refused(format!("--into {into}: that keyspace holds runs already"));
        return Err(full.or_else("name a new one, or drop it first"));
    }
    let cql = Cql::connect(&options, &agentping::SCHEMA).await?;
    Ok(ScyllaStore::new(cql))
}

/// A consumer group of this rebuild alone: the live group is not disturbed, and every rebuild begins at the first
/// offset.
fn own_group(prefix: &str, config: &Config) -> String {
    let random: String = RandomIds.random().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}.{}.rebuild.{random}", config.region)
}

/// Prints how far the rebuild is, until it is dropped.
async fn report_progress(console: &mut Console, reach: &Reach, began: Instant) -> std::convert::Infallible {
    let mut ticks = interval(PROGRESS_EVERY);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        console.line(format_args!("{}", progress::line(reach.done(), reach.total(), began.elapsed())));
    }
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
