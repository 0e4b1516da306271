//! Ids and commands, small enough to read.

use tidegate_agentgate::command::{
    AddCredit, AskLease, CancelRun, FinishRun, KeyUse, PutKey, PutOrganization, PutTemplate, PutWebhook,
    ReportProgress, SetSuspension, SubmitRun, VerificationReport,
};
use tidegate_agentgate::{
    Command, EventType, KeyId, KeyedHash, Level, OrgId, RunErrorCode, RunId, Scope, Sealed, TemplateId, TransactionId,
    WebhookId,
};

pub const ORG: OrgId = OrgId::from_bits(0x0190 << 100);
/// A client's key.
pub const KEY: KeyId = KeyId::from_bits(1);
/// A worker's key.
pub const WORKER_KEY: KeyId = KeyId::from_bits(2);
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub fn run_id(number: u32) -> RunId {
    RunId::from_bits(0x7000 + u128::from(number))
}

pub fn webhook_id(number: u32) -> WebhookId {
    WebhookId::from_bits(0x9000 + u128::from(number))
}

pub fn template_id(number: u32) -> TemplateId {
    TemplateId::parse(&format!("template-{number}")).expect("a slug")
}

pub fn sealed(content: &str) -> Sealed {
    Sealed::new(content)
}

pub fn new_organization(included_cents: u64, purchased_cents: u64) -> Command {
    Command::OrgPut(PutOrganization {
        new: true,
        name: Some(sealed("bmFtZQ==")),
        included_cents: Some(included_cents),
        purchased_cents: Some(purchased_cents),
        ..PutOrganization::default()
    })
}

pub fn change(change: PutOrganization) -> Command {
    Command::OrgPut(change)
}

pub fn put_key(key: KeyId, key_use: KeyUse) -> Command {
    let scopes = if key_use == KeyUse::Client { vec![Scope::All] } else { Vec::new() };
    Command::KeyPut(PutKey { key, key_use, hash: KeyedHash(key.bits() << 64), scopes: scopes.into() })
}

pub fn credit(number: u32, cents: u64) -> Command {
    Command::Credit(AddCredit { transaction: TransactionId::from_bits(number.into()), cents })
}

pub fn suspend(suspended: bool) -> Command {
    Command::Suspend(SetSuspension { suspended })
}

/// An order that holds so many iterations at 50 cents.
pub fn order(number: u32, max_iterations: u32) -> SubmitRun {
    SubmitRun {
        sent_with: KEY,
        run: run_id(number),
        hold_cents: 50 * u64::from(max_iterations),
        cents_per_iteration: 50,
        max_iterations,
        pending_limit_ms: DAY as u64,
        template: None,
        tenant: None,
        tenant_user: None,
        webhook_url: false,
        content: sealed("b3JkZXI="),
        tenant_context: None,
    }
}

pub fn submit(number: u32, max_iterations: u32) -> Command {
    Command::Submit(Box::new(order(number, max_iterations)))
}

pub fn cancel(number: u32) -> Command {
    Command::Cancel(CancelRun { sent_with: KEY, run: run_id(number) })
}

pub fn lease(worker: u32) -> Command {
    Command::Lease(AskLease {
        sent_with: WORKER_KEY,
        fleet: false,
        worker: KeyedHash(worker.into()),
        lease_ms: MINUTE as u64,
        max_grants: 3,
        run_limit_ms: (30 * MINUTE) as u64,
    })
}

pub fn progress(number: u32, token: u32, iterations: u32) -> Command {
    report(number, token, iterations, None)
}

pub fn verified(number: u32, token: u32, level: Level, passed: Option<bool>) -> Command {
    report(number, token, 0, Some(VerificationReport { level, passed, failures: None }))
}

fn report(number: u32, token: u32, iterations: u32, verification: Option<VerificationReport>) -> Command {
    let run = run_id(number);
    Command::Progress(ReportProgress { sent_with: WORKER_KEY, fleet: false, run, token, iterations, verification })
}

pub fn finish(number: u32, token: u32, iterations: u32, error_code: Option<RunErrorCode>) -> Command {
    let run = run_id(number);
    Command::Finish(FinishRun { sent_with: WORKER_KEY, fleet: false, run, token, error_code, iterations, result: None })
}

pub fn webhook(number: u32, version: u32, events: &[EventType]) -> Command {
    Command::WebhookPut(PutWebhook {
        sent_with: KEY,
        webhook: webhook_id(number),
        version,
        enabled: true,
        events: events.to_vec(),
        content: sealed("aG9vaw=="),
    })
}

pub fn template(number: u32, version: u32) -> Command {
    let content = sealed("dGVtcGxhdGU=");
    Command::TemplatePut(PutTemplate { sent_with: KEY, template: template_id(number), version, content })
}
