//! A run's end: it frees the hold and the slot, and charges what was done.

use tidegate_kernel::Timestamp;

use crate::book::Book;
use crate::event::{EndedRun, Event};
use crate::id::RunId;
use crate::sealed::Sealed;
use crate::status::{RunErrorCode, RunStatus};

/// How a run ends.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub status: RunStatus,
    pub error_code: Option<RunErrorCode>,
    /// Iterations that count at least.
    pub iterations: u32,
    pub result: Option<Sealed>,
}

impl End {
    pub const TIMED_OUT: End = End {
        status: RunStatus::Failed,
        error_code: Some(RunErrorCode::ExecutionTimeout),
        iterations: 0,
        result: None,
    };

    pub const CANCELLED: End =
        End { status: RunStatus::Cancelled, error_code: Some(RunErrorCode::Cancelled), iterations: 0, result: None };
}

/// The end of an open run at `at`; `None`: it is not open.
pub(crate) fn end(book: &Book, id: RunId, at: Timestamp, end: End) -> Option<Event> {
    let run = book.runs.get(&id)?;
    let iterations = end.iterations.max(run.iterations);
    Some(Event::RunEnded(Box::new(EndedRun {
        id,
        at,
        status: end.status,
        error_code: end.error_code,
        iterations,
        charge: book.credits.charge(run.cost_cents(iterations)),
        result: end.result,
        run: run.clone(),
    })))
}
