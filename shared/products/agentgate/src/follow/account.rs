//! Rows about the organization, its credits, keys, webhooks and templates.

use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{Decider, Follow};

use crate::book::{Book, BookedTemplate, BookedWebhook, LiveKey};
use crate::event::{EndedRun, Event};
use crate::id::{KeyId, OrgId, TransactionId, WebhookId};
use crate::owner::Owner;
use crate::sealed::Sealed;
use crate::template::TemplateId;
use crate::views::{
    self, BalanceRow, CredentialRow, OrganizationRow, TemplateRow, TransactionRow, TransactionType, WebhookRow,
};

pub(super) fn organization<D: Decider>(id: OrgId, book: &Book, into: &mut Follow<D>) {
    let Some(org) = book.org.clone() else { return };
    let row = OrganizationRow {
        name: org.name,
        suspended: org.suspended,
        erased: org.erased,
        billing: org.billing,
        concurrency: org.concurrency,
        requests_per_minute: org.requests_per_minute,
        submissions_per_minute: org.submissions_per_minute,
        created_at_ms: org.created_at_ms,
    };
    into.put(views::organization(id), &row);
}

pub(super) fn balance<D: Decider>(id: OrgId, book: &Book, into: &mut Follow<D>) {
    let Some(org) = &book.org else { return };
    let row = BalanceRow {
        included_cents: book.credits.included_cents,
        purchased_cents: book.credits.purchased_cents,
        held_cents: book.held_cents(),
        // At most Book::MAX_RUNS.
        open_runs: book.runs.len() as u32,
        allowance_cents: book.credits.allowance_cents,
        cycle_started_at_ms: book.credits.cycle_started_at_ms,
        created_at_ms: org.created_at_ms,
    };
    into.put(views::balance(id), &row);
}

pub(super) fn purchase<D: Decider>(org: OrgId, id: TransactionId, at: Timestamp, cents: u64, into: &mut Follow<D>) {
    let row = TransactionRow {
        kind: TransactionType::Purchase,
        amount_cents: cents,
        created_at_ms: at,
        run: None,
        tenant: None,
        tenant_user: None,
    };
    into.put(views::transaction(org, at, id), &row);
}

/// A run that cost nothing makes no transaction.
pub(super) fn charge<D: Decider>(org: OrgId, ended: &EndedRun, into: &mut Follow<D>) {
    let row = TransactionRow {
        kind: TransactionType::Deduction,
        amount_cents: ended.charge.cents(),
        created_at_ms: ended.at,
        run: Some(ended.id),
        tenant: ended.run.tenant,
        tenant_user: ended.run.tenant_user,
    };
    if row.amount_cents > 0 {
        into.put(views::transaction(org, ended.at, ended.id.charge()), &row);
    }
}

pub(super) fn webhook<D: Decider>(
    org: OrgId,
    id: WebhookId,
    webhook: &BookedWebhook,
    content: &Sealed,
    updated_at_ms: Option<Timestamp>,
    into: &mut Follow<D>,
) {
    let row = WebhookRow {
        version: webhook.version,
        enabled: webhook.enabled,
        events: webhook.events.clone(),
        content: content.clone(),
        created_at_ms: webhook.created_at_ms,
        updated_at_ms,
    };
    into.put(views::webhook(org, id), &row);
}

pub(super) fn template<D: Decider>(
    org: OrgId,
    id: &TemplateId,
    template: &BookedTemplate,
    content: &Sealed,
    updated_at_ms: Option<Timestamp>,
    into: &mut Follow<D>,
) {
    let row = TemplateRow {
        version: template.version,
        content: content.clone(),
        created_at_ms: template.created_at_ms,
        updated_at_ms,
    };
    into.put(views::template(org, id), &row);
}

/// Rows about keys, which organizations and the fleet have.
pub(crate) fn keys<D: Decider>(owner: Owner, event: &Event, into: &mut Follow<D>) {
    match event {
        Event::KeyPut { id, key } => credential(owner, *id, key, None, into),
        Event::KeyRevoked { id, key, at } => credential(owner, *id, key, Some(*at), into),
        _ => {}
    }
}

fn credential<D: Decider>(
    owner: Owner,
    id: KeyId,
    key: &LiveKey,
    revoked_at_ms: Option<Timestamp>,
    into: &mut Follow<D>,
) {
    let row = CredentialRow {
        key: id,
        owner,
        key_use: key.key_use,
        hash: key.hash,
        scopes: key.scopes,
        created_at_ms: key.created_at_ms,
        revoked_at_ms,
    };
    into.put(views::credential(key.hash), &row);
    into.put(views::key_of(owner, id), &row);
}
