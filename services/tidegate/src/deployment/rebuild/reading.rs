//! Reading a log to an end by a consumer, with its progress.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_kafka::{KafkaConsumer, KafkaOptions};
use tidegate_kernel::Partition;
use tidegate_lifecycle::signals::Signals;
use tidegate_lifecycle::{ExitReport, Parts, Stop};
use tidegate_ports::{Clock, Ids, RandomIds};
use tokio::time::{Instant, interval};

use crate::config::Config;
use crate::console::Console;
use crate::deployment::progress;
use crate::deployment::up_to::{Reach, Span, UpTo};
use crate::failure::Failure;

const PROGRESS_EVERY: Duration = Duration::from_secs(2);
const LEAVES_WITHIN: Duration = Duration::from_secs(10);

/// A reading of a topic from its beginning up to fixed ends.
pub struct Reading {
    pub into: String,
    pub reach: Reach,
    signals: Signals,
    console: Console,
}

impl Reading {
    /// Begins it, as a consumer group of its own: the live group is not disturbed, and every rebuild begins at the first
    /// offset.
    ///
    /// # Errors
    /// The group cannot be joined.
    pub fn begin(
        (config, prefix, options): (&Config, &str, &KafkaOptions),
        spans: &BTreeMap<Partition, Span>,
        into: String,
        (signals, mut console): (Signals, Console),
        clock: std::sync::Arc<dyn Clock>,
    ) -> Result<(UpTo, Self), Failure> {
        let random: String = RandomIds.random().iter().map(|byte| format!("{byte:02x}")).collect();
        let group = format!("{prefix}.{}.rebuild.{random}", config.region);
        let (up_to, reach) = UpTo::new(Box::new(KafkaConsumer::join(options, &group, clock)?), spans);
        console.line(format_args!(
            "rebuilding {into} from {}: {} records in {} partitions",
            options.topics.records,
            reach.total(),
            spans.len()
        ));
        Ok((up_to, Reading { into, reach, signals, console }))
    }

    /// Runs the consumer until all is read, until a signal, or until `failed` says why it cannot be. Returns where to
    /// print what else there is to say, or the report of what was left.
    ///
    /// # Errors
    /// The consumer broke.
    pub async fn read<T, F>(
        self,
        consumer: impl FnOnce(Stop) -> F,
        failed: impl Future<Output = String>,
    ) -> Result<Result<Console, ExitReport>, Failure>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let Reading { into, reach, mut signals, mut console } = self;
        let mut parts = Parts::default();
        let part = parts.start("consumer", consumer);
        let began = Instant::now();
        let early = tokio::select! {
            () = reach.whole() => None,
            signal = signals.next() => Some(format!("stopped by {signal}")),
            early = parts.ended_early() => Some(early),
            why = failed => Some(why),
            never = report_progress(&mut console, &reach, began) => match never {},
        };
        part.stop().await?;
        // The group drops a member that leaves late, too.
        let _ = tidegate_kafka::all_closed(LEAVES_WITHIN).await;
        console.line(format_args!("{}", progress::line(reach.done(), reach.total(), began.elapsed())));
        let Some(why) = early.filter(|_| !reach.is_whole()) else { return Ok(Ok(console)) };
        let (mut report, done, total) = (ExitReport::default(), reach.done(), reach.total());
        report.add("rebuild", format!("{why} after {done} of {total} records: drop keyspace {into} and begin again"));
        Ok(Err(report))
    }
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
