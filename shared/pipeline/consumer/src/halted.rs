//! A halted lane: says so now and then, in the log and once in the store, and applies nothing more, until the partition
//! is taken away or the consumer ends.

use std::pin::pin;
use std::time::Duration;

use tidegate_ports::{Consumed, Halt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::applier::Applier;
use crate::apply::Apply;
use crate::brake::Tripped;

/// How often a halted lane logs it.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Drops the batches that still come.
pub(crate) async fn stay_halted<A: Apply>(
    applier: &Applier<A>,
    tripped: Tripped,
    halt: Halt,
    mut incoming: mpsc::Receiver<Vec<Consumed>>,
) {
    let mut ticks = interval_at(Instant::now(), LOG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Front doors read it there. Of a log that went back they know by themselves.
    let mut is_stated = matches!(tripped, Tripped::LogWentBack { .. });
    let mut stating = pin!(applier.halt(halt));
    loop {
        tokio::select! {
            biased;
            consumed = incoming.recv() => if consumed.is_none() {
                return;
            },
            () = &mut stating, if !is_stated => is_stated = true,
            _ = ticks.tick() => log(&tripped, halt),
        }
    }
}

fn log(tripped: &Tripped, Halt { partition, offset, .. }: Halt) {
    match tripped {
        Tripped::LogWentBack { .. } => tracing::error!(
            partition,
            offset,
            %tripped,
            "the topic was deleted and created again, or lost its end: nothing of this partition is applied, or records \
             would be passed over; move to another generation (docs/runbook.md, TidegatePartitionHalted)",
        ),
        Tripped::InARow { .. } | Tripped::Share { .. } => tracing::error!(
            partition,
            offset,
            %tripped,
            "the brake stopped this partition: nothing is lost, nothing more goes to the dead letters; deploy a release \
             that reads these records, or raise the brake's limits and restart (docs/runbook.md, TidegateBraked)",
        ),
        Tripped::Unreadable | Tripped::Refused => tracing::error!(
            partition,
            offset,
            %tripped,
            "this partition is halted: nothing is lost, and nothing of it is passed over; deploy a release that applies \
             this record",
        ),
    }
}
