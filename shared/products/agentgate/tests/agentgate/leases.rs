//! Leases, their lapses, and the ends that time brings.

use tidegate_agentgate::views::{self, RunRow};
use tidegate_agentgate::{Answer, Refusal, RunErrorCode, RunStatus};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, ContentFingerprint, Decider, IdempotencyKey, KeyHash};

use crate::rig::{Rig, START_MS};
use crate::samples::{DAY, MINUTE, SECOND, cancel, finish, lease, progress, run_id, submit};

fn rig() -> Rig {
    Rig::with_credits(10_000, 0)
}

fn run_row(rig: &Rig, number: u32) -> RunRow {
    rig.row(views::run(run_id(number)))
}

fn tick(rig: &mut Rig) {
    let envelope = rig.envelope(tidegate_agentgate::Command::Tick {}, None);
    rig.append(&tidegate_kernel::command::Envelope { attempt: None, ..envelope }, None);
}

#[test]
fn the_oldest_queued_run_is_leased_first() {
    let mut rig = rig();
    for number in [3, 1, 2] {
        rig.pass(1).accept(submit(number, 1));
    }
    let leased: Vec<_> = (1..=3).map(|worker| rig.grant(lease(worker)).run).collect();
    assert_eq!(leased, [run_id(3), run_id(1), run_id(2)]);
    assert_eq!(rig.accept(lease(4)), Answer::NothingQueued {});
}

#[test]
fn a_worker_that_asks_again_before_its_first_report_gets_the_same_lease() {
    let mut rig = rig();
    rig.accept(submit(1, 2));
    rig.accept(submit(2, 2));
    let first = rig.grant(lease(1));
    assert_eq!(rig.pass(SECOND).grant(lease(1)), first);
    rig.accept(progress(1, 1, 0));
    assert_eq!(rig.grant(lease(1)).run, run_id(2));
}

#[test]
fn progress_renews_the_lease_up_to_the_runs_time() {
    let mut rig = rig();
    rig.accept(submit(1, 100));
    let mut expires_at = rig.grant(lease(1)).expires_at_ms;
    assert_eq!(expires_at, Timestamp::from_millis(START_MS + MINUTE));
    for iterations in 1..=40 {
        rig.pass(45 * SECOND);
        match rig.send(progress(1, 1, iterations)) {
            CommandOutcome::Answered(Answer::Renewed { expires_at_ms }) => expires_at = expires_at_ms,
            outcome => {
                assert_eq!((iterations, outcome), (40, CommandOutcome::Refused(Refusal::NotOpen {})));
            }
        }
    }
    assert_eq!(expires_at, Timestamp::from_millis(START_MS + 30 * MINUTE));
    let row = run_row(&rig, 1);
    assert_eq!((row.status, row.error_code), (RunStatus::Failed, Some(RunErrorCode::ExecutionTimeout)));
    assert_eq!((row.iterations, row.cost_cents), (39, 39 * 50));
    assert_eq!(row.ended_at_ms, Some(expires_at));
}

#[test]
fn fewer_iterations_than_before_change_nothing() {
    let mut rig = rig();
    rig.accept(submit(1, 9));
    rig.grant(lease(1));
    rig.accept(progress(1, 1, 5));
    rig.accept(progress(1, 1, 3));
    assert_eq!(run_row(&rig, 1).iterations, 5);
    rig.accept(finish(1, 1, 2, None));
    assert_eq!((run_row(&rig, 1).iterations, run_row(&rig, 1).cost_cents), (5, 250));
}

#[test]
fn a_lapsed_run_is_offered_again_and_fails_after_the_third_lease() {
    let mut rig = rig();
    rig.accept(submit(1, 9));
    for token in 1..=3 {
        assert_eq!(rig.grant(lease(token)).token, token);
        assert_eq!(run_row(&rig, 1).status, RunStatus::Running);
        rig.pass(MINUTE);
        tick(&mut rig);
    }
    let row = run_row(&rig, 1);
    assert_eq!((row.status, row.error_code), (RunStatus::Failed, Some(RunErrorCode::ExecutionTimeout)));
    assert_eq!(row.ended_at_ms, Some(Timestamp::from_millis(START_MS + 3 * MINUTE)));
}

#[test]
fn a_run_that_nobody_starts_fails_after_a_day_and_costs_nothing() {
    let mut rig = rig();
    rig.accept(submit(1, 9));
    rig.pass(DAY - 1);
    tick(&mut rig);
    assert_eq!(run_row(&rig, 1).status, RunStatus::Pending);
    rig.pass(1);
    tick(&mut rig);
    let row = run_row(&rig, 1);
    assert_eq!((row.status, row.cost_cents, row.started_at_ms), (RunStatus::Failed, 0, None));
    assert_eq!(rig.accept(lease(1)), Answer::NothingQueued {});
}

#[test]
fn what_is_due_is_the_next_change_of_a_run() {
    let due = |rig: &Rig| tidegate_agentgate::AgentGate::due(rig.book()).map(|at| at.as_millis() - START_MS);
    let mut rig = rig();
    assert_eq!(due(&rig), None);
    rig.accept(submit(1, 9));
    assert_eq!(due(&rig), Some(DAY));
    rig.grant(lease(1));
    assert_eq!(due(&rig), Some(MINUTE));
    rig.pass(MINUTE);
    tick(&mut rig);
    assert_eq!(due(&rig), Some(30 * MINUTE));
    rig.accept(cancel(1));
    assert_eq!(due(&rig), None);
}

#[test]
fn the_same_finish_again_gets_the_same_answer_and_another_a_mismatch() {
    let mut rig = rig();
    rig.accept(submit(1, 9));
    rig.grant(lease(1));
    let key = |content| IdempotencyKey { hash: KeyHash(1), fingerprint: ContentFingerprint(content) };
    let send = |rig: &mut Rig, content, iterations| {
        let envelope = rig.envelope(finish(1, 1, iterations, None), Some(key(content)));
        rig.send_envelope(&envelope)
    };
    assert_eq!(send(&mut rig, 1, 3), CommandOutcome::Answered(Answer::Finished {}));
    assert_eq!(send(&mut rig, 1, 3), CommandOutcome::Repeated(Answer::Finished {}));
    assert_eq!(send(&mut rig, 2, 4), CommandOutcome::Mismatched);
    assert_eq!(run_row(&rig, 1).iterations, 3);
    rig.pass(DAY);
    assert_eq!(send(&mut rig, 1, 3), CommandOutcome::Refused(Refusal::NotOpen {}));
}

#[test]
fn a_report_after_a_cancel_finds_the_run_closed_and_its_row_says_why() {
    let mut rig = rig();
    rig.accept(submit(1, 9));
    rig.grant(lease(1));
    rig.accept(cancel(1));
    assert_eq!(rig.refuse(progress(1, 1, 1)), Refusal::NotOpen {});
    let row = run_row(&rig, 1);
    assert_eq!((row.status, row.error_code), (RunStatus::Cancelled, Some(RunErrorCode::Cancelled)));
}
