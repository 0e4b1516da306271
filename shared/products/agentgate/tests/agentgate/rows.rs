//! The rows of a run, from its submission to its end, and those of the queue.

use serde_json::json;
use tidegate_agentgate::views::{self, OPEN_SHARDS, OpenShardRow, OrderRow, QUEUE, RUN_LIST, RunListRow, RunRow};
use tidegate_agentgate::{Command, KeyedHash, RunStatus};

use crate::rig::Rig;
use crate::samples::{MINUTE, ORG, cancel, finish, lease, order, progress, run_id, sealed, submit, suspend};

#[test]
fn a_run_has_an_order_a_state_and_a_place_in_the_list() {
    let mut rig = Rig::with_credits(10_000, 0);
    let mut order = order(1, 9);
    order.tenant = Some(KeyedHash(1));
    order.tenant_user = Some(KeyedHash(2));
    order.tenant_context = Some(sealed("dGVuYW50"));
    let created_at = rig.now();
    rig.accept(Command::Submit(Box::new(order.clone())));
    let row: OrderRow = rig.row(views::order(run_id(1)));
    assert_eq!((row.org, row.max_iterations, row.content), (ORG, 9, order.content));
    assert_eq!(row.tenant_context, order.tenant_context);

    let state = |rig: &Rig| rig.row::<RunRow>(views::run(run_id(1)));
    let listed = |rig: &Rig| rig.row::<RunListRow>(views::listed_run(ORG, created_at, run_id(1)));
    assert_eq!((state(&rig).status, listed(&rig).status), (RunStatus::Pending, RunStatus::Pending));
    assert_eq!((listed(&rig).tenant, listed(&rig).tenant_user), (order.tenant, order.tenant_user));
    let started_at = rig.pass(5).now();
    rig.grant(lease(1));
    rig.accept(progress(1, 1, 2));
    let row = state(&rig);
    assert_eq!(
        (row.status, row.started_at_ms, row.iterations, row.cost_cents),
        (RunStatus::Running, Some(started_at), 2, 100)
    );
    let ended_at = rig.pass(5).now();
    rig.accept(finish(1, 1, 3, None));
    let row = state(&rig);
    assert_eq!(
        (row.status, row.started_at_ms, row.ended_at_ms),
        (RunStatus::Succeeded, Some(started_at), Some(ended_at))
    );
    assert_eq!((listed(&rig).iterations, listed(&rig).ended_at_ms), (3, Some(ended_at)));
    assert_eq!(rig.rows(RUN_LIST).len(), 1);
}

fn queue(rig: &Rig) -> Vec<String> {
    rig.rows(QUEUE).into_iter().map(|(_, row)| row["run"].as_str().expect("a run's id").to_owned()).collect()
}

fn open_shard(rig: &Rig) -> Option<(String, u32)> {
    let row = rig.views.get(&views::open_shard(ORG))?;
    let row: OpenShardRow = serde_json::from_value(row.clone()).expect("a row");
    Some((row.oldest.to_string(), row.queued))
}

#[test]
fn the_queue_has_the_runs_that_wait_for_a_worker() {
    let mut rig = Rig::with_credits(10_000, 0);
    rig.accept(submit(1, 1));
    rig.pass(10 * MINUTE).accept(submit(2, 1));
    let id = |number| run_id(number).to_string();
    assert_eq!((queue(&rig), open_shard(&rig)), (vec![id(1), id(2)], Some(("2026-05-15T14:3".to_owned(), 2))));
    rig.grant(lease(1));
    assert_eq!((queue(&rig), open_shard(&rig)), (vec![id(2)], Some(("2026-05-15T14:4".to_owned(), 1))));
    rig.accept(cancel(2));
    assert_eq!((queue(&rig), open_shard(&rig)), (vec![], None));
    // The lapsed lease puts the run back where it was.
    rig.pass(MINUTE).accept(submit(3, 1));
    assert_eq!((queue(&rig), open_shard(&rig)), (vec![id(1), id(3)], Some(("2026-05-15T14:3".to_owned(), 2))));
}

#[test]
fn a_suspended_organizations_runs_leave_the_queue_and_come_back() {
    let mut rig = Rig::with_credits(10_000, 0);
    rig.accept(submit(1, 1));
    rig.grant(lease(1));
    rig.accept(submit(2, 1));
    rig.accept(suspend(true));
    assert_eq!((queue(&rig), open_shard(&rig)), (vec![], None));
    rig.pass(MINUTE).accept(Command::Tick {});
    assert_eq!((queue(&rig), open_shard(&rig)), (vec![], None), "the lapsed run is not offered");
    rig.accept(suspend(false));
    assert_eq!(queue(&rig), [run_id(1).to_string(), run_id(2).to_string()]);
    assert_eq!(rig.rows(OPEN_SHARDS).len(), 1);
}

#[test]
fn rows_are_small_where_little_is_known() {
    let mut rig = Rig::with_credits(10_000, 0);
    rig.accept(submit(1, 1));
    let row = &rig.views[&views::run(run_id(1))];
    let created_at_ms = rig.now_ms;
    let org = ORG.to_string();
    let expected =
        json!({"org": org, "status": "pending", "created_at_ms": created_at_ms, "iterations": 0, "cost_cents": 0});
    assert_eq!(*row, expected);
}
