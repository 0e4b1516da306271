//! The end of an organization: nothing of it is left that anybody can use.

use tidegate_kernel::Timestamp;

use super::Accepted;
use crate::answer::{Answer, Refusal};
use crate::book::Book;
use crate::end::{End, end};
use crate::event::Event;
use crate::evolve::evolve;

/// Drops webhooks and templates, revokes every key, and cancels every open run. Webhooks go first, so that none of them
/// hears of the cancelled runs. The same again changes nothing: an operator repeats it until the data key is destroyed.
pub(super) fn erase(book: &Book, now: Timestamp) -> Result<Accepted, Refusal> {
    let org = book.org.as_ref().ok_or(Refusal::UnknownOrganization {})?;
    if org.erased {
        return Ok((Vec::new(), Answer::Done {}));
    }
    let webhooks = book.webhooks.keys().map(|id| Event::WebhookDropped { id: *id });
    let templates = book.templates.keys().map(|id| Event::TemplateDropped { id: id.clone() });
    let keys = book.keys.iter().map(|(id, key)| Event::KeyRevoked { id: *id, key: key.clone(), at: now });
    let mut events: Vec<Event> = webhooks.chain(templates).chain(keys).collect();
    // What a run is charged depends on what those before it have left.
    let mut left = book.clone();
    for run in book.runs.keys() {
        if let Some(ended) = end(&left, *run, now, End::CANCELLED) {
            evolve(&mut left, &ended);
            events.push(ended);
        }
    }
    events.push(Event::Erased {});
    Ok((events, Answer::Done {}))
}
