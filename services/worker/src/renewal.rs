//! Progress and renewals: what a command reports goes to the server, at most once a second, and the lease is renewed
//! before it ends. Each verification is sent, in its order; of the iterations, the latest.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::api::{Api, CallFailure, Lease, Progress, Renewal};
use crate::backoff::Backoff;
use crate::key_patience::KeyPatience;
use crate::kill_rounds::ALL_PAUSES;
use crate::latest::{Latest, MOST_VERIFICATIONS, NextProgress};
use crate::log::{LogLine, LogSink};
use crate::options::STOP_GRACE;

/// The longest time between two renewals. A cancel is seen with the next one, and the command then has its grace to
/// end: all within 30 s if the server answers in [`USUAL_CALL`]. It may take longer, up to the deadline of a call.
const LONGEST_RENEWAL: Duration = Duration::from_secs(15);
const SHORTEST_RENEWAL: Duration = Duration::from_millis(200);
/// The shortest time between two reports of progress, while the command runs.
const PROGRESS_GAP: Duration = Duration::from_secs(1);
/// How long the renewal that shows a cancel may take for the command to end in time.
const USUAL_CALL: Duration = Duration::from_secs(3);
/// From a cancel to the end of the last process of its command.
const ENDED_WITHIN_MS: u128 = 30_000;

// What the rounds of SIGKILL take without their pauses has the rest.
const _: () = assert!(
    LONGEST_RENEWAL.as_millis() + USUAL_CALL.as_millis() + STOP_GRACE.as_millis() + ALL_PAUSES.as_millis()
        < ENDED_WITHIN_MS,
    "a cancelled command ends within 30 s if the server answers as usual"
);

/// Why a run is no longer this worker's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Cancelled,
    Lost(String),
}

/// What the renewals came to.
#[derive(Debug)]
pub struct Renewed {
    /// `None`: the run is still this worker's.
    pub ended: Option<Ended>,
    /// When the lease ends, if nothing renews it.
    pub lease_ends: Instant,
}

/// Renews the lease of a run until the run is lost. With the sender of `latest` dropped, it sends what is unsent, one
/// report right after the other, and ends. One that fails is then its last. `sent` counts the verifications that the
/// server took or refused, and those that were passed over with a line in the log. It holds wherever this is dropped.
pub async fn renew(
    api: &Api,
    lease: &Lease,
    mut latest: watch::Receiver<Latest>,
    sent: &AtomicU64,
    log: &LogSink,
) -> Renewed {
    let mut renewals = Renewals::new(lease, sent);
    loop {
        let is_over = tokio::select! {
            changed = latest.changed() => match changed {
                Ok(()) => {
                    renewals.is_unsent = true;
                    continue;
                }
                Err(_) => true,
            },
            () = sleep_until(renewals.due()) => false,
        };
        if is_over && !renewals.is_unsent {
            return renewals.renewed(None);
        }
        let progress = latest.borrow_and_update().clone();
        let ended = renewals.send(api, lease, &progress, log).await;
        if ended.is_some() || (is_over && renewals.has_failed) {
            return renewals.renewed(ended);
        }
    }
}

struct Renewals<'a> {
    /// From a renewal to the lease's end.
    length: Duration,
    lease_ends: Instant,
    /// When the next renewal is due.
    next_renewal: Instant,
    /// Before this nothing is sent.
    not_before: Instant,
    is_unsent: bool,
    /// Whether the last call failed.
    has_failed: bool,
    /// How many verifications need not be sent any more.
    sent_verifications: &'a AtomicU64,
    /// The last iterations that the server took.
    taken_iterations: u32,
    backoff: Backoff,
    patience: KeyPatience,
}

impl<'a> Renewals<'a> {
    fn new(lease: &Lease, sent_verifications: &'a AtomicU64) -> Self {
        let now = Instant::now();
        Renewals {
            length: lease.length,
            lease_ends: now + lease.length,
            next_renewal: now + every(lease.length),
            not_before: now,
            is_unsent: false,
            has_failed: false,
            sent_verifications,
            taken_iterations: 0,
            backoff: Backoff::default(),
            patience: KeyPatience::default(),
        }
    }

