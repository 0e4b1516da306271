//! The bodies of the worker API.

use std::time::Duration;

use tidegate_agentgate::{Level, RunErrorCode};
use tidegate_kernel::FreeJson;

use super::fields::{Errors, Field, FieldErrors, Fields};
use super::json::Object;
use super::submission::MAX_FREE_BYTES;

const MAX_WORKER_CHARS: usize = 128;
/// Longer waits are cut to this.
const MAX_WAIT_S: u64 = 30;
const MAX_ITERATIONS: u64 = 1_000;
/// The codes of failed runs.
const RUN_ERRORS: [&str; 4] = [
    RunErrorCode::MaxIterationsReached.as_str(),
    RunErrorCode::VerificationFailed.as_str(),
    RunErrorCode::WorkspaceError.as_str(),
    RunErrorCode::ExecutionTimeout.as_str(),
];

/// A call for work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaseBody {
    pub worker: String,
    pub wait: Duration,
}

/// A sign of life of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgressBody {
    pub token: u32,
    pub iterations: u32,
    pub verification: Option<Verification>,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verification {
    pub level: Level,
    pub passed: bool,
    /// An array, as it was sent.
    pub failures: Option<FreeJson>,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FinishBody {
    pub token: u32,
    pub succeeded: bool,
    pub iterations: u32,
    pub pr_url: Option<String>,
    pub error: Option<RunErrorBody>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunErrorBody {
    pub code: RunErrorCode,
    pub message: Option<String>,
    pub details: Option<FreeJson>,
}

impl LeaseBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let worker = fields.required("worker").and_then(|field| field.text(1..=MAX_WORKER_CHARS));
        let wait = fields.optional("waitSeconds", |field| field.whole(0..=3_600));
        let read = || {
            let wait = wait?.unwrap_or(0).min(MAX_WAIT_S);
            Some(LeaseBody { worker: worker?, wait: Duration::from_secs(wait) })
        };
        let read = read();
        errors.or_else(read)
    }
}

impl ProgressBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let token = token(&fields);
        let iterations = iterations(&fields);
        let verification = fields.optional("verification", |field| verification(&field));
        let read = || Some(ProgressBody { token: token?, iterations: iterations?, verification: verification? });
        let read = read();
        errors.or_else(read)
    }
}

impl FinishBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let token = token(&fields);
        let status = fields.required("status").and_then(|field| field.word(&["succeeded", "failed"]));
        let error = fields.optional("error", |field| run_error(&field.object()?));
        let pr_url = fields.optional("prUrl", |field| field.text(1..=2_048));
        let iterations = iterations(&fields);
        let read = || {
            let succeeded = status? == "succeeded";
            let error = error?.or((!succeeded).then_some(RunErrorBody::UNKNOWN)).filter(|_| !succeeded);
            Some(FinishBody { token: token?, succeeded, iterations: iterations?, pr_url: pr_url?, error })
        };
        let read = read();
        errors.or_else(read)
    }
}

impl RunErrorBody {
    /// Of a run whose worker does not say why it failed.
    const UNKNOWN: RunErrorBody = RunErrorBody { code: RunErrorCode::VerificationFailed, message: None, details: None };
}

fn token(fields: &Fields<'_, '_>) -> Option<u32> {
    let token = fields.required("token")?.whole(0..=u64::from(u32::MAX))?;
    u32::try_from(token).ok()
}

/// Absent, none is done.
fn iterations(fields: &Fields<'_, '_>) -> Option<u32> {
    let iterations = fields.optional("iterations", |field| field.whole(0..=MAX_ITERATIONS))?;
    u32::try_from(iterations.unwrap_or(0)).ok()
}

fn verification(field: &Field<'_, '_>) -> Option<Verification> {
    let fields = field.object()?;
    let level = fields.required("level").and_then(|level| level.word(&["L0", "L1", "L2", "L3"]));
    let passed = fields.required("passed").and_then(|passed| passed.boolean());
    let failures = fields.optional("failures", |failures| {
        failures.items()?;
        failures.free(MAX_FREE_BYTES)
    });
    Some(Verification { level: Level::parse(level?)?, passed: passed?, failures: failures? })
}

fn run_error(fields: &Fields<'_, '_>) -> Option<RunErrorBody> {
    let code = fields.required("code").and_then(|code| code.word(&RUN_ERRORS).and_then(RunErrorCode::parse));
    let message = fields.optional("message", |message| message.text(0..=2_000));
    let details = fields.optional("details", |details| details.free_object(MAX_FREE_BYTES));
    Some(RunErrorBody { code: code?, message: message?, details: details? })
}
