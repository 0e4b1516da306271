//! What workers ask for and report.

use tidegate_kernel::Timestamp;

use super::Accepted;
use crate::answer::{Answer, Grant, Refusal};
use crate::book::{Book, Lease, OpenRun, Work, after};
use crate::command::{AskLease, FinishRun, ReportProgress};
use crate::end::{End, end};
use crate::event::Event;
use crate::id::RunId;
use crate::status::RunStatus;

/// Grants the oldest queued run. A worker that asks again before its first report gets what it got.
pub(super) fn lease(book: &Book, ask: &AskLease, now: Timestamp) -> Accepted {
    if let Some(grant) = unreported(book, ask) {
        return (Vec::new(), Answer::Leased(grant));
    }
    let Some((run, open)) = book.oldest_queued() else { return (Vec::new(), Answer::NothingQueued {}) };
    let (until, grants) = match &open.work {
        Some(work) => (work.until_ms, work.grants),
        None => (after(now, ask.run_limit_ms), 0),
    };
    let expires_at_ms = after(now, ask.lease_ms).min(until);
    let lease = Lease { worker: ask.worker, lease_ms: ask.lease_ms, expires_at_ms, reported: false };
    let leased = Event::RunLeased { run, at: now, lease, max_grants: ask.max_grants, until };
    (vec![leased], Answer::Leased(Grant { run, token: grants.saturating_add(1), expires_at_ms }))
}

/// The worker's lease that it has not reported on.
fn unreported(book: &Book, ask: &AskLease) -> Option<Grant> {
    book.runs.iter().find_map(|(run, open)| {
        let work = open.work.as_ref()?;
        let lease = work.lease.filter(|lease| lease.worker == ask.worker && !lease.reported)?;
        Some(Grant { run: *run, token: work.grants, expires_at_ms: lease.expires_at_ms })
    })
}

/// The run, its work and the lease that `token` names, if it is the last one and has not lapsed.
fn leased(book: &Book, run: RunId, token: u32) -> Result<(&OpenRun, &Work, Lease), Refusal> {
    let open = book.runs.get(&run).ok_or(Refusal::NotOpen {})?;
    let work = open.work.as_ref().filter(|work| work.grants == token).ok_or(Refusal::StaleToken {})?;
    let lease = work.lease.ok_or(Refusal::StaleToken {})?;
    Ok((open, work, lease))
}

pub(super) fn progress(book: &Book, report: &ReportProgress, now: Timestamp) -> Result<Accepted, Refusal> {
    let run = report.run;
    let (open, work, lease) = leased(book, run, report.token)?;
    let expires_at = work.expiry(now, lease.lease_ms);
    let mut events = vec![Event::LeaseRenewed { run, expires_at }];
    if report.iterations > open.iterations {
        events.push(Event::IterationsDone { run, iterations: report.iterations });
    }
    if let Some(verification) = &report.verification {
        let level = verification.level;
        // Whoever receives a result has received the beginning.
        if work.verifying != Some(level) {
            events.push(Event::VerificationBegun { run, at: now, level });
        }
        if verification.passed.is_some() {
            events.push(Event::Verified { run, at: now, report: verification.clone() });
        }
    }
    Ok((events, Answer::Renewed { expires_at_ms: expires_at }))
}

/// A run that a worker finishes has done one iteration at least.
pub(super) fn finish(book: &Book, finish: &FinishRun, now: Timestamp) -> Result<Accepted, Refusal> {
    leased(book, finish.run, finish.token)?;
    let status = if finish.error_code.is_none() { RunStatus::Succeeded } else { RunStatus::Failed };
    let how = End {
        status,
        error_code: finish.error_code,
        iterations: finish.iterations.max(1),
        result: finish.result.clone(),
    };
    let ended = end(book, finish.run, now, how).ok_or(Refusal::NotOpen {})?;
    Ok((vec![ended], Answer::Finished {}))
}
