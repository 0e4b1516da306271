//! What runs hold and what they cost; billing cycles.

use tidegate_agentgate::views::{BalanceRow, TRANSACTIONS};
use tidegate_agentgate::{Answer, Refusal, RunErrorCode};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, ContentFingerprint, IdempotencyKey, KeyHash};

use crate::rig::{Rig, START_MS};
use crate::samples::{DAY, HOUR, MINUTE, cancel, credit, finish, lease, progress, submit};

/// Included, purchased, held, open runs.
fn figures(row: &BalanceRow) -> (u64, u64, u64, u32) {
    (row.included_cents, row.purchased_cents, row.held_cents, row.open_runs)
}

#[test]
fn a_run_charges_what_it_did_and_never_more_than_its_hold() {
    for (iterations, charged) in [(0, 50), (1, 50), (3, 150), (10, 500), (11, 500), (u32::MAX, 500)] {
        let mut rig = Rig::with_credits(1_000, 0);
        rig.accept(submit(1, 10));
        assert_eq!(figures(&rig.balance()), (1_000, 0, 500, 1));
        rig.grant(lease(1));
        rig.accept(finish(1, 1, iterations, None));
        assert_eq!(figures(&rig.balance()), (1_000 - charged, 0, 0, 0), "{iterations} iterations");
    }
}

#[test]
fn included_credits_go_first_and_each_charge_is_one_transaction() {
    let mut rig = Rig::with_credits(70, 100);
    rig.accept(submit(1, 2));
    rig.grant(lease(1));
    rig.accept(finish(1, 1, 2, Some(RunErrorCode::VerificationFailed)));
    assert_eq!(figures(&rig.balance()), (0, 70, 0, 0));
    rig.pass(1).accept(credit(7, 30));
    let transactions: Vec<_> = rig.rows(TRANSACTIONS).into_iter().map(|(_, row)| row.clone()).collect();
    assert_eq!(transactions.len(), 2);
    assert_eq!((&transactions[0]["type"], &transactions[0]["amount_cents"]), (&"deduction".into(), &100.into()));
    assert_eq!((&transactions[1]["type"], &transactions[1]["amount_cents"]), (&"purchase".into(), &30.into()));
}

#[test]
fn credits_that_are_given_again_with_their_key_are_added_once() {
    let mut rig = Rig::with_credits(0, 100);
    let give = |rig: &mut Rig, number: u32, cents: u64| {
        let key = IdempotencyKey { hash: KeyHash(1), fingerprint: ContentFingerprint(u128::from(cents)) };
        let envelope = rig.pass(1).envelope(credit(number, cents), Some(key));
        rig.send_envelope(&envelope)
    };
    assert_eq!(give(&mut rig, 1, 30), CommandOutcome::Answered(Answer::Done {}));
    assert_eq!(give(&mut rig, 2, 30), CommandOutcome::Repeated(Answer::Done {}));
    assert_eq!(give(&mut rig, 3, 31), CommandOutcome::Mismatched);
    assert_eq!((figures(&rig.balance()), rig.rows(TRANSACTIONS).len()), ((0, 130, 0, 0), 1));
    rig.pass(DAY);
    assert_eq!(give(&mut rig, 4, 30), CommandOutcome::Answered(Answer::Done {}));
    assert_eq!(figures(&rig.balance()), (0, 160, 0, 0));
}

#[test]
fn a_run_cancelled_while_it_is_pending_costs_nothing() {
    let mut rig = Rig::with_credits(100, 0);
    rig.accept(submit(1, 2));
    rig.accept(cancel(1));
    assert_eq!(figures(&rig.balance()), (100, 0, 0, 0));
    assert!(rig.rows(TRANSACTIONS).is_empty());
}

#[test]
fn a_run_cancelled_at_work_costs_what_it_did() {
    let mut rig = Rig::with_credits(1_000, 0);
    for (number, done, charged) in [(1, 0, 0), (2, 3, 150)] {
        rig.accept(submit(number, 5));
        rig.grant(lease(number));
        rig.accept(progress(number, 1, done));
        let before = rig.balance().included_cents;
        rig.accept(cancel(number));
        assert_eq!(before - rig.balance().included_cents, charged);
    }
}

#[test]
fn a_new_cycle_resets_the_included_credits_and_keeps_the_purchased() {
    let mut rig = Rig::with_credits(200, 30);
    rig.accept(submit(1, 4));
    rig.grant(lease(1));
    rig.accept(finish(1, 1, 4, None));
    assert_eq!(figures(&rig.balance()), (0, 30, 0, 0));
    rig.pass(31 * DAY - 1);
    assert_eq!(figures(&rig.balance().at(rig.now())), (0, 30, 0, 0));
    rig.pass(1);
    let now = rig.now();
    let read = rig.balance().at(now);
    assert_eq!((figures(&read), read.cycle_started_at_ms), ((200, 30, 0, 0), now));
    assert_eq!(read.cycle_ends_at(), Timestamp::parse("2026-07-15T14:32:00Z").unwrap());
    // A read computes what the next decision does.
    rig.accept(credit(1, 1));
    assert_eq!((figures(&rig.balance()), rig.balance().cycle_started_at_ms), ((200, 31, 0, 0), now));
}

#[test]
fn missed_cycles_are_one() {
    let mut rig = Rig::with_credits(200, 0);
    rig.pass(400 * DAY).accept(credit(1, 1));
    let balance = rig.balance();
    assert_eq!(figures(&balance), (200, 1, 0, 0));
    assert_eq!(balance.cycle_started_at_ms, Timestamp::parse("2027-06-15T14:32:00Z").unwrap());
}

#[test]
fn a_hold_outlasts_the_cycle() {
    let mut rig = Rig::with_credits(450, 100);
    rig.pass(31 * DAY - HOUR);
    rig.accept(submit(1, 11));
    rig.pass(HOUR).accept(credit(1, 0));
    assert_eq!(figures(&rig.balance()), (450, 100, 550, 1));
    let insufficient = Refusal::CreditsInsufficient { required_cents: 50, available_cents: 0 };
    assert_eq!(rig.refuse(submit(2, 1)), insufficient);
}

#[test]
fn what_is_due_happens_at_its_own_time() {
    let mut rig = Rig::with_credits(500, 0);
    rig.pass(30 * DAY - MINUTE);
    rig.accept(submit(1, 10));
    rig.pass(DAY - 2 * MINUTE);
    rig.grant(lease(1));
    rig.accept(progress(1, 1, 9));
    rig.pass(5 * DAY).accept(credit(1, 0));
    // It began three minutes before the cycle's end and timed out in the next cycle, which therefore paid.
    assert_eq!(figures(&rig.balance()), (50, 0, 0, 0));
    assert_eq!(rig.balance().cycle_started_at_ms, Timestamp::from_millis(START_MS + 31 * DAY));
}
