//! Commands: requests whose answer depends on state. A front door appends a command to the log, the consumer of its
//! partition decides it in log order by a pure function, and the front door answers with the stored outcome.
//!
//! A product says by [`Decider`] what its commands do. [`judge`] is the protocol around it: what is decided at all, what
//! repeats an earlier answer, and what has nothing to change. Books, facts and views are functions of the log.

mod attempt;
mod book_state;
mod decider;
mod envelope;
mod fact;
mod follow;
mod hex128;
mod judge;
mod release;
mod rules;
mod void;

pub use attempt::{Attempt, ContentFingerprint, IdempotencyKey, KeyHash};
pub use book_state::{BookState, BookStateError};
pub use decider::{CommandSource, Decider, OwnerId};
pub use envelope::{Envelope, EnvelopeError};
pub use fact::{CommandOutcome, Fact, FactError, FactId};
pub use follow::{Delivery, Effect, Follow, ViewChange, ViewKey};
pub use judge::{CommandDecision, Judged, Prior, RecordPlace, judge};
pub use release::{Demands, Registration, Release};
pub use rules::Rules;
pub use void::{AtRecord, VoidState, could_decide};
