//! A run's beginning and its cancellation.

use tidegate_kernel::Timestamp;

use super::Accepted;
use crate::answer::{Answer, Refusal};
use crate::book::{Book, Credits};
use crate::command::{Billing, CancelRun, SubmitRun};
use crate::end::{End, end};
use crate::event::Event;

/// Holds the estimate and takes a slot. Credits come before slots, because waiting does not add credits.
pub(super) fn submit(book: &Book, submit: &SubmitRun, now: Timestamp) -> Result<Accepted, Refusal> {
    let org = book.org.as_ref().ok_or(Refusal::UnknownOrganization {})?;
    if let Some(read) = &submit.template {
        let stands = book.templates.get(&read.id).ok_or(Refusal::Unknown {})?;
        if stands.version != read.version {
            return Err(Refusal::Stale {});
        }
    }
    if book.runs.contains_key(&submit.run) {
        return Err(Refusal::Exists {});
    }
    if submit.hold_cents > Credits::MAX_CENTS {
        return Err(Refusal::TooMuch { limit: Credits::MAX_CENTS });
    }
    if org.billing == Billing::None {
        return Err(Refusal::BillingUnusable {});
    }
    let available_cents = book.available_cents();
    if submit.hold_cents > available_cents {
        return Err(Refusal::CreditsInsufficient { required_cents: submit.hold_cents, available_cents });
    }
    // Both are at most Book::MAX_RUNS.
    let (limit, open) = (org.concurrency, book.runs.len() as u32);
    if open >= limit {
        return Err(Refusal::ConcurrencyReached { limit, open });
    }
    let opened = Event::RunOpened { at: now, submit: Box::new(submit.clone()) };
    Ok((vec![opened], Answer::Submitted { run: submit.run, created_at_ms: now }))
}

pub(super) fn cancel(book: &Book, cancel: &CancelRun, now: Timestamp) -> Result<Accepted, Refusal> {
    let ended = end(book, cancel.run, now, End::CANCELLED).ok_or(Refusal::NotOpen {})?;
    Ok((vec![ended], Answer::Cancelled { at_ms: now }))
}
