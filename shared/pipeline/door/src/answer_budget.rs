//! How many bytes of answers are in progress, and no more than that: an answer's permit is had before the store is
//! read, shrinks to what the answer has, and is given back once its last byte is with the connection.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use tidegate_metric::{Counter, Gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::metrics::{ANSWER_BYTES_IN_FLIGHT, ANSWER_BYTES_IN_FLIGHT_MAX, ANSWERS_REFUSED};

const KIB: usize = 1 << 10;

/// The bound.
pub struct AnswerBudget {
    /// In KiB: a semaphore counts in 32 bits.
    free: Arc<Semaphore>,
    max_bytes: usize,
    /// How long an answer waits for its permit.
    wait: Duration,
    gauge: Gauge,
    refused: Counter,
}

/// One answer's part of it.
pub struct AnswerPermit {
    permit: OwnedSemaphorePermit,
    gauge: Gauge,
}

impl AnswerBudget {
    /// Registers its metrics.
    pub fn new(max_bytes: usize, wait: Duration) -> Self {
        ANSWER_BYTES_IN_FLIGHT_MAX.handle().set(max_bytes as f64);
        let gauge = ANSWER_BYTES_IN_FLIGHT.handle();
        gauge.set(0.0);
        let free = Arc::new(Semaphore::new((max_bytes / KIB).min(Semaphore::MAX_PERMITS)));
        AnswerBudget { free, max_bytes, wait, gauge, refused: ANSWERS_REFUSED.handle() }
    }

    /// A permit for one answer of at most so many bytes, once there is one; `None`: there was none in time.
    pub async fn permit(&self, most_bytes: usize) -> Option<AnswerPermit> {
        // A budget below one answer's bytes lets one through at a time.
        let kib = u32::try_from(most_bytes.min(self.max_bytes) / KIB).unwrap_or(u32::MAX);
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
    /// The body does not serialize.
    pub fn json(mut self, body: &impl Serialize) -> serde_json::Result<Response> {
        let text = serde_json::to_vec(body)?;
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

    const LARGE: usize = 24 * KIB * KIB;
    const SMALL: usize = 4 * KIB * KIB;

    fn free(budget: &AnswerBudget) -> usize {
        budget.free.available_permits() * KIB
    }

    #[tokio::test]
    async fn an_answer_keeps_what_it_has_until_it_is_sent() {
        let budget = AnswerBudget::new(LARGE, Duration::ZERO);
        let permit = budget.permit(LARGE).await.unwrap();
        assert_eq!(free(&budget), 0);
        assert!(budget.permit(SMALL).await.is_none(), "there is no more");
        let response = permit.json(&"x".repeat(100 * KIB)).unwrap();
        let taken = LARGE - free(&budget);
        assert!((100 * KIB..=256 * KIB).contains(&taken), "{taken}");
        assert!(budget.permit(SMALL).await.is_some(), "and another finds its part");
        drop(response);
        assert_eq!(free(&budget), LARGE);
    }

    #[tokio::test]
    async fn a_small_budget_lets_one_answer_through_at_a_time() {
        let budget = AnswerBudget::new(KIB, Duration::ZERO);
        let permit = budget.permit(LARGE).await.unwrap();
        assert!(budget.permit(LARGE).await.is_none());
        drop(permit);
        assert!(budget.permit(LARGE).await.is_some());
    }
}
