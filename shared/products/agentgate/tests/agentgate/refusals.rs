//! A case for each refusal; and none changes anything.

use tidegate_agentgate::command::{
    AskLease, Billing, DropTemplate, DropWebhook, KeyUse, PutOrganization, PutTemplate, RevokeKey,
};
use tidegate_agentgate::{Book, Command, KeyId, Owner, Refusal, Sealed, TemplateId};

use crate::rig::Rig;
use crate::samples::{
    DAY, KEY, MINUTE, ORG, WORKER_KEY, cancel, change, credit, finish, lease, new_organization, order, progress,
    put_key, sealed, submit, suspend, template, template_id, webhook, webhook_id,
};

const MAX_CENTS: u64 = 1_000_000_000_000;

/// Refuses the command, and checks that the book, the rows and the messages stay as they were.
#[track_caller]
fn refused(rig: &mut Rig, command: Command, refusal: Refusal) {
    let (book, views, deliveries) = (rig.book().clone(), rig.views.clone(), rig.deliveries.clone());
    assert_eq!(rig.refuse(command.clone()), refusal, "{command:?}");
    assert_eq!(*rig.book(), book, "{command:?}");
    assert_eq!((&rig.views, &rig.deliveries), (&views, &deliveries), "{command:?}");
}

fn rig() -> Rig {
    Rig::with_credits(1_000, 0)
}

#[test]
fn without_an_organization_only_a_new_one_is_accepted() {
    let mut rig = Rig::empty(Owner::Org(ORG));
    let unknown = Refusal::UnknownOrganization {};
    for command in [
        submit(1, 1),
        cancel(1),
        lease(1),
        progress(1, 1, 1),
        finish(1, 1, 1, None),
        webhook(1, 0, &[]),
        template(1, 0),
        credit(1, 1),
        suspend(true),
        Command::Erase {},
        change(PutOrganization::default()),
        put_key(KEY, KeyUse::Client),
        put_key(KEY, KeyUse::Worker),
    ] {
        refused(&mut rig, command, unknown);
    }
    rig.accept(new_organization(0, 0));
    refused(&mut rig, new_organization(0, 0), Refusal::Exists {});
}

#[test]
fn a_revoked_or_unknown_key_is_refused_before_anything_else() {
    let mut rig = rig();
    refused(&mut rig, Command::KeyRevoke(RevokeKey { key: KeyId::from_bits(9) }), Refusal::Unknown {});
    rig.accept(submit(1, 1));
    rig.accept(Command::KeyRevoke(RevokeKey { key: KEY }));
    rig.accept(Command::KeyRevoke(RevokeKey { key: WORKER_KEY }));
    rig.accept(suspend(true));
    for command in [submit(2, 1), cancel(1), webhook(1, 0, &[]), template(1, 0), lease(1), progress(1, 1, 1)] {
        refused(&mut rig, command, Refusal::KeyRevoked {});
    }
    refused(&mut rig, Command::KeyRevoke(RevokeKey { key: KEY }), Refusal::Unknown {});
}

#[test]
fn a_suspended_organization_is_refused_until_it_is_resumed() {
    let mut rig = rig();
    rig.accept(submit(1, 1));
    rig.accept(suspend(true));
    for command in [submit(2, 1), cancel(1), webhook(1, 0, &[]), template(1, 0), lease(1), finish(1, 1, 1, None)] {
        refused(&mut rig, command, Refusal::Suspended {});
    }
    rig.accept(credit(1, 5));
    rig.accept(suspend(false));
    rig.accept(cancel(1));
}

#[test]
fn nothing_of_an_erased_organization_can_be_changed() {
    let mut rig = rig();
    rig.accept(submit(1, 1));
    rig.accept(Command::Erase {});
    for command in [submit(2, 1), cancel(1), webhook(1, 0, &[]), template(1, 0), lease(1), progress(1, 1, 1)] {
        refused(&mut rig, command, Refusal::KeyRevoked {});
    }
    let Command::Lease(ask) = lease(1) else { return };
    refused(&mut rig, Command::Lease(AskLease { fleet: true, ..ask }), Refusal::Suspended {});
    let put = change(PutOrganization::default());
    for command in [put, put_key(KEY, KeyUse::Client), credit(1, 5), suspend(false), suspend(true)] {
        refused(&mut rig, command, Refusal::Erased {});
    }
    refused(&mut rig, new_organization(0, 0), Refusal::Exists {});
}

