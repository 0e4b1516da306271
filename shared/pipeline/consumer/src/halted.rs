//! A halted lane: says so now and then, in the log and once in the store, and applies nothing more, until the partition
//! is taken away, the consumer ends, or the record that halts it is void. A lane that waits for a void to be settled is
//! halted, too.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use tidegate_kernel::Position;
use tidegate_kernel::command::{AtRecord, VoidState};
use tidegate_ports::{Consumed, Halt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::applier::Applier;
use crate::apply::Apply;
use crate::brake::Tripped;
use crate::halting::Halting;

/// How often a halted lane logs it.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// How often it reads which records are void.
const READ_VOIDS_EVERY: Duration = Duration::from_secs(1);

/// Returns the batches that came meanwhile once the lane may continue; `None`: nothing more comes. The partition is
/// paused, so few come. Where no record can be void, they are dropped.
pub(crate) async fn stay_halted<A: Apply>(
    applier: &Applier<A>,
    Halting { tripped, offset }: Halting,
    halt: Halt,
    incoming: &mut mpsc::Receiver<Vec<Consumed>>,
) -> Option<VecDeque<Vec<Consumed>>> {
    let mut ticks = interval_at(Instant::now(), LOG_EVERY);
    let mut reads = interval_at(Instant::now(), READ_VOIDS_EVERY);
    for interval in [&mut ticks, &mut reads] {
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let is_of_this_log = !matches!(tripped, Tripped::LogWentBack { .. });
    let can_end = is_of_this_log && applier.voids.can_end_halts();
    // Front doors read it there. Of a log that went back they know by themselves.
    let mut is_stated = !is_of_this_log;
    let at = Position { generation: halt.generation, partition: halt.partition, offset };
    let mut stating = pin!(state(applier, tripped, at, halt));
    let mut came = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            consumed = incoming.recv() => match consumed {
                Some(consumed) if can_end => came.push_back(consumed),
                Some(_) => {}
                None => return None,
            },
            () = &mut stating, if !is_stated => is_stated = true,
            _ = ticks.tick() => log(&tripped, halt),
            _ = reads.tick(), if can_end => {
                if may_go_on(applier, tripped, at).await {
                    return Some(came);
                }
            }
        }
    }
}

/// States the halt, and before that that this release does not apply the record, where that follows from the record
/// alone: whoever sees the halt then sees it, too.
async fn state<A: Apply>(applier: &Applier<A>, tripped: Tripped, at: Position, halt: Halt) {
    if matches!(tripped, Tripped::Unreadable | Tripped::Stopped) {
        applier.until_done("state what cannot be applied", || applier.voids.cannot_apply(at)).await;
    }
    applier.halt(halt).await;
}

async fn may_go_on<A: Apply>(applier: &Applier<A>, tripped: Tripped, at: Position) -> bool {
    if let Err(error) = applier.voids.read().await {
        tracing::debug!(%error, "the void records cannot be read");
        return false;
    }
    let found = VoidState::at(applier.voids.known().get(&at).copied());
    match found {
        AtRecord::Skip => {
            tracing::warn!(position = %at, "the record that halted this partition is void: the partition goes on");
        }
        AtRecord::Apply if tripped == Tripped::AskedToBeVoid => {
            tracing::warn!(position = %at, "the record was asked to be void, and is not: it is applied");
        }
        AtRecord::Apply | AtRecord::Wait => {}
    }
    match tripped {
        Tripped::AskedToBeVoid => found != AtRecord::Wait,
        _ => found == AtRecord::Skip,
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
        Tripped::AskedToBeVoid => tracing::warn!(
            partition,
            offset,
            %tripped,
            "this partition waits for an operator: run the same `tidegate void` again (docs/runbook.md, \
             TidegateDeciderHalted)",
        ),
        Tripped::Unreadable | Tripped::Stopped | Tripped::Prevented | Tripped::Refused => tracing::error!(
            partition,
            offset,
            %tripped,
            "this partition is halted: nothing is lost, and nothing of it is passed over; deploy a release that applies \
             this record, or set the record aside as void where the product can do so",
        ),
    }
}
