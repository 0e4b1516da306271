//! Webhooks, templates, keys and organizations, and their rows.

use tidegate_agentgate::command::{Billing, DropTemplate, DropWebhook, KeyUse, PutOrganization, RevokeKey};
use tidegate_agentgate::views::{self, CredentialRow, OrganizationRow, TemplateRow, WebhookRow};
use tidegate_agentgate::{Answer, Command, EventType, KeyedHash, Owner};
use tidegate_kernel::Timestamp;

use crate::rig::{Rig, START_MS};
use crate::samples::{KEY, ORG, change, put_key, suspend, template, template_id, webhook, webhook_id};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + millis)
}

#[test]
fn a_webhook_is_put_changed_and_dropped() {
    let mut rig = Rig::with_credits(0, 0);
    let made = rig.accept(webhook(1, 0, &[EventType::RunCreated, EventType::RunCreated]));
    assert_eq!(made, Answer::Stored { version: 1, created_at_ms: at(0), updated_at_ms: None });
    let row: WebhookRow = rig.row(views::webhook(ORG, webhook_id(1)));
    assert_eq!(row.events, [EventType::RunCreated], "an event is listed once");
    let changed = rig.pass(5).accept(webhook(1, 1, &[]));
    assert_eq!(changed, Answer::Stored { version: 2, created_at_ms: at(0), updated_at_ms: Some(at(5)) });
    let row: WebhookRow = rig.row(views::webhook(ORG, webhook_id(1)));
    assert_eq!((row.version, row.created_at_ms, row.updated_at_ms), (2, at(0), Some(at(5))));
    rig.accept(Command::WebhookDrop(DropWebhook { sent_with: KEY, webhook: webhook_id(1) }));
    assert!(rig.rows(views::WEBHOOKS).is_empty());
}

#[test]
fn a_template_made_anew_has_a_version_that_its_predecessor_never_had() {
    let mut rig = Rig::with_credits(0, 0);
    rig.accept(template(1, 0));
    rig.accept(Command::TemplateDrop(DropTemplate { sent_with: KEY, template: template_id(1) }));
    assert!(rig.rows(views::TEMPLATES).is_empty());
    rig.accept(template(1, 0));
    let row: TemplateRow = rig.row(views::template(ORG, &template_id(1)));
    assert_eq!((row.version, row.updated_at_ms), (2, None));
}

#[test]
fn a_key_is_found_by_its_hash_also_after_its_revocation() {
    let mut rig = Rig::with_credits(0, 0);
    let hash = KeyedHash(KEY.bits() << 64);
    let row: CredentialRow = rig.row(views::credential(hash));
    assert_eq!((row.key, row.owner, row.key_use, row.revoked_at_ms), (KEY, Owner::Org(ORG), KeyUse::Client, None));
    rig.pass(7).accept(Command::KeyRevoke(RevokeKey { key: KEY }));
    let row: CredentialRow = rig.row(views::credential(hash));
    assert_eq!(row.revoked_at_ms, Some(at(7)));
    assert_eq!(rig.row::<CredentialRow>(views::key_of(Owner::Org(ORG), KEY)), row);
}

#[test]
fn the_fleet_has_keys_and_no_other_rows() {
    let mut rig = Rig::empty(Owner::Fleet);
    rig.accept(put_key(KEY, KeyUse::Fleet));
    let views: Vec<&str> = rig.views.keys().map(|key| key.view).collect();
    assert_eq!(views, [views::CREDENTIALS, views::KEYS]);
}

#[test]
fn an_organization_keeps_what_an_operator_does_not_name() {
    let mut rig = Rig::with_credits(5, 6);
    let row = |rig: &Rig| rig.row::<OrganizationRow>(views::organization(ORG));
    let before = row(&rig);
    assert_eq!((before.concurrency, before.requests_per_minute, before.submissions_per_minute), (10, 100, 20));
    rig.accept(change(PutOrganization {
        billing: Some(Billing::None),
        requests_per_minute: Some(100_000),
        ..PutOrganization::default()
    }));
    let expected = OrganizationRow { billing: Billing::None, requests_per_minute: 100_000, ..before };
    assert_eq!(row(&rig), expected);
    rig.accept(suspend(true));
    assert_eq!(row(&rig), OrganizationRow { suspended: true, ..expected });
    let balance = rig.balance();
    assert_eq!((balance.included_cents, balance.purchased_cents), (5, 6));
    rig.accept(change(PutOrganization { purchased_cents: Some(60), ..PutOrganization::default() }));
    let balance = rig.balance();
    assert_eq!((balance.included_cents, balance.purchased_cents, balance.allowance_cents), (5, 60, 5));
}

#[test]
fn a_new_organization_for_which_nothing_is_chosen_has_the_documented_credits() {
    let mut rig = Rig::empty(Owner::Org(ORG));
    rig.accept(change(PutOrganization { new: true, ..PutOrganization::default() }));
    assert_eq!((rig.balance().included_cents, rig.balance().purchased_cents), (10_000, 0));
}