#[test]
fn a_submission_is_judged_in_the_documented_order() {
    let mut rig = rig();
    rig.accept(change(PutOrganization {
        billing: Some(Billing::None),
        concurrency: Some(1),
        ..PutOrganization::default()
    }));
    refused(&mut rig, submit(1, 21), Refusal::BillingUnusable {});
    rig.accept(change(PutOrganization { billing: Some(Billing::Ok), ..PutOrganization::default() }));
    let insufficient =
        |required_cents, available_cents| Refusal::CreditsInsufficient { required_cents, available_cents };
    refused(&mut rig, submit(1, 21), insufficient(1_050, 1_000));
    rig.accept(submit(1, 15));
    refused(&mut rig, submit(1, 5), Refusal::Exists {});
    refused(&mut rig, submit(2, 6), insufficient(300, 250));
    refused(&mut rig, submit(2, 5), Refusal::ConcurrencyReached { limit: 1, open: 1 });
    rig.accept(cancel(1));
    rig.accept(submit(2, 20));
}

#[test]
fn what_a_book_cannot_hold_is_refused() {
    let mut rig = rig();
    let too_much = Refusal::TooMuch { limit: MAX_CENTS };
    let mut dear = order(1, 1);
    dear.hold_cents = MAX_CENTS + 1;
    refused(&mut rig, Command::Submit(Box::new(dear)), too_much);
    refused(&mut rig, credit(1, MAX_CENTS + 1), too_much);
    rig.accept(credit(1, MAX_CENTS));
    refused(&mut rig, credit(2, 1), too_much);
    for put in [
        PutOrganization { included_cents: Some(MAX_CENTS + 1), ..PutOrganization::default() },
        PutOrganization { purchased_cents: Some(u64::MAX), ..PutOrganization::default() },
    ] {
        refused(&mut rig, change(put), too_much);
    }
    let concurrency = PutOrganization { concurrency: Some(101), ..PutOrganization::default() };
    refused(&mut rig, change(concurrency), Refusal::TooMuch { limit: 100 });
    let name = Some(Sealed::new("x".repeat(1_025)));
    let named = PutOrganization { name, ..PutOrganization::default() };
    refused(&mut rig, change(named), Refusal::TooMuch { limit: 1_024 });
}

#[test]
fn an_operator_cannot_set_the_balance_below_what_runs_hold() {
    let mut rig = rig();
    rig.accept(submit(1, 12));
    let put = |included, purchased| {
        change(PutOrganization {
            included_cents: Some(included),
            purchased_cents: Some(purchased),
            ..PutOrganization::default()
        })
    };
    refused(&mut rig, put(500, 99), Refusal::BelowHolds { held_cents: 600, balance_cents: 599 });
    rig.accept(put(500, 100));
    rig.accept(cancel(1));
    rig.accept(put(0, 0));
}

#[test]
fn a_webhook_or_template_of_another_version_is_stale() {
    let mut rig = rig();
    refused(&mut rig, webhook(1, 1, &[]), Refusal::Unknown {});
    rig.accept(webhook(1, 0, &[]));
    refused(&mut rig, webhook(1, 0, &[]), Refusal::Exists {});
    rig.accept(webhook(1, 1, &[]));
    refused(&mut rig, webhook(1, 1, &[]), Refusal::Stale {});
    let drop_webhook = || Command::WebhookDrop(DropWebhook { sent_with: KEY, webhook: webhook_id(1) });
    rig.accept(drop_webhook());
    refused(&mut rig, drop_webhook(), Refusal::Unknown {});

    refused(&mut rig, template(1, 1), Refusal::Unknown {});
    rig.accept(template(1, 0));
    refused(&mut rig, template(1, 0), Refusal::Exists {});
    refused(&mut rig, template(1, 2), Refusal::Stale {});
    let drop_template = || Command::TemplateDrop(DropTemplate { sent_with: KEY, template: template_id(1) });
    rig.accept(drop_template());
    refused(&mut rig, drop_template(), Refusal::Unknown {});
    rig.accept(template(1, 0));
    refused(&mut rig, template(1, 3), Refusal::Stale {});
}

