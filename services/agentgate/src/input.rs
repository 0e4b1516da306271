//! What an endpoint makes of a body or a query, without the rest of its request: for programs that try any input.

use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tidegate_door::query::Query;

use crate::content::{ResultContent, TemplateContent, WebhookContent};
use crate::endpoints::submit::order_content;
use crate::parse::{
    FieldErrors, FinishBody, JsonBody, LeaseBody, Page, ProgressBody, RunQuery, SubmissionBody, TemplateBody,
    TemplateChangeBody, TemplateQuery, UsageQuery, WebhookBody, WebhookChangeBody, json_object,
};
use crate::refusal::{Refusal, Why, WorkerFault, envelope};

/// A body or a query, by the endpoint that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Submission,
    Webhook,
    WebhookChange,
    Template,
    TemplateChange,
    Lease,
    Progress,
    Finish,
    RunQuery,
    UsageQuery,
    TemplateQuery,
    /// Of a list that has no filters.
    PageQuery,
}

/// How an input is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedInput {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// The body of the answer: JSON.
    pub envelope: String,
}

impl Input {
    pub const ALL: [Input; 12] = [
        Input::Submission,
        Input::Webhook,
        Input::WebhookChange,
        Input::Template,
        Input::TemplateChange,
        Input::Lease,
        Input::Progress,
        Input::Finish,
        Input::RunQuery,
        Input::UsageQuery,
        Input::TemplateQuery,
        Input::PageQuery,
    ];

    /// Reads what a client sent: a body's bytes, or a query as it stands in the target. Answers with the free content that
    /// is sealed of it, as JSON; `None`: nothing of it is.
    ///
    /// # Errors
    /// [`RefusedInput`].
    pub fn read(self, bytes: &[u8]) -> Result<Option<Vec<u8>>, RefusedInput> {
        let read = match self {
            Input::Submission => self.body(bytes, |body| {
                let submission = SubmissionBody::read(body.object, false)?;
                sealed(&order_content(&submission, None)?)
            }),
            Input::Webhook => self.body(bytes, |body| {
                let WebhookBody { url, description, headers, .. } = WebhookBody::read(body.object, false)?;
                sealed(&WebhookContent { url, description, headers })
            }),
            Input::WebhookChange => self.body(bytes, |body| nothing(WebhookChangeBody::read(body.object, false))),
            Input::Template => self.body(bytes, |body| {
                let TemplateBody { name, source, description, variables, hooks, tags, .. } =
                    TemplateBody::read(body.object)?;
                sealed(&TemplateContent { name, source, description, variables, hooks, tags })
            }),
            Input::TemplateChange => self.body(bytes, |body| nothing(TemplateChangeBody::read(body.object))),
            Input::Lease => self.body(bytes, |body| nothing(LeaseBody::read(body.object).map_err(of_worker))),
            Input::Progress => self.body(bytes, |body| {
                let report = ProgressBody::read(body.object).map_err(of_worker)?;
                let failures = report.verification.and_then(|verification| verification.failures);
                failures.map_or(Ok(None), |failures| sealed(&failures))
            }),
            Input::Finish => self.body(bytes, |body| {
                let FinishBody { pr_url, error, .. } = FinishBody::read(body.object).map_err(of_worker)?;
                let (message, details) = error.map_or((None, None), |error| (error.message, error.details));
                sealed(&ResultContent { pr_url, message, details })
            }),
            Input::RunQuery => query(bytes, RunQuery::read),
            Input::UsageQuery => query(bytes, UsageQuery::read),
            Input::TemplateQuery => query(bytes, TemplateQuery::read),
            Input::PageQuery => query(bytes, Page::read),
        };
        read.map_err(RefusedInput::of)
    }

    fn body(self, bytes: &[u8], read: impl FnOnce(JsonBody<'_>) -> Sealable) -> Sealable {
        let is_workers = matches!(self, Input::Lease | Input::Progress | Input::Finish);
        read(json_object(bytes).map_err(|fault| match is_workers {
            true => Why::WorkerBody(WorkerFault::Json(fault)),
            false => Why::Json(fault),
        })?)
    }
}

/// What is sealed, as JSON.
type Sealable = Result<Option<Vec<u8>>, Refusal>;

fn sealed(content: &impl Serialize) -> Sealable {
    serde_json::to_vec(content).map(Some).map_err(|error| Why::Defect { cause: error.to_string() }.into())
}

fn nothing<T, E: Into<Refusal>>(read: Result<T, E>) -> Sealable {
    read.map(|_| None).map_err(Into::into)
}

fn of_worker(errors: FieldErrors) -> Refusal {
    Why::WorkerBody(WorkerFault::Fields(errors)).into()
}

/// A target is ASCII: what is none never comes here.
fn query<T>(bytes: &[u8], read: fn(&Query<'_>) -> Result<T, FieldErrors>) -> Sealable {
    nothing(read(&Query::read(std::str::from_utf8(bytes).ok())))
}

impl RefusedInput {
    fn of(refusal: Refusal) -> Self {
        let entry = refusal.why.entry();
        let envelope = envelope(&refusal, &entry, &HeaderValue::from_static("req_0"));
        RefusedInput { status: entry.status, code: entry.code, message: entry.message.into_owned(), envelope }
    }
}
