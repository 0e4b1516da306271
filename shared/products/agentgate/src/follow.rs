//! What follows from an event: view rows, and messages to receivers.

use tidegate_kernel::command::{Decider, Follow};

mod account;
mod messages;
mod queue;
mod runs;

pub(crate) use account::keys;

use crate::book::Book;
use crate::event::Event;
use crate::id::OrgId;

/// Rows and messages of an organization's event, with the book as it is after it.
pub(crate) fn follow<D: Decider>(org: OrgId, book: &Book, event: &Event, into: &mut Follow<D>) {
    match event {
        Event::OrganizationSet(_) | Event::Erased {} => account::organization(org, book, into),
        Event::Suspended { .. } => {
            account::organization(org, book, into);
            queue::all(org, book, into);
        }
        Event::CreditsSet { .. } | Event::CycleBegun { .. } => account::balance(org, book, into),
        Event::CreditsBought { transaction, at, cents } => {
            account::balance(org, book, into);
            account::purchase(org, *transaction, *at, *cents, into);
        }
        Event::WebhookPut { id, webhook, content, updated_at } => {
            account::webhook(org, *id, webhook, content, *updated_at, into);
        }
        Event::WebhookDropped { id } => into.remove(crate::views::webhook(org, *id)),
        Event::TemplatePut { id, template, content, updated_at } => {
            account::template(org, id, template, content, *updated_at, into);
        }
        Event::TemplateDropped { id } => into.remove(crate::views::template(org, id)),
        Event::RunOpened { submit, .. } => runs::opened(org, book, submit, into),
        Event::RunLeased { run, at, .. } => runs::leased(org, book, *run, *at, into),
        Event::LeaseLapsed { run } => queue::queued(org, book, *run, into),
        Event::IterationsDone { run, .. } => runs::changed(org, book, *run, into),
        Event::VerificationBegun { run, at, level } => runs::verifying(org, book, *run, *at, *level, into),
        Event::Verified { run, at, report } => runs::verified(org, book, *run, *at, report, into),
        Event::RunEnded(ended) => runs::ended(org, book, ended, into),
        Event::KeyPut { .. } | Event::KeyRevoked { .. } | Event::LeaseRenewed { .. } => {}
    }
}
