//! Closing calls under an id whose run was closed: counted on the run, and summed by agent and month.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{Month, Timestamp};

use super::{Closing, Run};
use crate::{FinishStatus, Slug};

/// Closing calls of a run that was already closed, as far as they are on the log. Retries end at the front door and are
/// not counted, so a count means that a client uses the id again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeats {
    pub times: u64,
    #[serde(rename = "last_received_at_ms")]
    pub last_received_at: Timestamp,
    /// The status in the last of these calls whose status differs from the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_status: Option<FinishStatus>,
    /// Those of `times` that were received in months before that of the last one, in month order. Absent from what
    /// builds before this member stored: all of those count in the month of the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<(Month, u64)>,
}

impl Repeats {
    /// All repeats by month of receipt, in month order.
    pub fn by_month(&self) -> impl Iterator<Item = (Month, u64)> {
        self.earlier
            .iter()
            .copied()
            .chain(std::iter::once((Month::of(self.last_received_at), self.times_in_last_month())))
    }

    fn times_in_last_month(&self) -> u64 {
        self.times.saturating_sub(self.earlier.iter().map(|(_, times)| times).sum())
    }

    fn count(&mut self, received_at: Timestamp) {
        let last_month = Month::of(self.last_received_at);
        if Month::of(received_at) != last_month {
            let times = self.times_in_last_month();
            self.earlier.push((last_month, times));
        }
        self.times += 1;
        self.last_received_at = received_at;
    }
}

impl Closing {
    /// Counts a later closing call. A call received no later than the counted ones is one of them, delivered again by a
    /// redelivery, a replay, or a retry that joined the first.
    pub(crate) fn count_repeat(&mut self, status: FinishStatus, received_at: Timestamp) {
        let last = self.repeats.as_ref().map_or(self.received_at, |repeats| repeats.last_received_at);
        if received_at <= last {
            return;
        }
        match &mut self.repeats {
            Some(repeats) => repeats.count(received_at),
            None => {
                let first =
                    Repeats { times: 1, last_received_at: received_at, other_status: None, earlier: Vec::new() };
                self.repeats = Some(first);
            }
        }
        if let Some(repeats) = self.repeats.as_mut().filter(|_| status != self.status) {
            repeats.other_status = Some(status);
        }
    }
}

impl Run {
    /// Its repeats as sums by agent and month have them, in month order: the agent of its opening, the month of
    /// receipt, how many. None of an orphan, which is not shown.
    pub fn repeats_by_month(&self) -> impl Iterator<Item = (&Slug, Month, u64)> {
        let agent = self.opening().map(|opening| &opening.start.agent);
        let repeats = self.finish.as_ref().and_then(|finish| finish.repeats.as_ref());
        let counted = agent.zip(repeats).into_iter();
        counted.flat_map(|(agent, repeats)| repeats.by_month().map(move |(month, times)| (agent, month, times)))
    }
}
