//! The bodies of webhooks (AgentGate: webhooks).

use std::collections::BTreeMap;

use tidegate_agentgate::EventType;

use super::fields::{Errors, Field, FieldErrors, FieldFault, Fields};
use super::json::Object;
use super::url::webhook_url;

const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// The words of the event types.
const EVENTS: [&str; EventType::ALL.len()] = {
    let mut words = [""; EventType::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = EventType::ALL[at].as_str();
        at += 1;
    }
    words
};
const MAX_HEADERS: usize = 20;
const MAX_HEADER_CHARS: usize = 1_024;
/// Headers that the sender sets itself.
const OWN_HEADERS: [&str; 6] =
    ["host", "content-length", "content-type", "connection", "transfer-encoding", "user-agent"];

/// A new webhook, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookBody {
    pub url: String,
    pub events: Vec<EventType>,
    pub enabled: bool,
    pub description: Option<String>,
    pub headers: Option<BTreeMap<String, String>>,
}

/// What changes of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookChangeBody {
    pub url: Option<String>,
    pub events: Option<Vec<EventType>>,
    pub enabled: Option<bool>,
    pub description: Option<String>,
}

impl WebhookBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>, allow_http: bool) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let url = fields.required("url").and_then(|field| webhook_url(&field, allow_http));
        let events = fields.required("events").and_then(|field| events(&field));
        let enabled = fields.optional("enabled", |field| field.boolean());
        let description = fields.optional("description", |field| field.text(0..=MAX_DESCRIPTION_CHARS));
        let headers = fields.optional("headers", |field| headers(&field));
        let read = || {
            let enabled = enabled?.unwrap_or(true);
            Some(WebhookBody { url: url?, events: events?, enabled, description: description?, headers: headers? })
        };
        let read = read();
        errors.or_else(read)
    }
}

impl WebhookChangeBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>, allow_http: bool) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let url = fields.optional("url", |field| webhook_url(&field, allow_http));
        let events = fields.optional("events", |field| events(&field));
        let enabled = fields.optional("enabled", |field| field.boolean());
        let description = fields.optional("description", |field| field.text(0..=MAX_DESCRIPTION_CHARS));
        let read =
            || Some(WebhookChangeBody { url: url?, events: events?, enabled: enabled?, description: description? });
        let read = read();
        errors.or_else(read)
    }
}

/// At least one; one that is named twice counts once.
fn events(field: &Field<'_, '_>) -> Option<Vec<EventType>> {
    let mut events = field.each(64, |event| event.word(&EVENTS).and_then(EventType::parse))?;
    if events.is_empty() {
        return field.fault(FieldFault::Value, "must name at least one event");
    }
    let named: Vec<EventType> = std::mem::take(&mut events);
    for event in named {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Some(events)
}

fn headers(field: &Field<'_, '_>) -> Option<BTreeMap<String, String>> {
    // An object by the check; its members are read as texts.
    let names: BTreeMap<String, serde::de::IgnoredAny> =
        serde_json::from_str(field.free_object(16 << 10)?.as_str()).ok()?;
    if names.len() > MAX_HEADERS {
        return field.fault(FieldFault::Value, format!("must have at most {MAX_HEADERS} members"));
    }
    let members = field.object()?;
    let read: Vec<Option<(String, String)>> = names.into_keys().map(|name| header(&members, name)).collect();
    read.into_iter().collect()
}

fn header(members: &Fields<'_, '_>, name: String) -> Option<(String, String)> {
    let field = members.get(&name)?;
    let value = field.string()?;
    let own = OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(&name));
    if own || name.to_ascii_lowercase().starts_with("x-agentgate-") {
        return field.fault(FieldFault::Value, "is set by the sender");
    }
    let good = http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(&value).is_ok();
    if !good || value.len() > MAX_HEADER_CHARS {
        return field.fault(FieldFault::Value, "must be an HTTP header");
    }
    Some((name, value))
}
