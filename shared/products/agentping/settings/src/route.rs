//! A route: where a team's messages go, and which of them it wants.
//!
//! The document holds what must be read to send: URLs, keys and signing secrets. Whoever assembles the store seals it.
//! In memory they are [`SecretText`]s, which print nothing.

use std::fmt;

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, RoutePolicy};
use tidegate_kernel::id::{Id, IdKind, PublicKind};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::digest::RouteDigest;

/// A route of messages.
#[derive(Debug)]
pub enum AlertRouteKind {}
impl IdKind for AlertRouteKind {
    const PREFIX: &'static str = "aroute";
}
impl PublicKind for AlertRouteKind {}
pub type RouteId = Id<AlertRouteKind>;

/// A text that is a secret: a URL, a key, a header's value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    pub fn new(text: impl Into<String>) -> Self {
        SecretText(text.into())
    }

    /// The text itself, for whoever sends with it or shows it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Nothing of it.
impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// What is set of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDoc {
    pub name: SmolStr,
    #[serde(flatten)]
    pub target: RouteTarget,
    pub enabled: bool,
    /// The kinds that it wants; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Vec<AlertKind>>,
    pub min_severity: AlertSeverity,
    /// Between two messages about slots of one open incident.
    pub min_interval_s: u32,
    /// Whether an incident that stays open is sent again once a day.
    pub reminders: bool,
    /// Of a mail route: the digest that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<RouteDigest>,
    #[serde(rename = "created_at_ms")]
    pub created_at: Timestamp,
    /// The sender has disabled it. Enabling it ends that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<RouteDisabled>,
    /// An apply of a configuration made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
}

/// Where a route's messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RouteTarget {
    Webhook(WebhookTarget),
    Slack { url: SecretText },
    Email(MailTarget),
    Pagerduty { routing_key: SecretText, url: Option<SecretText> },
}

/// A receiver of signed messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTarget {
    pub url: SecretText,
    /// Names, and values that are secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, SecretText)>,
    /// `whsec_` and base64.
    pub secret: SecretText,
    /// Signs as well, after a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousSecret>,
}

/// A secret that was rotated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub secret: SecretText,
    #[serde(rename = "until_ms")]
    pub until: Timestamp,
}

/// A mail address. Nothing is sent to it before it has confirmed, but for the mail that asks for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailTarget {
    pub to: String,
    /// What the links of confirmation and of unsubscription hold.
    pub token: SecretText,
    #[serde(rename = "confirmed_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
}

/// That nothing is sent any more, and why. The text is for people and has nothing that the receiver chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDisabled {
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    pub reason: String,
}

impl RouteTarget {
    pub const fn kind(&self) -> &'static str {
        match self {
            RouteTarget::Webhook(_) => "webhook",
            RouteTarget::Slack { .. } => "slack",
            RouteTarget::Email(_) => "email",
            RouteTarget::Pagerduty { .. } => "pagerduty",
        }
    }

    /// The URL that messages are posted to; `None`: mail, or PagerDuty's own.
    pub fn url(&self) -> Option<&SecretText> {
        match self {
            RouteTarget::Webhook(webhook) => Some(&webhook.url),
            RouteTarget::Slack { url } => Some(url),
            RouteTarget::Pagerduty { url, .. } => url.as_ref(),
            RouteTarget::Email(_) => None,
        }
    }

    /// What may be shown to whoever may change the route: the origin of a URL, a masked address, the end of a key.
    pub fn shown(&self) -> String {
        match self {
            RouteTarget::Webhook(WebhookTarget { url, .. }) | RouteTarget::Slack { url } => origin(url.reveal()),
            RouteTarget::Email(MailTarget { to, .. }) => match to.rsplit_once('@') {
                Some((local, host)) => format!("{}…@{host}", local.chars().next().unwrap_or('…')),
                None => "…".to_owned(),
            },
            RouteTarget::Pagerduty { routing_key, .. } => {
                let key = routing_key.reveal();
                let last = key.char_indices().rev().nth(3).map_or("", |(at, _)| &key[at..]);
                // Of a short key the end would be too much of it.
                if key.len() < 12 { "…".to_owned() } else { format!("…{last}") }
            }
        }
    }

    /// Whether it is a mail address that has not confirmed.
    pub const fn is_unconfirmed(&self) -> bool {
        matches!(self, RouteTarget::Email(MailTarget { confirmed_at: None, .. }))
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".to_owned() };
    let host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}/…")
}

