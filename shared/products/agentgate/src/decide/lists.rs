//! Webhooks and templates. Their content is the front door's matter; the book knows which version is current.

use tidegate_kernel::Timestamp;

use super::Accepted;
use crate::answer::{Answer, Refusal};
use crate::book::{Book, BookedTemplate, BookedWebhook};
use crate::command::{DropTemplate, DropWebhook, PutTemplate, PutWebhook};
use crate::event::Event;
use crate::template::TemplateId;

/// What a put makes of an entry: its version, and when it was created and updated.
struct Next {
    version: u32,
    created_at_ms: Timestamp,
    updated_at_ms: Option<Timestamp>,
}

/// `read`: the version that the command was made from, 0 of a new entry. `stands`: version and creation of the entry.
fn next(
    book: &Book,
    read: u32,
    stands: Option<(u32, Timestamp)>,
    listed: usize,
    now: Timestamp,
) -> Result<Next, Refusal> {
    let version = book.last_version.saturating_add(1);
    match (read, stands) {
        (0, Some(_)) => Err(Refusal::Exists {}),
        // The constant fits.
        (0, None) if listed >= Book::MAX_LISTED => Err(Refusal::ListFull { limit: Book::MAX_LISTED as u32 }),
        (0, None) => Ok(Next { version, created_at_ms: now, updated_at_ms: None }),
        (_, None) => Err(Refusal::Unknown {}),
        (read, Some((standing, _))) if read != standing => Err(Refusal::Stale {}),
        (_, Some((_, created_at_ms))) => Ok(Next { version, created_at_ms, updated_at_ms: Some(now) }),
    }
}

impl Next {
    const fn answer(&self) -> Answer {
        Answer::Stored { version: self.version, created_at_ms: self.created_at_ms, updated_at_ms: self.updated_at_ms }
    }
}

pub(super) fn put_webhook(book: &Book, put: &PutWebhook, now: Timestamp) -> Result<Accepted, Refusal> {
    let stands = book.webhooks.get(&put.webhook).map(|webhook| (webhook.version, webhook.created_at_ms));
    let next = next(book, put.version, stands, book.webhooks.len(), now)?;
    let mut events = Vec::new();
    for kind in &put.events {
        if !events.contains(kind) {
            events.push(*kind);
        }
    }
    let webhook =
        BookedWebhook { version: next.version, enabled: put.enabled, events, created_at_ms: next.created_at_ms };
    let (content, updated_at) = (put.content.clone(), next.updated_at_ms);
    Ok((vec![Event::WebhookPut { id: put.webhook, webhook, content, updated_at }], next.answer()))
}

pub(super) fn drop_webhook(book: &Book, drop: &DropWebhook) -> Result<Accepted, Refusal> {
    let id = book.webhooks.get(&drop.webhook).map(|_| drop.webhook).ok_or(Refusal::Unknown {})?;
    Ok((vec![Event::WebhookDropped { id }], Answer::Done {}))
}

fn own(id: &TemplateId) -> Result<(), Refusal> {
    if id.is_built_in() { Err(Refusal::BuiltIn {}) } else { Ok(()) }
}

pub(super) fn put_template(book: &Book, put: &PutTemplate, now: Timestamp) -> Result<Accepted, Refusal> {
    own(&put.template)?;
    let stands = book.templates.get(&put.template).map(|template| (template.version, template.created_at_ms));
    let next = next(book, put.version, stands, book.templates.len(), now)?;
    let template = BookedTemplate { version: next.version, created_at_ms: next.created_at_ms };
    let (id, content, updated_at) = (put.template.clone(), put.content.clone(), next.updated_at_ms);
    Ok((vec![Event::TemplatePut { id, template, content, updated_at }], next.answer()))
}

pub(super) fn drop_template(book: &Book, drop: &DropTemplate) -> Result<Accepted, Refusal> {
    own(&drop.template)?;
    let id = book.templates.get(&drop.template).map(|_| drop.template.clone()).ok_or(Refusal::Unknown {})?;
    Ok((vec![Event::TemplateDropped { id }], Answer::Done {}))
}
