//! What came of a try, and what is stored of it. Pure.

use std::time::Duration;

use tidegate_agentping_alerts::outbox::rank_at;
use tidegate_agentping_alerts::verdict::pause;
use tidegate_agentping_alerts::{DeliveryDoc, DeliveryProgress, DeliveryState, DeliveryTry, MessageEdge, TryVerdict};
use tidegate_kernel::Timestamp;
use tidegate_kernel::free_json::text_hash;

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TryOutcome {
    pub verdict: TryVerdict,
    pub one: DeliveryTry,
}

/// The progress of a message after a try, and until when its route is left alone.
pub(crate) fn after_try(
    doc: &DeliveryDoc,
    mut progress: DeliveryProgress,
    outcome: &TryOutcome,
    now: Timestamp,
) -> (DeliveryProgress, Option<Timestamp>) {
    progress.tried(outcome.one.clone());
    progress.reason = None;
    let mut route_pause = None;
    let next = match &outcome.verdict {
        TryVerdict::Again { after, slows_route } if doc.edge != MessageEdge::Test => {
            let pause = pause(progress.tries_now(), spread(doc, progress.tries_now()), *after);
            if *slows_route {
                route_pause = Some(plus(now, pause.or(*after).unwrap_or(Duration::from_secs(5))));
            }
            pause.map(|pause| plus(now, pause))
        }
        _ => None,
    };
    progress.next_try_at = next;
    progress.state = match (&outcome.verdict, next) {
        (TryVerdict::Sent, _) => DeliveryState::Sent,
        (_, Some(_)) => DeliveryState::Waiting,
        (_, None) => DeliveryState::Failed,
    };
    progress.rank = next_rank(&progress, now);
    (progress, route_pause)
}

/// The progress of a message that is not tried (any more).
pub(crate) fn given_up(mut progress: DeliveryProgress, reason: &str, now: Timestamp) -> DeliveryProgress {
    (progress.state, progress.next_try_at) = (DeliveryState::Failed, None);
    progress.reason = Some(reason.to_owned());
    progress.rank = next_rank(&progress, now);
    progress
}

/// Above every rank before, also where the clock went back.
fn next_rank(progress: &DeliveryProgress, now: Timestamp) -> u64 {
    rank_at(now).max(progress.rank) + 1
}

/// From 0 to 1,000, by the message and the try: whoever asks gets the same.
fn spread(doc: &DeliveryDoc, tries: u32) -> u32 {
    (text_hash(&[&doc.id.bits().to_be_bytes(), &tries.to_be_bytes()]) % 1_001) as u32
}

fn plus(now: Timestamp, pause: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}
