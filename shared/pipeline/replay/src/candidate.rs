//! A record that was found where the selection points.

use bytes::Bytes;
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{Again, Consumed, DeadLetter, Origin};

/// A product's record, as far as this build can read it.
pub trait Replayable: Clone + Send + Sync {
    /// Reads a payload. What cannot be read is a record, too: one without a key, and without most of its members.
    fn read(payload: &Bytes) -> Self;

    /// Its key on the log, if it names one.
    fn key(&self) -> Option<LogKey>;
}

/// A record that was found where the selection points.
#[derive(Clone, Debug)]
pub struct Candidate<R> {
    pub position: Position,
    pub payload: Bytes,
    /// Set when it is a replay itself.
    pub origin: Option<Origin>,
    pub record: R,
}

impl<R: Replayable> Candidate<R> {
    fn new(position: Position, payload: Bytes, origin: Option<Origin>) -> Self {
        let record = R::read(&payload);
        Candidate { position, payload, origin, record }
    }

    /// A record of the log.
    pub fn of_record(consumed: Consumed) -> Self {
        let origin = consumed.provenance.and_then(|provenance| provenance.origin);
        Candidate::new(consumed.position, consumed.payload, origin)
    }

    /// A dead letter's record.
    pub fn of_dead_letter(dead_letter: DeadLetter) -> Self {
        Candidate::new(dead_letter.position, dead_letter.payload, dead_letter.provenance.origin)
    }

    /// The same bytes, with their position as their origin.
    pub fn again(&self) -> Again {
        let attempt = self.origin.map_or(1, |origin| origin.attempt).saturating_add(1);
        Again {
            key: self.record.key(),
            payload: self.payload.clone(),
            origin: Origin { position: self.position, attempt },
        }
    }
}
