//! The front door, as it is called from here.

use std::fmt;
use std::time::Duration;

use tidegate_agentping::Credential;
use tidegate_outbound::{Message, Networks, Outbound, PortRule, SendLimits, TargetPolicy, Trust};

use crate::report::Report;

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 16 * 1024;
/// Characters of a refusal that are shown.
const SHOWN_CHARS: usize = 300;

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Taken,
    /// The same report may be taken later: why not now, and when at the earliest.
    Later {
        why: String,
        after: Option<Duration>,
    },
    /// It is never taken as it is.
    Refused(String),
}

/// Why nothing can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("there is no credential: give --token or set AGENTPING_API_KEY")]
    NoToken,
    #[error("{0}: give a ping token of the agent or an API key of its team")]
    Token(String),
    #[error("{url:?} cannot be sent to: {why}; give --url http://HOST:PORT")]
    Url { url: String, why: String },
    #[error("no client can be made: {0}")]
    Client(String),
}

/// A client of one front door.
pub struct Server {
    client: Outbound,
    /// Of `POST /v1/heartbeats`.
    url: String,
    token: String,
    credential: Credential,
}

impl Server {
    /// # Errors
    /// The URL or the token cannot be used.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, Unusable> {
        let token = token.map(str::trim).filter(|token| !token.is_empty()).ok_or(Unusable::NoToken)?;
        let credential = Credential::parse(token).map_err(|error| Unusable::Token(error.to_string()))?;
        // The URL is the user's own, and often an address of this machine.
        let networks = Networks::parse(["0.0.0.0/0", "::/0"]).unwrap_or_default();
        let policy = TargetPolicy { allow_http: true, networks, ports: PortRule::Any };
        let limits = SendLimits { whole: WHOLE, connect: CONNECT, body_bytes: ANSWER_BYTES };
        let client = Outbound::new(policy, limits, Trust::public());
        let client = client.map_err(|error| Unusable::Client(error.to_string()))?;
        let wrong = |why: String| Unusable::Url { url: url.to_owned(), why };
        client.target(url).map_err(|rule| wrong(rule.to_string()))?;
        let base = url.trim_end_matches('/');
        if base.contains(['?', '#']) {
            return Err(wrong("it has a query".to_owned()));
        }
        Ok(Server { client, url: format!("{base}/v1/heartbeats"), token: token.to_owned(), credential })
    }

    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a report once.
    pub async fn send(&self, report: &Report) -> Sent {
        let body = match serde_json::to_vec(report) {
            Ok(body) => body,
            Err(error) => return Sent::Refused(error.to_string()),
        };
        let headers = [
            ("authorization", format!("Bearer {}", self.token)),
            ("content-type", "application/json".to_owned()),
            ("user-agent", concat!("tidegate-exec/", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let message = Message { url: self.url.clone(), headers, body: body.into() };
        match self.client.send(&message).await {
            Ok(answer) if answer.is_success() => Sent::Taken,
            Ok(answer) => refusal(answer.status, &answer.body, answer.retry_after),
            Err(error) => Sent::Later { why: error.to_string(), after: None },
        }
    }
}

/// 400, 409, 413 and 422 are about the report. The others are about the server, the way to it, or the credential.
fn refusal(status: u16, body: &[u8], after: Option<Duration>) -> Sent {
    let why = match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => format!("{status} {}: {}", problem.error, problem.message),
        Err(_) => format!("status {status}"),
    };
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    let why = why.chars().take(SHOWN_CHARS).map(plain).collect();
    match status {
        400 | 409 | 413 | 422 => Sent::Refused(why),
        _ => Sent::Later { why, after },
    }
}

#[derive(serde::Deserialize)]
struct Problem {
    error: String,
    message: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "ping_eu_0123456789abcdef0123456789abcdef";

    #[test]
    fn what_cannot_be_used_is_named_without_the_secret() {
        let error = |url: &str, token: Option<&str>| Server::new(url, token).unwrap_err().to_string();
        assert!(error("http://a", None).contains("--token"));
        assert!(error("http://a", Some("  ")).contains("--token"));
        let wrong = error("http://a", Some("ping_eu_secret"));
        assert!(wrong.contains("ping token") && !wrong.contains("secret"), "{wrong}");
        for url in ["", "a", "ftp://a", "http://u:p@a", "http://a/?b", "http://a/#b", "http://:8080"] {
            assert!(error(url, Some(TOKEN)).contains("--url"), "{url}");
        }
    }

    #[test]
    fn a_base_url_has_slashes_or_none() {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080///"] {
            let server = Server::new(url, Some(TOKEN)).unwrap();
            assert_eq!(server.url, "http://127.0.0.1:8080/v1/heartbeats");
            assert!(!format!("{server:?}").contains("0123456789"));
        }
    }

    #[test]
    fn only_what_is_about_the_report_is_final() {
        let body = br#"{"error":"invalid_field","message":"a\nb"}"#;
        assert_eq!(refusal(400, body, None), Sent::Refused("400 invalid_field: a b".to_owned()));
        for status in [301, 401, 403, 404, 408, 429, 500, 503] {
            assert!(matches!(refusal(status, b"<html>", None), Sent::Later { .. }), "{status}");
        }
    }
}
