//! URLs that webhooks are sent to.

use url::Url;

use super::fields::{Field, FieldFault};

const MAX_CHARS: usize = 2_048;

/// An absolute `https` URL with a host; `http` too where the deployment allows it. No name is looked up.
pub(super) fn webhook_url(field: &Field<'_, '_>, allow_http: bool) -> Option<String> {
    let text = field.text(1..=MAX_CHARS)?;
    let Ok(url) = Url::parse(&text) else {
        return field.fault(FieldFault::Format, "must be an absolute URL");
    };
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return field.fault(FieldFault::Value, "must be an https URL"),
    }
    if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return field.fault(FieldFault::Value, "must have a host, and no user or password");
    }
    Some(text)
}
