//! A delivery as a request of HTTP, made anew for each try.

use std::fmt;

use tidegate_agentping_settings::{RouteDoc, RouteTarget};
use tidegate_kernel::Timestamp;

use crate::body::MessageBody;
use crate::pagerduty::{ENQUEUE_URL, pagerduty_body};
use crate::signature::{signatures, unix_seconds};
use crate::slack::slack_body;

/// A `POST`.
#[derive(Clone, PartialEq, Eq)]
pub struct AlertRequest {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Without anything that may be a secret.
impl fmt::Debug for AlertRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertRequest").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// The request of a delivery with this id and stored body, at `now`. `None`: the route is of mail, or the body cannot be
/// read.
pub fn alert_request(
    route: &RouteDoc,
    id: &str,
    body: &str,
    agent_header: &str,
    now: Timestamp,
) -> Option<AlertRequest> {
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), agent_header.to_owned()),
    ];
    let parsed = || serde_json::from_str::<MessageBody>(body).ok();
    let (url, body) = match &route.target {
        RouteTarget::Webhook(webhook) => {
            // Before ours: a header of the owner replaces none of them.
            headers.splice(0..0, webhook.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
            headers.push(("webhook-id".to_owned(), id.to_owned()));
            headers.push(("webhook-timestamp".to_owned(), unix_seconds(now).to_string()));
            headers.push(("webhook-signature".to_owned(), signatures(webhook, id, now, body)));
            (webhook.url.expose().to_owned(), body.to_owned())
        }
        RouteTarget::Slack { url } => (url.expose().to_owned(), slack_body(&parsed()?)),
        RouteTarget::Pagerduty { routing_key, url } => {
            let url = url.as_ref().map_or(ENQUEUE_URL, |url| url.expose());
            (url.to_owned(), pagerduty_body(&parsed()?, id, routing_key.expose()))
        }
        RouteTarget::Email(_) => return None,
    };
    Some(AlertRequest { url, headers, body })
}
