//! What operators change: organizations, keys, credits.

use tidegate_kernel::Timestamp;

use super::Accepted;
use crate::answer::{Answer, Refusal};
use crate::book::{Book, Credits, LiveKey, Organization};
use crate::command::{AddCredit, KeyUse, PutKey, PutOrganization, RevokeKey, SetSuspension};
use crate::event::Event;

fn at_most(number: u64, limit: u64) -> Result<(), Refusal> {
    if number <= limit { Ok(()) } else { Err(Refusal::TooMuch { limit }) }
}

const fn not_erased(org: &Organization) -> Result<&Organization, Refusal> {
    if org.erased { Err(Refusal::Erased {}) } else { Ok(org) }
}

fn done(events: Vec<Event>) -> Accepted {
    (events, Answer::Done {})
}

pub(super) fn put_organization(book: &Book, put: &PutOrganization, now: Timestamp) -> Result<Accepted, Refusal> {
    let before = match (&book.org, put.new) {
        (Some(_), true) => return Err(Refusal::Exists {}),
        (None, false) => return Err(Refusal::UnknownOrganization {}),
        (Some(org), false) => not_erased(org)?.clone(),
        (None, true) => Organization::new(now),
    };
    at_most(put.name.as_ref().map_or(0, |name| name.as_str().len()) as u64, Book::MAX_NAME_BYTES as u64)?;
    at_most(put.concurrency.unwrap_or(0).into(), Book::MAX_RUNS.into())?;
    let org = Organization {
        name: put.name.clone().or(before.name),
        billing: put.billing.unwrap_or(before.billing),
        concurrency: put.concurrency.unwrap_or(before.concurrency),
        requests_per_minute: put.requests_per_minute.unwrap_or(before.requests_per_minute),
        submissions_per_minute: put.submissions_per_minute.unwrap_or(before.submissions_per_minute),
        ..before
    };
    let mut events = vec![Event::OrganizationSet(org)];
    if put.new || put.included_cents.is_some() || put.purchased_cents.is_some() {
        events.push(set_credits(book, put, now)?);
    }
    Ok(done(events))
}

/// The balances that an operator chose. They cover what open runs hold.
fn set_credits(book: &Book, put: &PutOrganization, now: Timestamp) -> Result<Event, Refusal> {
    let default_cents = if put.new { Organization::NEW_INCLUDED_CENTS } else { book.credits.included_cents };
    let included_cents = put.included_cents.unwrap_or(default_cents);
    let purchased_cents = put.purchased_cents.unwrap_or(book.credits.purchased_cents);
    at_most(included_cents, Credits::MAX_CENTS)?;
    at_most(purchased_cents, Credits::MAX_CENTS)?;
    // Both are at most MAX_CENTS.
    let (held_cents, balance_cents) = (book.held_cents(), included_cents + purchased_cents);
    if balance_cents < held_cents {
        return Err(Refusal::BelowHolds { held_cents, balance_cents });
    }
    Ok(Event::CreditsSet {
        included_cents,
        purchased_cents,
        allowance_cents: if put.new {
            included_cents
        } else {
            put.included_cents.unwrap_or(book.credits.allowance_cents)
        },
        cycle_started_at: if put.new { now } else { book.credits.cycle_started_at_ms },
    })
}

/// A fleet's key belongs to the fleet, every other key to an organization.
pub(super) fn put_key(book: &Book, put: &PutKey, now: Timestamp) -> Result<Accepted, Refusal> {
    if (put.key_use == KeyUse::Fleet) != book.org.is_none() {
        return Err(Refusal::UnknownOrganization {});
    }
    book.org.as_ref().map(not_erased).transpose()?;
    if book.keys.contains_key(&put.key) {
        return Err(Refusal::Exists {});
    }
    if book.keys.len() >= Book::MAX_LISTED {
        // The constant fits.
        return Err(Refusal::ListFull { limit: Book::MAX_LISTED as u32 });
    }
    let key = LiveKey { key_use: put.key_use, hash: put.hash, scopes: put.scopes, created_at_ms: now };
    Ok(done(vec![Event::KeyPut { id: put.key, key }]))
}

pub(super) fn revoke_key(book: &Book, revoke: &RevokeKey, now: Timestamp) -> Result<Accepted, Refusal> {
    let key = book.keys.get(&revoke.key).ok_or(Refusal::Unknown {})?.clone();
    Ok(done(vec![Event::KeyRevoked { id: revoke.key, key, at: now }]))
}

pub(super) fn add_credit(book: &Book, credit: &AddCredit, now: Timestamp) -> Result<Accepted, Refusal> {
    not_erased(book.org.as_ref().ok_or(Refusal::UnknownOrganization {})?)?;
    at_most(book.credits.purchased_cents.saturating_add(credit.cents), Credits::MAX_CENTS)?;
    Ok(done(vec![Event::CreditsBought { transaction: credit.transaction, at: now, cents: credit.cents }]))
}

pub(super) fn suspend(book: &Book, suspend: &SetSuspension) -> Result<Accepted, Refusal> {
    let org = not_erased(book.org.as_ref().ok_or(Refusal::UnknownOrganization {})?)?;
    let is_change = org.suspended != suspend.suspended;
    let events = is_change.then_some(Event::Suspended { suspended: suspend.suspended });
    Ok(done(events.into_iter().collect()))
}
