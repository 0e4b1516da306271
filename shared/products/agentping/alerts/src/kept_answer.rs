//! What is kept of a receiver's answer: its beginning, without what is secret of the route. Some receivers answer with
//! what they got. Pure.

use tidegate_agentping_settings::{RouteTarget, SecretText};

use crate::mail::escaped;

/// Bytes of an answer that are kept.
pub const ANSWER_BYTES: usize = 1_024;
/// A shorter text stays: blanking it would blank letters of other words, and it hides nothing.
const SHORTEST_BYTES: usize = 4;
/// A segment of a URL's path that is shorter stays where it stands alone: it is a word such as `hook`.
const SHORTEST_SEGMENT_BYTES: usize = 8;
/// Stands where a secret was.
const BLANK: &str = "…";

/// The beginning of an answer as a text. A route's header values, URL and keys are blank in it, as they were sent and
/// as JSON or HTML writes them. `None`: it is empty.
pub fn kept_answer(target: &RouteTarget, body: &[u8]) -> Option<String> {
    let kept = without_secrets(target, body, ANSWER_BYTES);
    (!kept.is_empty()).then_some(kept)
}

/// An answer that is kept already, with the same blanks: former builds kept answers as they came.
pub fn shown_answer(target: &RouteTarget, kept: &str) -> String {
    without_secrets(target, kept.as_bytes(), kept.len())
}

