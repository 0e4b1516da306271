//! How many bytes of answers are under way, and no more than that: an answer's permit is had before the store is read,
//! shrinks to what the answer has, and is given back once its last byte is with the connection.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use metrics::{Counter, Gauge, counter, gauge};
use serde::Serialize;
use tidegate_telemetry::names;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::Problem;

const MIB: usize = 1 << 20;
const KIB: usize = 1 << 10;

/// What one answer may take at most while it is made: what the store gives, and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A page of a run's events, with the run: each event at most a body, and so is what a run carries.
    RunWithEvents,
    /// A page of runs.
    Listing,
    /// A month's breakdowns, a team's agents: rows of labels.
    Rows,
}

impl Weight {
    const fn bytes(self) -> usize {
        match self {
            Weight::RunWithEvents => 12 * MIB,
            Weight::Listing => 24 * MIB,
            Weight::Rows => 4 * MIB,
        }
    }
}

/// The bound.
pub(crate) struct AnswerBudget {
    /// In KiB: a semaphore counts in 32 bits.
    free: Arc<Semaphore>,
    max_bytes: usize,
    /// How long an answer waits for its permit.
    wait: Duration,
    gauge: Gauge,
    refused: Counter,
}

/// One answer's part of it.
pub(crate) struct AnswerPermit {
    permit: OwnedSemaphorePermit,
    gauge: Gauge,
}

impl AnswerBudget {
    /// The least there must be: one answer of every sort.
    pub const LEAST_BYTES: usize = Weight::Listing.bytes();

    /// Registers its metrics.
    pub fn new(max_bytes: usize, wait: Duration) -> Self {
        gauge!(names::ANSWER_BYTES_IN_FLIGHT_MAX).set(max_bytes as f64);
        let gauge = gauge!(names::ANSWER_BYTES_IN_FLIGHT);
        gauge.set(0.0);
        let free = Arc::new(Semaphore::new((max_bytes / KIB).min(Semaphore::MAX_PERMITS)));
        AnswerBudget { free, max_bytes, wait, gauge, refused: counter!(names::ANSWERS_REFUSED) }
    }

    /// A permit for one answer, once there is one; `None`: there was none in time.
    pub async fn permit(&self, weight: Weight) -> Option<AnswerPermit> {
        // A budget below one answer's weight lets one through at a time.
        let kib = (weight.bytes().min(self.max_bytes) / KIB) as u32;
        match timeout(self.wait, self.free.clone().acquire_many_owned(kib)).await {
            Ok(Ok(permit)) => {
                self.gauge.increment(f64::from(kib) * KIB as f64);
                Some(AnswerPermit { permit, gauge: self.gauge.clone() })
            }
            Ok(Err(_)) | Err(_) => {
                self.refused.increment(1);
                None
            }
        }
    }
}

impl AnswerPermit {
    /// The answer, which holds what it takes until it is sent.
    ///
    /// # Errors
    /// [`Problem::StoreBroken`] in name only: what is answered always serializes.
    pub fn json(mut self, body: &impl Serialize) -> Result<Response, Problem> {
        let text = serde_json::to_vec(body).map_err(|error| Problem::StoreBroken { cause: error.to_string() })?;
        self.keep(text.capacity());
        let body = Bytes::from_owner(Held { text, _permit: self });
        Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
    }

    /// Gives back what is above so many bytes.
    fn keep(&mut self, bytes: usize) {
        let surplus = self.permit.num_permits().saturating_sub(bytes.div_ceil(KIB));
        if let Some(surplus) = self.permit.split(surplus) {
            self.gauge.decrement((surplus.num_permits() * KIB) as f64);
        }
    }
}

impl Drop for AnswerPermit {
    fn drop(&mut self) {
        self.gauge.decrement((self.permit.num_permits() * KIB) as f64);
    }
}

/// An answer's text and its permit, which go together.
struct Held {
    text: Vec<u8>,
    _permit: AnswerPermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(budget: &AnswerBudget) -> usize {
        budget.free.available_permits() * KIB
    }

    #[tokio::test]
    async fn an_answer_keeps_what_it_has_until_it_is_sent() {
        let budget = AnswerBudget::new(Weight::Listing.bytes(), Duration::ZERO);
        let permit = budget.permit(Weight::Listing).await.unwrap();
        assert_eq!(free(&budget), 0);
        assert!(budget.permit(Weight::Rows).await.is_none(), "there is no more");
        let response = permit.json(&"x".repeat(100 * KIB)).unwrap();
        let taken = Weight::Listing.bytes() - free(&budget);
        assert!((100 * KIB..=256 * KIB).contains(&taken), "{taken}");
        assert!(budget.permit(Weight::Rows).await.is_some(), "and another finds its part");
        drop(response);
        assert_eq!(free(&budget), Weight::Listing.bytes());
    }

    #[tokio::test]
    async fn a_small_budget_lets_one_answer_through_at_a_time() {
        let budget = AnswerBudget::new(KIB, Duration::ZERO);
        let permit = budget.permit(Weight::RunWithEvents).await.unwrap();
        assert!(budget.permit(Weight::RunWithEvents).await.is_none());
        drop(permit);
        assert!(budget.permit(Weight::RunWithEvents).await.is_some());
    }
}