    /// When the next call is due.
    fn due(&self) -> Instant {
        if self.is_unsent { self.not_before } else { self.next_renewal.max(self.not_before) }
    }

    fn renewed(self, ended: Option<Ended>) -> Renewed {
        Renewed { ended, lease_ends: self.lease_ends }
    }

    /// Sends what comes next, which renews the lease.
    async fn send(&mut self, api: &Api, lease: &Lease, latest: &Latest, log: &LogSink) -> Option<Ended> {
        let sent = self.sent_verifications.load(Ordering::Relaxed);
        let next = latest.after(sent);
        let passed_over = next.count.saturating_sub(sent + 1);
        if passed_over > 0 {
            let text =
                format!("more than {MOST_VERIFICATIONS} verifications waited: the {passed_over} oldest are not sent");
            (log)(&LogLine::of_run(&lease.run, text));
            self.sent_verifications.store(sent + passed_over, Ordering::Relaxed);
        }
        let iterations = next.iterations.unwrap_or(self.taken_iterations);
        let body = Progress { token: lease.token, iterations, verification: next.verification };
        let sent_at = Instant::now();
        match api.progress(&lease.run, &body).await {
            Ok(renewal) => {
                self.taken_iterations = iterations;
                self.taken(renewal, sent_at, latest, &next)
            }
            Err(CallFailure::Refused(why)) => {
                (log)(&LogLine::of_run(&lease.run, format!("the server refuses this progress: {why}")));
                self.send_plain(api, lease, latest, &next).await
            }
            Err(failure) => self.failed(failure),
        }
    }

    /// Renews the lease without the progress that the server refused.
    async fn send_plain(
        &mut self,
        api: &Api,
        lease: &Lease,
        latest: &Latest,
        refused: &NextProgress<'_>,
    ) -> Option<Ended> {
        let body = Progress { token: lease.token, iterations: self.taken_iterations, verification: None };
        let sent_at = Instant::now();
        match api.progress(&lease.run, &body).await {
            Ok(renewal) => self.taken(renewal, sent_at, latest, refused),
            Err(failure) => self.failed(failure),
        }
    }

    fn taken(&mut self, renewal: Renewal, sent_at: Instant, latest: &Latest, sent: &NextProgress<'_>) -> Option<Ended> {
        self.length = renewal.length.unwrap_or(self.length);
        self.is_unsent = latest.has_more(sent);
        self.has_failed = false;
        self.sent_verifications.store(sent.count, Ordering::Relaxed);
        self.lease_ends = sent_at + self.length;
        self.next_renewal = sent_at + every(self.length);
        self.not_before = sent_at + PROGRESS_GAP.min(every(self.length));
        self.backoff.succeeded();
        self.patience.taken();
        renewal.is_cancelled.then_some(Ended::Cancelled)
    }

    /// The next try comes after a wait, but not later than a renewal would.
    fn failed(&mut self, failure: CallFailure) -> Option<Ended> {
        let retry_after = match failure {
            CallFailure::Lost(why) => return Some(Ended::Lost(why)),
            CallFailure::KeyRefused(why) if self.patience.refused() => return Some(Ended::Lost(why)),
            CallFailure::Away { retry_after, .. } => retry_after,
            CallFailure::KeyRefused(_) | CallFailure::Refused(_) => None,
        };
        (self.is_unsent, self.has_failed) = (true, true);
        self.not_before = Instant::now() + self.backoff.failed(retry_after).min(every(self.length));
        None
    }
}

/// The time between two renewals: a third of the lease, so that one that fails can be made good.
fn every(length: Duration) -> Duration {
    (length / 3).clamp(SHORTEST_RENEWAL, LONGEST_RENEWAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_well_before_its_end() {
        for (length_ms, expected_ms) in [(60_000, 15_000), (600_000, 15_000), (6_000, 2_000), (0, 200)] {
            let expected = Duration::from_millis(expected_ms);
            assert_eq!(every(Duration::from_millis(length_ms)), expected, "{length_ms} ms");
        }
    }
}
