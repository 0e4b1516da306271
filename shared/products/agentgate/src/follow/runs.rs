//! Rows and messages about runs.

use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{Decider, Follow};

use super::messages::{self, Cause};
use super::{account, queue};
use crate::book::{Book, OpenRun};
use crate::command::{SubmitRun, VerificationReport};
use crate::event::EndedRun;
use crate::id::{OrgId, RunId};
use crate::status::{EventType, Level, RunStatus};
use crate::views::{self, OrderRow, RunListRow, RunRow, VerificationRow};

pub(super) fn opened<D: Decider>(org: OrgId, book: &Book, submit: &SubmitRun, into: &mut Follow<D>) {
    let id = submit.run;
    let Some(run) = book.runs.get(&id) else { return };
    let order = OrderRow {
        org,
        created_at_ms: run.created_at_ms,
        max_iterations: submit.max_iterations,
        webhook_url: submit.webhook_url,
        content: submit.content.clone(),
        tenant_context: submit.tenant_context.clone(),
    };
    into.put(views::order(id), &order);
    changed(org, book, id, into);
    queue::queued(org, book, id, into);
    account::balance(org, book, into);
    send(org, book, id, run.created_at_ms, EventType::RunCreated, into);
}

pub(super) fn leased<D: Decider>(org: OrgId, book: &Book, id: RunId, at: Timestamp, into: &mut Follow<D>) {
    let Some(run) = book.runs.get(&id) else { return };
    queue::left(org, book, id, run, into);
    if run.work.as_ref().is_some_and(|work| work.grants == 1) {
        changed(org, book, id, into);
        send(org, book, id, at, EventType::RunStarted, into);
    }
}

/// The run's status or its iterations changed.
pub(super) fn changed<D: Decider>(org: OrgId, book: &Book, id: RunId, into: &mut Follow<D>) {
    if let Some(run) = book.runs.get(&id) {
        put(org, id, run, &row(org, run), into);
    }
}

fn row(org: OrgId, run: &OpenRun) -> RunRow {
    RunRow {
        org,
        status: run.status(),
        created_at_ms: run.created_at_ms,
        started_at_ms: run.work.as_ref().map(|work| work.started_at_ms),
        ended_at_ms: None,
        iterations: run.iterations,
        cost_cents: run.cost_cents(run.iterations),
        error_code: None,
        result: None,
    }
}

fn put<D: Decider>(org: OrgId, id: RunId, run: &OpenRun, row: &RunRow, into: &mut Follow<D>) {
    into.put(views::run(id), row);
    let listed = RunListRow {
        status: row.status,
        iterations: row.iterations,
        created_at_ms: row.created_at_ms,
        ended_at_ms: row.ended_at_ms,
        tenant: run.tenant,
        tenant_user: run.tenant_user,
    };
    into.put(views::listed_run(org, row.created_at_ms, id), &listed);
}

pub(super) fn verifying<D: Decider>(
    org: OrgId,
    book: &Book,
    id: RunId,
    at: Timestamp,
    level: Level,
    into: &mut Follow<D>,
) {
    let report = VerificationReport { level, passed: None, failures: None };
    into.put(views::verification(id), &VerificationRow { at_ms: at, verification: report });
    send(org, book, id, at, EventType::VerificationStarted, into);
}

pub(super) fn verified<D: Decider>(
    org: OrgId,
    book: &Book,
    id: RunId,
    at: Timestamp,
    report: &VerificationReport,
    into: &mut Follow<D>,
) {
    into.put(views::verification(id), &VerificationRow { at_ms: at, verification: report.clone() });
    let passed = report.passed == Some(true);
    let kind = if passed { EventType::VerificationPassed } else { EventType::VerificationFailed };
    send(org, book, id, at, kind, into);
}

pub(super) fn ended<D: Decider>(org: OrgId, book: &Book, ended: &EndedRun, into: &mut Follow<D>) {
    let run = &ended.run;
    let row = RunRow {
        status: ended.status,
        ended_at_ms: Some(ended.at),
        iterations: ended.iterations,
        cost_cents: ended.charge.cents(),
        error_code: ended.error_code,
        result: ended.result.clone(),
        ..row(org, run)
    };
    put(org, ended.id, run, &row, into);
    if run.is_queued() {
        queue::left(org, book, ended.id, run, into);
    }
    account::balance(org, book, into);
    account::charge(org, ended, into);
    let kind = match ended.status {
        RunStatus::Succeeded => EventType::RunCompleted,
        RunStatus::Cancelled => EventType::RunCancelled,
        RunStatus::Failed | RunStatus::Pending | RunStatus::Running => EventType::RunFailed,
    };
    let cause = Cause { org, run: ended.id, kind, at: ended.at, count: 0 };
    messages::send(book, &cause, &row, run.webhook_url, into);
}

fn send<D: Decider>(org: OrgId, book: &Book, id: RunId, at: Timestamp, kind: EventType, into: &mut Follow<D>) {
    let Some(run) = book.runs.get(&id) else { return };
    let count = run.work.as_ref().map_or(0, |work| work.verifications);
    messages::send(book, &Cause { org, run: id, kind, at, count }, &row(org, run), run.webhook_url, into);
}