impl RouteDoc {
    /// The sender's state of it lets messages through, and so do the people who set it.
    pub const fn is_serving(&self) -> bool {
        self.enabled && self.disabled.is_none() && !self.target.is_unconfirmed()
    }

    /// The same route, changed from `before`: what ended before it could be sent to is in no digest of it.
    #[must_use]
    pub fn serving_since(mut self, before: &RouteDoc, now: Timestamp) -> Self {
        if self.is_serving() && !before.is_serving() {
            self.digest = self.digest.map(|digest| digest.since(now));
        }
        self
    }

    /// Whether it asks for messages of this kind and severity.
    pub fn wants(&self, kind: AlertKind, severity: AlertSeverity) -> bool {
        self.alerts.as_ref().is_none_or(|kinds| kinds.contains(&kind)) && severity >= self.min_severity
    }

    /// As the rules take it.
    pub fn policy<'r>(&'r self, id: &'r SmolStr) -> RoutePolicy<'r> {
        RoutePolicy {
            route: id,
            kinds: self.alerts.as_deref(),
            min_severity: self.min_severity,
            min_interval_s: self.min_interval_s,
            reminders: self.reminders,
            holds_open: self.holds_open(),
        }
    }

    /// Whether its receiver keeps an incident open until it is resolved: PagerDuty does.
    pub const fn holds_open(&self) -> bool {
        matches!(self.target, RouteTarget::Pagerduty { .. })
    }

    /// For how long the secret before a rotation signs as well.
    pub const PREVIOUS_SECRET_MS: i64 = 24 * 3_600_000;
}

/// The token of a mail's links names its route, so that no other place must know it: `<team>.<route>.<random>`.
pub fn mail_token(team: TeamId, route: RouteId, random: &[u8]) -> SecretText {
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    SecretText(format!("{team}.{route}.{random}"))
}

/// The team and the route that a token of [`mail_token`] names; whether it is the route's token is another question.
pub fn named_by_mail_token(token: &str) -> Option<(TeamId, RouteId)> {
    let mut parts = token.split('.');
    let named = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().filter(|random| random.len() >= 32)?;
    parts.next().is_none().then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_no_secret() {
        let url = SecretText::new("https://user:pw@hooks.slack.com:8443/services/T0/B0/s3cret?token=s3cret");
        let slack = RouteTarget::Slack { url };
        let mail = |to: &str| {
            RouteTarget::Email(MailTarget { to: to.to_owned(), token: SecretText::new("t"), confirmed_at: None })
        };
        let pager = |key: &str| RouteTarget::Pagerduty { routing_key: SecretText::new(key), url: None };
        assert_eq!(slack.shown(), "https://hooks.slack.com:8443/…");
        assert_eq!(mail("anna@example.com").shown(), "a…@example.com");
        assert_eq!(pager("R0123456789ABCDEF").shown(), "…CDEF");
        assert_eq!(pager("short").shown(), "…");
        assert!(!format!("{slack:?}{:?}", pager("R0123456789ABCDEF")).contains("s3cret"));
    }

    #[test]
    fn a_token_of_mail_names_its_route() {
        let region = tidegate_kernel::Region::Eu;
        let (team, route) = (TeamId::from_bits(region, 7), RouteId::from_bits(region, 9));
        let token = mail_token(team, route, &[1; 20]);
        assert_eq!(named_by_mail_token(token.reveal()), Some((team, route)));
        for bad in ["", "a.b.c", &token.reveal()[..100], &format!("{}.x", token.reveal())] {
            assert_eq!(named_by_mail_token(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_document_reads_as_it_was_written() {
        let text = r#"{"name":"ops","kind":"webhook","url":"https://example.com/a","headers":[["X-A","b"]],"secret":"whsec_AA==","enabled":true,"alerts":["run_failed"],"min_severity":"warning","min_interval_s":3600,"reminders":true,"created_at_ms":1}"#;
        let route: RouteDoc = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&route).unwrap(), text);
        assert!(route.is_serving());
        assert!(route.wants(AlertKind::RunFailed, AlertSeverity::Error));
        assert!(!route.wants(AlertKind::RunFailed, AlertSeverity::Info));
        assert!(!route.wants(AlertKind::Quota, AlertSeverity::Error));
    }
}
