//! What is due: lapsed leases, runs whose time is over, new billing cycles.

use tidegate_kernel::Timestamp;

use crate::book::{Book, OpenRun};
use crate::cycle;
use crate::end::{End, end};
use crate::event::Event;
use crate::evolve::evolve;
use crate::id::RunId;

/// What happens to a run when its time comes.
enum Due {
    Lapse,
    TimeOut,
}

/// The next change of a run that time brings.
const fn due_of(run: &OpenRun) -> (Timestamp, Due) {
    let Some(work) = &run.work else { return (run.pending_until_ms, Due::TimeOut) };
    match &work.lease {
        // No lease outlasts the run's time: at its end the run fails, whatever its lease.
        Some(lease) if lease.expires_at_ms.as_millis() < work.until_ms.as_millis() => {
            let due = if work.grants < work.max_grants { Due::Lapse } else { Due::TimeOut };
            (lease.expires_at_ms, due)
        }
        _ => (work.until_ms, Due::TimeOut),
    }
}

fn next_run(book: &Book) -> Option<(Timestamp, RunId, Due)> {
    let due = book.runs.iter().map(|(id, run)| (due_of(run), *id));
    due.min_by_key(|((at, _), id)| (*at, *id)).map(|((at, due), id)| (at, id, due))
}

/// When the next change of a run is due. Billing cycles are not: no request waits for one.
pub(crate) fn next_due(book: &Book) -> Option<Timestamp> {
    book.runs.values().map(|run| due_of(run).0).min()
}

/// What is due by `now`, in the order of due times, each at its own. Billing cycles with nothing due between them are
/// one, since the first of them changes nothing that the last does not.
pub(crate) fn advance(book: &Book, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    let Some(mut event) = next(book, now) else { return events };
    let mut book = book.clone();
    loop {
        evolve(&mut book, &event);
        events.push(event);
        match next(&book, now) {
            Some(following) => event = following,
            None => return events,
        }
    }
}

fn next(book: &Book, now: Timestamp) -> Option<Event> {
    let run = next_run(book).filter(|(at, ..)| *at <= now);
    let before_run = run.as_ref().map_or(now, |(at, ..)| *at);
    if let Some(org) = &book.org {
        let begun = cycle::latest_start(org.created_at_ms, before_run);
        if begun > book.credits.cycle_started_at_ms {
            return Some(Event::CycleBegun { at: begun });
        }
    }
    let (at, id, due) = run?;
    Some(match due {
        Due::Lapse => Event::LeaseLapsed { run: id },
        Due::TimeOut => end(book, id, at, End::TIMED_OUT)?,
    })
}
