//! Appending one record, then confirming or releasing the claims that it was written for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_agentping_ports::gate::{ClaimKey, Ticket};
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{Append, AppendError, Clock, FailureCause};
use tidegate_shedding::{Appends, Shedding};

use crate::class::Class;
use crate::config::Timeouts;
use crate::gate_access::GateAccess;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use tidegate_kernel::outage::Outage;

/// The log, and what is known of its failures.
pub(crate) struct Appending {
    clock: Arc<dyn Clock>,
    log: Arc<dyn Append>,
    gate: Arc<GateAccess>,
    shedding: Arc<Shedding<Class>>,
    outage: Outage,
    appends: Arc<Appends>,
    send_within: Duration,
    deadline_ms: u64,
}

/// What a request holds at the gate while its record is sent.
pub(crate) struct Hold {
    /// `None` without a gate.
    pub ticket: Option<Ticket>,
    /// Claims that were compared with nothing: they are not confirmed.
    pub uncompared: Vec<ClaimKey>,
    /// When the gate was last asked.
    pub asked_at: Instant,
}

impl Appending {
    pub fn new(
        ports: &AdmissionPorts,
        timeouts: &Timeouts,
        gate: &Arc<GateAccess>,
        shedding: &Arc<Shedding<Class>>,
    ) -> Self {
        Appending {
            clock: Arc::clone(&ports.clock),
            log: Arc::clone(&ports.append),
            gate: Arc::clone(gate),
            shedding: Arc::clone(shedding),
            outage: Outage::default(),
            appends: Arc::default(),
            send_within: Duration::from_millis(timeouts.send_within_ms),
            deadline_ms: timeouts.append_ms,
        }
    }

    /// Whether the log takes records.
    pub fn appends(&self) -> Arc<Appends> {
        Arc::clone(&self.appends)
    }

    /// Appends an encoded record. Returns once it is safe on the log.
    ///
    /// # Errors
    /// [`Refusal::LogUnavailable`], [`Refusal::RecordTooLarge`], and [`Refusal::OutcomeUnknown`], after which the
    /// claims stay as they are: a retry joins them.
    pub async fn append(&self, key: LogKey, record: Vec<u8>, hold: Hold) -> Result<Position, Refusal> {
        let Hold { ticket, uncompared, asked_at } = hold;
        // Whoever is this late may meet a claim that was taken over meanwhile.
        if asked_at.elapsed() > self.send_within {
            self.release(ticket).await;
            return Err(Refusal::LogUnavailable { retry_after_s: self.failed() });
        }
        #[cfg(feature = "fail-points")]
        fail::fail_point!("admission::between_claim_and_append", |_| std::process::abort());
        let accounted = self.shedding.accounted(key);
        let appending = self.log.append(key, Bytes::from(record));
        let appended = tokio::time::timeout(Duration::from_millis(self.deadline_ms), appending).await;
        let late =
            |_| Err(AppendError::Unknown(FailureCause::timeout(format!("no answer within {} ms", self.deadline_ms))));
        match appended.unwrap_or_else(late) {
            // The claim stays as it is: once there is another log, a retry joins it.
            Ok(position) if !self.shedding.will_be_applied(position, accounted) => {
                Err(Refusal::OutcomeUnknown { retry_after_s: self.failed() })
            }
            Ok(position) => {
                self.outage.over();
                self.appends.succeeded();
                #[cfg(feature = "fail-points")]
                fail::fail_point!("admission::between_append_and_confirm", |_| std::process::abort());
                if let Some(ticket) = ticket {
                    self.gate.confirm(compared(ticket, &uncompared)).await;
                }
                Ok(position)
            }
            Err(AppendError::NotPersisted(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the log did not take a record");
                self.appends.failed(self.clock.now(), &cause);
                self.release(ticket).await;
                Err(Refusal::LogUnavailable { retry_after_s: self.failed() })
            }
            Err(AppendError::TooLarge { bytes, cap }) => {
                self.release(ticket).await;
                Err(Refusal::RecordTooLarge { bytes, cap })
            }
            // The claim stays as it is: a retry joins it.
            Err(AppendError::Unknown(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the fate of a record is unknown");
                self.appends.failed(self.clock.now(), &cause);
                Err(Refusal::OutcomeUnknown { retry_after_s: self.failed() })
            }
        }
    }

    /// The seconds after which to send to the log again.
    fn failed(&self) -> u64 {
        self.outage.failed(self.clock.now())
    }

    async fn release(&self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.gate.release(ticket).await;
        }
    }
}

/// The ticket without what was not compared.
fn compared(mut ticket: Ticket, uncompared: &[ClaimKey]) -> Ticket {
    if !uncompared.is_empty() {
        ticket.held.retain(|(key, _)| !uncompared.contains(key));
    }
    ticket
}
