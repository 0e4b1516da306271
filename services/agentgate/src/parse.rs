//! Reads bodies and queries. Every error of a request is found, each with the field that it is about.

mod fields;
mod instant;
mod json;
mod lists;
mod submission;
mod template;
mod url;
mod webhook;
mod worker;

pub(crate) use fields::{FieldErrors, FieldFault};
pub(crate) use json::{BodyFault, JsonBody, json_object};
pub(crate) use lists::{Page, RunQuery, TemplateQuery, UsageQuery};
pub(crate) use submission::{Source, SubmissionBody};
pub(crate) use template::{TemplateBody, TemplateChangeBody};
pub(crate) use webhook::{WebhookBody, WebhookChangeBody};
pub(crate) use worker::{FinishBody, LeaseBody, ProgressBody, Verification};
