//! Confirming claims without keeping the answer waiting.

use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping_ports::Gate;
use tidegate_agentping_ports::gate::Ticket;
use tokio::sync::Semaphore;

use crate::metrics::CONFIRMS_DROPPED;

/// The confirmations of a front door: in place if the gate is that fast, else in the background. Beyond the bound they
/// are dropped, which leaves a claim unconfirmed and is safe.
pub(crate) struct Confirmations {
    gate: Arc<dyn Gate>,
    /// One permit for each confirmation in the background.
    permits: Arc<Semaphore>,
    max: usize,
    deadline: Duration,
}

impl Confirmations {
    /// At most `max` in the background, each for `deadline`.
    pub fn new(gate: Arc<dyn Gate>, max: usize, deadline: Duration) -> Self {
        Confirmations { gate, permits: Arc::new(Semaphore::new(max)), max, deadline }
    }

    pub async fn confirm(&self, ticket: Ticket) {
        if ticket.held.is_empty() && ticket.new_agent.is_none() {
            return;
        }
        let gate = Arc::clone(&self.gate);
        let mut confirming = Box::pin(async move { gate.confirm(ticket).await });
        let done = std::future::poll_fn(|cx| std::task::Poll::Ready(confirming.as_mut().poll(cx).is_ready())).await;
        if done {
            return;
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            CONFIRMS_DROPPED.handle().increment(1);
            return;
        };
        let deadline = self.deadline;
        tokio::spawn(async move {
            let _permit = permit;
            // A lost confirmation is safe, so its result is ignored.
            let _ = tokio::time::timeout(deadline, confirming).await;
        });
    }

    /// Resolves once no confirmation is in progress.
    pub async fn all_done(&self) {
        // A semaphore's most fits; it is never closed.
        let _all = self.permits.acquire_many(u32::try_from(self.max).unwrap_or(u32::MAX)).await;
    }
}
