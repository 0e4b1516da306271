//! Books, facts, view rows and due times, decided anew from all commands that the live deciders are done with.
//!
//! It ends where they are: an effect of a later command would be emitted by neither. Nothing is appended, what is void is
//! skipped, and data keys and void places, which follow from no log, are copied.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_agentgate::AgentGate;
use tidegate_decider::{DecidingOptions, DecidingPorts, VoidPorts, consumer, consumer_config};
use tidegate_kafka::{KafkaLag, KafkaReadLog};
use tidegate_kernel::Partition;
use tidegate_lifecycle::ExitReport;
use tidegate_ports::{Accounts, Clock, Halt, PartitionLag, ReadLag, ReadLog, SystemClock};
use tidegate_scylla::commands::{Copied, SCHEMA};
use tidegate_scylla::{Cql, ScyllaCommands};
use tokio::time::interval;

use super::new_keyspace;
use super::reading::Reading;
use super::young_deliveries::YoungDeliveries;
use crate::agentgate::release;
use crate::assemble::commands::distributed;
use crate::assemble::distributed::{log_as_configured, options_of};
use crate::config::Config;
use crate::console::Console;
use crate::deployment::up_to::Span;
use crate::failure::Failure;
use crate::process;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The key of the configuration that names the live keyspace.
const KEYSPACE: &str = "agentgate.keyspace";

pub async fn live(config: Config, into: String, console: Console) -> Result<ExitReport, Failure> {
    let signals = process::signals()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let live_options = distributed::scylla(&config)?;
    let new = new_keyspace::make(&config, &into, (&live_options, KEYSPACE), &SCHEMA).await?;
    let live = ScyllaCommands::new(distributed::cql(&config).await?, clock.clone());
    let store = ScyllaCommands::new(Cql::connect(&new, &SCHEMA).await?, clock.clone());

    let kafka = distributed::kafka(&config)?;
    let options = options_of(&kafka, "rebuild");
    log_as_configured(&config, &kafka, &options).await?;
    let log: Arc<dyn ReadLog> = Arc::new(KafkaReadLog::open(&options)?);
    let lag = KafkaLag::watch(&options, &kafka.group, clock.clone())?;
    let spans = done(&lag.partitions(&live.accounts().await?).await?)?;
    // After it is known where this ends: a void of a command that the live deciders have skipped is then among them.
    live.copy_what_no_log_has(&store).await?;
    let deliveries = YoungDeliveries::before(Arc::new(store.clone()), &*log, clock.now()).await?;
    let place = (&config, kafka.prefix.as_str(), &options);
    let (up_to, reading) = Reading::begin(place, &spans, into.clone(), (signals, console), clock.clone())?;

    let decided = Arc::new(store.clone().rebuilding());
    let ports = DecidingPorts {
        books: decided.clone(),
        facts: decided.clone(),
        views: decided.clone(),
        due: decided.clone(),
        deliveries: Arc::new(deliveries),
        append: None,
        sending: None,
        clock,
    };
    let limits = DecidingOptions::new(options.partitions);
    let voids = VoidPorts { voids: decided.clone(), releases: decided.clone(), release: release() };
    let accounts = decided.clone();
    let decider =
        consumer::<AgentGate>(Box::new(up_to), ports, voids, accounts, limits, consumer_config::<AgentGate>())
            .reading_again_from(Some(log));
    let mut console = match reading.read(|stop| decider.run(stop.stopped()), halted(&store)).await? {
        Ok(console) => console,
        Err(report) => return Ok(report),
    };
    // Once more: some were made meanwhile.
    let copied = live.copy_what_no_log_has(&store).await?;
    print(&mut console, copied);
    console.line(format_args!("done: tidegate compare --api agentgate --with {into}"));
    Ok(ExitReport::default())
}

/// Copies what no log has into a keyspace that was rebuilt before.
pub async fn only_keys(config: &Config, into: &str, mut console: Console) -> Result<ExitCode, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let new = new_keyspace::named(config, into, (&distributed::scylla(config)?, KEYSPACE))?;
    let live = ScyllaCommands::new(distributed::cql(config).await?, clock.clone());
    let store = ScyllaCommands::new(Cql::connect(&new, &SCHEMA).await?, clock);
    print(&mut console, live.copy_what_no_log_has(&store).await?);
    Ok(ExitCode::SUCCESS)
}

fn print(console: &mut Console, Copied { owner_keys, voids, tried }: Copied) {
    console.line(format_args!(
        "copied {owner_keys} data keys, {voids} void places and how far {tried} messages are, which are on no log"
    ));
}

/// What the live deciders are done with, by partition.
fn done(partitions: &[PartitionLag]) -> Result<BTreeMap<Partition, Span>, Failure> {
    partitions
        .iter()
        .map(|lag| match lag.first {
            0 => Ok((lag.partition, Span { first: 0, end: lag.next().min(lag.end) })),
            first => Err(Failure::refused(format!(
                "partition {} begins at offset {first}: the commands before it are gone, and without them others would be \
                 decided differently",
                lag.partition
            ))),
        })
        .collect()
}

/// Resolves once a partition is halted at a command that this release cannot decide.
async fn halted(store: &ScyllaCommands) -> String {
    let mut looks = interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        // A store that does not answer is what the decider waits for, too.
        let (Ok(halts), Ok(accounts)) = (store.halts().await, store.accounts().await) else { continue };
        let next = |halt: &Halt| PartitionLag::accounted_in(&accounts, halt.generation, halt.partition);
        if let Some(halt) = halts.iter().find(|halt| halt.is_in_force(next(halt))) {
            let (partition, offset) = (halt.partition, halt.offset);
            return format!(
                "the command at {}/{partition}/{offset} cannot be decided by this release, or is asked to be void: run the \
                 newest release, or settle the void with the same `tidegate void`; it was halted",
                halt.generation
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(first: i64, committed: i64, accounted: i64, end: i64) -> PartitionLag {
        let (oldest_appended_at, log_time) = (None, None);
        PartitionLag { generation: 1, partition: 3, first, committed, accounted, end, oldest_appended_at, log_time }
    }

    #[test]
    fn it_ends_where_the_live_deciders_are() {
        for (lag, end) in [
            (lag(0, 5, 5, 9), 5),
            (lag(0, 5, 7, 9), 7),
            // The group has lost its offsets, and the store has everything.
            (lag(0, 0, 9, 9), 9),
            // The log has lost its end: there is no more to be read.
            (lag(0, 9, 9, 6), 6),
            (lag(0, 0, 0, 9), 0),
        ] {
            assert_eq!(done(&[lag]).unwrap()[&3], Span { first: 0, end }, "{lag:?}");
        }
        let failure = done(&[lag(4, 5, 5, 9)]).unwrap_err().to_string();
        assert!(failure.contains("partition 3 begins at offset 4"), "{failure}");
    }
}