/// The first `most` bytes, and the end of a secret that begins among them.
fn without_secrets(target: &RouteTarget, body: &[u8], most: usize) -> String {
    let secrets = written_secrets(target);
    let end = body.len().min(most);
    let mut kept = Vec::with_capacity(end);
    let mut at = 0;
    // A secret that begins among these bytes is found whole: the body goes on behind them.
    while at < end {
        match secrets.iter().find(|secret| body[at..].starts_with(secret.as_bytes())) {
            Some(secret) => {
                kept.extend_from_slice(BLANK.as_bytes());
                at += secret.len();
            }
            None => {
                kept.push(body[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// What is secret of a target in the forms in which an answer may have it, the longest first.
fn written_secrets(target: &RouteTarget) -> Vec<String> {
    let mut written = Vec::new();
    for secret in secrets_of(target) {
        let quoted = serde_json::Value::from(secret.as_str()).to_string();
        let json = quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        written.extend([json.replace('/', "\\/"), json, escaped(&secret), secret]);
    }
    written.retain(|secret| secret.len() >= SHORTEST_BYTES);
    written.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    written.dedup();
    written
}

fn secrets_of(target: &RouteTarget) -> Vec<String> {
    let mut secrets = Vec::new();
    match target {
        RouteTarget::Webhook(webhook) => {
            for (_, value) in &webhook.headers {
                let value = value.reveal();
                // `Bearer s3cret`: some answer with what follows the scheme.
                secrets.extend(value.split_once(' ').map(|(_, rest)| rest.trim().to_owned()));
                secrets.push(value.to_owned());
            }
            let previous = webhook.previous.as_ref().map(|previous| &previous.secret);
            secrets.extend([Some(&webhook.secret), previous].into_iter().flatten().flat_map(of_signing_secret));
        }
        RouteTarget::Pagerduty { routing_key, .. } => secrets.push(routing_key.reveal().to_owned()),
        RouteTarget::Slack { .. } | RouteTarget::Email(_) => {}
    }
    if let Some(url) = target.url() {
        of_url(url.reveal(), &mut secrets);
    }
    secrets
}

fn of_signing_secret(secret: &SecretText) -> [String; 2] {
    let text = secret.reveal();
    [text.to_owned(), text.strip_prefix("whsec_").unwrap_or(text).to_owned()]
}

/// A URL, and what is behind its origin, whole and in parts.
fn of_url(url: &str, secrets: &mut Vec<String>) {
    secrets.push(url.to_owned());
    let Some((_, rest)) = url.split_once("://") else { return };
    let behind = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    let behind = behind.split('#').next().unwrap_or_default();
    let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
    let mut parts = vec![behind, path, query];
    parts.extend(path.split('/').filter(|segment| segment.len() >= SHORTEST_SEGMENT_BYTES));
    parts.extend(query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value));
    secrets.extend(parts.iter().map(|part| decoded(part)));
    secrets.extend(parts.into_iter().map(str::to_owned));
}

/// Without percent-encoding, as far as it is one.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| bytes[at] == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_settings::WebhookTarget;
    use tidegate_agentping_settings::route::PreviousSecret;
    use tidegate_kernel::Timestamp;

    use super::*;

    fn webhook() -> RouteTarget {
        let previous =
            PreviousSecret { secret: SecretText::new("whsec_b2xkLXMzY3JldA=="), until: Timestamp::from_millis(1) };
        RouteTarget::Webhook(WebhookTarget {
            url: SecretText::new("https://ops.example/hook/s3cret-path?key=s3cret%2Bkey&x=1"),
            headers: vec![
                ("Authorization".to_owned(), SecretText::new("Bearer s3cret-token")),
                ("X-Own".to_owned(), SecretText::new("s3cret/\"value\"")),
                ("X-Short".to_owned(), SecretText::new("b")),
            ],
            secret: SecretText::new("whsec_bmV3LXMzY3JldA=="),
            previous: Some(previous),
        })
    }

    fn kept(target: &RouteTarget, body: &str) -> String {
        kept_answer(target, body.as_bytes()).unwrap_or_default()
    }

    /// AC-72.
    #[test]
    fn ac_72_no_form_of_a_secret_is_kept() {
        for (body, expected) in [
            ("ok", "ok"),
            ("", ""),
            ("Authorization: Bearer s3cret-token\r\nX-Short: b", "Authorization: …\r\nX-Short: b"),
            ("token=s3cret-token;", "token=…;"),
            (r#"{"x-own":"s3cret/\"value\""}"#, r#"{"x-own":"…"}"#),
            (r#"{"x-own":"s3cret\/\"value\""}"#, r#"{"x-own":"…"}"#),
            ("<td>s3cret/&quot;value&quot;</td>", "<td>…</td>"),
            ("POST /hook/s3cret-path?key=s3cret%2Bkey&x=1 HTTP/1.1", "POST … HTTP/1.1"),
            ("got https://ops.example/hook/s3cret-path?key=s3cret%2Bkey&x=1", "got …"),
            ("path /hook/s3cret-path", "path …"),
            (r#"{"segment":"s3cret-path","args":{"key":"s3cret+key"}}"#, r#"{"segment":"…","args":{"key":"…"}}"#),
            ("signed with bmV3LXMzY3JldA== or whsec_b2xkLXMzY3JldA==", "signed with … or …"),
            ("a hook of ops.example", "a hook of ops.example"),
        ] {
            assert_eq!(kept(&webhook(), body), expected);
        }
        let pager = RouteTarget::Pagerduty { routing_key: SecretText::new("R0123456789"), url: None };
        assert_eq!(kept(&pager, "no key R0123456789"), "no key …");
        let slack = RouteTarget::Slack { url: SecretText::new("https://hooks.slack.com/services/T0/B0/s3cret-x") };
        assert_eq!(kept(&slack, "/services/T0/B0/s3cret-x, s3cret-x"), "…, …");
    }

    /// AC-72: what a former build kept. What was kept without secrets stays as it is, however long it has become.
    #[test]
    fn ac_72_an_answer_of_a_former_build_is_shown_without_secrets() {
        assert_eq!(shown_answer(&webhook(), "Authorization: Bearer s3cret-token"), "Authorization: …");
        let kept = kept_answer(&webhook(), &[0xff; ANSWER_BYTES]).unwrap();
        assert_eq!(shown_answer(&webhook(), &kept), kept);
    }

    #[test]
    fn a_secret_across_the_end_of_what_is_kept_is_blank() {
        for before in [ANSWER_BYTES - 1, ANSWER_BYTES - 5] {
            let body = format!("{}s3cret-token and more", "x".repeat(before));
            assert_eq!(kept(&webhook(), &body), format!("{}…", "x".repeat(before)));
        }
        assert_eq!(kept(&webhook(), &"x".repeat(5_000)).len(), ANSWER_BYTES);
    }
}