#[test]
fn a_submission_made_with_another_version_of_a_template_is_stale() {
    let mut rig = rig();
    let with = |number, version| {
        let mut order = order(number, 1);
        order.template = Some(tidegate_agentgate::command::TemplateVersion { id: template_id(1), version });
        Command::Submit(Box::new(order))
    };
    refused(&mut rig, with(1, 1), Refusal::Unknown {});
    rig.accept(template(1, 0));
    refused(&mut rig, with(1, 2), Refusal::Stale {});
    rig.accept(with(1, 1));
}

#[test]
fn a_built_in_template_is_never_changed() {
    let mut rig = rig();
    let template = TemplateId::parse("python-flask").unwrap();
    let put = PutTemplate { sent_with: KEY, template: template.clone(), version: 0, content: sealed("") };
    refused(&mut rig, Command::TemplatePut(put), Refusal::BuiltIn {});
    refused(&mut rig, Command::TemplateDrop(DropTemplate { sent_with: KEY, template }), Refusal::BuiltIn {});
}

#[test]
fn lists_hold_a_hundred() {
    let mut rig = rig();
    for number in 0..100 {
        rig.accept(webhook(number, 0, &[]));
        rig.accept(template(number, 0));
    }
    let full = Refusal::ListFull { limit: 100 };
    refused(&mut rig, webhook(100, 0, &[]), full);
    refused(&mut rig, template(100, 0), full);
    // Two keys are there from the beginning.
    for number in 2..Book::MAX_LISTED as u128 {
        rig.accept(put_key(KeyId::from_bits(100 + number), KeyUse::Client));
    }
    refused(&mut rig, put_key(KeyId::from_bits(99), KeyUse::Worker), full);
    refused(&mut rig, put_key(KEY, KeyUse::Client), Refusal::Exists {});
}

#[test]
fn keys_belong_to_the_owner_that_their_use_needs() {
    let mut fleet = Rig::empty(Owner::Fleet);
    refused(&mut fleet, put_key(KEY, KeyUse::Worker), Refusal::UnknownOrganization {});
    fleet.accept(put_key(KEY, KeyUse::Fleet));
    fleet.accept(Command::KeyRevoke(RevokeKey { key: KEY }));
    refused(&mut rig(), put_key(KeyId::from_bits(9), KeyUse::Fleet), Refusal::UnknownOrganization {});
}

#[test]
fn an_ended_or_unknown_run_is_not_open() {
    let mut rig = rig();
    rig.accept(submit(1, 2));
    rig.accept(cancel(1));
    for number in [1, 2] {
        for command in [cancel(number), progress(number, 1, 1), finish(number, 1, 1, None)] {
            refused(&mut rig, command, Refusal::NotOpen {});
        }
    }
}

#[test]
fn only_the_last_leases_token_counts_and_only_until_the_lease_lapses() {
    let mut rig = rig();
    rig.accept(submit(1, 2));
    let stale = Refusal::StaleToken {};
    for token in [0, 1] {
        refused(&mut rig, progress(1, token, 1), stale);
    }
    assert_eq!(rig.grant(lease(1)).token, 1);
    refused(&mut rig, finish(1, 2, 1, None), stale);
    rig.pass(MINUTE);
    // The lapse itself is no doing of the refused command.
    assert_eq!(rig.refuse(finish(1, 1, 1, None)), stale);
    assert_eq!(rig.grant(lease(2)).token, 2);
    refused(&mut rig, progress(1, 1, 1), stale);
    refused(&mut rig, finish(1, 1, 1, None), stale);
    rig.accept(finish(1, 2, 1, None));
    rig.pass(DAY);
}
