//! Messages to webhooks and to an order's own URL.

use std::collections::BTreeSet;

use tidegate_agentgate::views::{Receiver, WebhookMessage};
use tidegate_agentgate::{Command, EventType, Level, RunErrorCode, RunStatus};

use crate::rig::Rig;
use crate::samples::{cancel, finish, lease, order, submit, verified, webhook, webhook_id};

fn messages(rig: &Rig) -> Vec<WebhookMessage> {
    let mut messages: Vec<WebhookMessage> =
        rig.deliveries.values().map(|body| serde_json::from_value(body.clone()).expect("a message")).collect();
    messages.sort_by_key(|message| message.at_ms);
    messages
}

fn kinds(rig: &Rig) -> Vec<&'static str> {
    messages(rig).iter().map(|message| message.kind.as_str()).collect()
}

#[test]
fn a_webhook_receives_the_events_that_it_asked_for() {
    let mut rig = Rig::with_credits(10_000, 0);
    rig.accept(webhook(1, 0, &EventType::ALL));
    rig.accept(webhook(2, 0, &[EventType::RunStarted]));
    rig.accept(submit(1, 9));
    rig.pass(1).grant(lease(1));
    rig.pass(1).accept(verified(1, 1, Level::L0, None));
    rig.pass(1).accept(verified(1, 1, Level::L0, Some(false)));
    rig.pass(1).accept(verified(1, 1, Level::L0, None));
    rig.pass(1).accept(verified(1, 1, Level::L0, None));
    rig.pass(1).accept(verified(1, 1, Level::L0, Some(true)));
    rig.pass(1).accept(finish(1, 1, 2, None));
    assert_eq!(
        kinds(&rig),
        [
            "run.created",
            "run.started",
            "run.started",
            "verification.started",
            "verification.failed",
            "verification.started",
            "verification.passed",
            "run.completed",
        ]
    );
    let last = messages(&rig).pop().unwrap();
    assert_eq!(
        (last.to, last.state.status, last.state.cost_cents),
        (Receiver::Webhook(webhook_id(1)), RunStatus::Succeeded, 100)
    );
}

#[test]
fn a_result_without_a_beginning_brings_its_beginning() {
    let mut rig = Rig::with_credits(10_000, 0);
    rig.accept(webhook(1, 0, &[EventType::VerificationStarted, EventType::VerificationPassed]));
    rig.accept(submit(1, 9));
    rig.grant(lease(1));
    rig.accept(verified(1, 1, Level::L0, Some(true)));
    rig.accept(verified(1, 1, Level::L1, Some(true)));
    let kinds: BTreeSet<&str> = kinds(&rig).into_iter().collect();
    assert_eq!((rig.deliveries.len(), kinds.len()), (4, 2));
}

#[test]
fn a_second_lease_starts_nothing_again() {
    let mut rig = Rig::with_credits(10_000, 0);
    rig.accept(webhook(1, 0, &[EventType::RunStarted, EventType::RunFailed]));
    rig.accept(submit(1, 9));
    rig.grant(lease(1));
    rig.pass(60_000).grant(lease(2));
    rig.accept(finish(1, 2, 2, Some(RunErrorCode::WorkspaceError)));
    assert_eq!(kinds(&rig), ["run.started", "run.failed"]);
}

#[test]
fn an_orders_url_receives_the_end_only() {
    let mut rig = Rig::with_credits(10_000, 0);
    for number in 1..=3 {
        let mut order = order(number, 1);
        order.webhook_url = true;
        rig.pass(1).accept(Command::Submit(Box::new(order)));
    }
    rig.pass(1).grant(lease(1));
    rig.pass(1).accept(finish(1, 1, 1, None));
    rig.pass(1).accept(cancel(2));
    rig.pass(1).grant(lease(1));
    rig.pass(1).accept(finish(3, 1, 1, Some(RunErrorCode::MaxIterationsReached)));
    assert_eq!(kinds(&rig), ["run.completed", "run.cancelled", "run.failed"]);
    assert!(messages(&rig).iter().all(|message| message.to == Receiver::Order));
}

#[test]
fn without_a_receiver_nothing_is_sent() {
    let mut rig = Rig::with_credits(10_000, 0);
    let Command::WebhookPut(mut put) = webhook(1, 0, &EventType::ALL) else { panic!("a webhook's put") };
    put.enabled = false;
    rig.accept(Command::WebhookPut(put));
    rig.accept(submit(1, 1));
    rig.accept(cancel(1));
    assert!(rig.deliveries.is_empty());
}
