//! Events change the book. Total: an event about what is not there changes nothing.

use crate::book::{Book, Lease, OpenRun, Work, after};
use crate::event::Event;

pub(crate) fn evolve(book: &mut Book, event: &Event) {
    match event {
        Event::OrganizationSet(org) => book.org = Some(org.clone()),
        Event::Suspended { suspended } => {
            if let Some(org) = &mut book.org {
                org.suspended = *suspended;
            }
        }
        Event::Erased {} => {
            if let Some(org) = &mut book.org {
                (org.name, org.suspended, org.erased) = (None, true, true);
            }
        }
        Event::CreditsSet { included_cents, purchased_cents, allowance_cents, cycle_started_at } => {
            book.credits.set(*included_cents, *purchased_cents);
            book.credits.allowance_cents = *allowance_cents;
            book.credits.cycle_started_at_ms = *cycle_started_at;
        }
        Event::CreditsBought { cents, .. } => {
            let purchased_cents = book.credits.purchased_cents.saturating_add(*cents);
            book.credits.set(book.credits.included_cents, purchased_cents);
        }
        Event::CycleBegun { at } => {
            let renewed_cents = book.credits.renewed_cents(book.held_cents());
            book.credits.set(renewed_cents, book.credits.purchased_cents);
            book.credits.cycle_started_at_ms = *at;
        }
        Event::KeyPut { id, key } => {
            book.keys.insert(*id, key.clone());
        }
        Event::KeyRevoked { id, .. } => {
            book.keys.remove(id);
        }
        Event::WebhookPut { id, webhook, .. } => {
            book.last_version = book.last_version.max(webhook.version);
            book.webhooks.insert(*id, webhook.clone());
        }
        Event::WebhookDropped { id } => {
            book.webhooks.remove(id);
        }
        Event::TemplatePut { id, template, .. } => {
            book.last_version = book.last_version.max(template.version);
            book.templates.insert(id.clone(), template.clone());
        }
        Event::TemplateDropped { id } => {
            book.templates.remove(id);
        }
        Event::RunOpened { at, submit } => {
            let run = OpenRun {
                created_at_ms: *at,
                hold_cents: submit.hold_cents,
                cents_per_iteration: submit.cents_per_iteration,
                pending_until_ms: after(*at, submit.pending_limit_ms),
                iterations: 0,
                tenant: submit.tenant,
                tenant_user: submit.tenant_user,
                webhook_url: submit.webhook_url,
                work: None,
            };
            book.runs.insert(submit.run, run);
        }
        Event::RunEnded(ended) => {
            book.runs.remove(&ended.id);
            book.credits.take(ended.charge);
        }
        Event::RunLeased { run, .. }
        | Event::LeaseRenewed { run, .. }
        | Event::LeaseLapsed { run }
        | Event::IterationsDone { run, .. }
        | Event::VerificationBegun { run, .. }
        | Event::Verified { run, .. } => {
            if let Some(run) = book.runs.get_mut(run) {
                evolve_run(run, event);
            }
        }
    }
}

fn evolve_run(run: &mut OpenRun, event: &Event) {
    match (event, &mut run.work) {
        (Event::RunLeased { at, lease, max_grants, until, .. }, work) => {
            let work = work.get_or_insert(Work {
                started_at_ms: *at,
                until_ms: *until,
                grants: 0,
                max_grants: *max_grants,
                lease: None,
                verifying: None,
                verifications: 0,
            });
            work.grants = work.grants.saturating_add(1);
            work.max_grants = *max_grants;
            work.lease = Some(*lease);
        }
        (Event::LeaseRenewed { expires_at, .. }, Some(Work { lease: Some(lease), .. })) => {
            *lease = Lease { expires_at_ms: *expires_at, reported: true, ..*lease };
        }
        (Event::LeaseLapsed { .. }, Some(work)) => {
            work.lease = None;
            work.verifying = None;
        }
        (Event::IterationsDone { iterations, .. }, _) => run.iterations = *iterations,
        (Event::VerificationBegun { level, .. }, Some(work)) => {
            work.verifying = Some(*level);
            work.verifications = work.verifications.saturating_add(1);
        }
        (Event::Verified { .. }, Some(work)) => {
            work.verifying = None;
            work.verifications = work.verifications.saturating_add(1);
        }
        _ => {}
    }
}
