//! Requests to the deployment, tried again where it asks for that.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use tidegate_outbound::{Message, Networks, Outbound, PortRule, ReceiverAnswer, SendLimits, TargetPolicy, Trust};
use tokio::time::sleep;

use crate::{Body, DemoOptions};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(30);
const ANSWER_BYTES: usize = 1 << 20;
/// Tries of a request that is answered with 429 or 503, or not at all.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);
/// Characters of a refusal that are shown.
const SHOWN_CHARS: usize = 300;

/// Why the week could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemoError {
    #[error("{url} cannot be sent to: {why}")]
    Url { url: String, why: String },
    #[error("no client can be made: {0}")]
    Client(String),
    #[error("{url} does not answer: {why}")]
    NoAnswer { url: String, why: String },
    #[error("{url} answered {status}: {why}")]
    Refused { url: String, status: u16, why: String },
}

/// A client of both ports.
pub(crate) struct Calls {
    client: Outbound,
    ingest: String,
    control: String,
    key: String,
}

impl Calls {
    pub fn new(options: &DemoOptions) -> Result<Self, DemoError> {
        Calls::of(&options.ingest_url, &options.control_url, &options.key)
    }

    /// A client of one port.
    pub fn to(url: &str, key: &str) -> Result<Self, DemoError> {
        Calls::of(url, url, key)
    }

    fn of(ingest_url: &str, control_url: &str, key: &str) -> Result<Self, DemoError> {
        // The URLs are the user's own, and addresses of this machine.
        let networks = Networks::parse(["0.0.0.0/0", "::/0"]).unwrap_or_default();
        let policy = TargetPolicy { allow_http: true, networks, ports: PortRule::Any };
        let limits = SendLimits { whole: WHOLE, connect: CONNECT, body_bytes: ANSWER_BYTES };
        let client = Outbound::new(policy, limits, Trust::public());
        let client = client.map_err(|error| DemoError::Client(error.to_string()))?;
        for url in [ingest_url, control_url] {
            client.target(url).map_err(|rule| DemoError::Url { url: url.to_owned(), why: rule.to_string() })?;
        }
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Calls { client, ingest: base(ingest_url), control: base(control_url), key: key.to_owned() })
    }

    /// Reports something. `true`: it had been reported before.
    pub async fn report(&self, path: &str, body: &Body) -> Result<bool, DemoError> {
        let answer = self.ask(&Method::POST, &format!("{}{path}", self.ingest), Some(body), None).await?;
        Ok(answer.status == 200)
    }

    /// Asks the management API.
    pub async fn manage(&self, method: &Method, path: &str, body: Option<&Body>) -> Result<Value, DemoError> {
        let answer = self.ask(method, &format!("{}{path}", self.control), body, None).await?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Submits a work order under an idempotency key.
    pub async fn order(&self, body: &Body, idempotency_key: &str) -> Result<Value, DemoError> {
        let url = format!("{}/v1/work-orders", self.control);
        let answer = self.ask(&Method::POST, &url, Some(body), Some(idempotency_key)).await?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    async fn ask(
        &self,
        method: &Method,
        url: &str,
        body: Option<&Body>,
        idempotency_key: Option<&str>,
    ) -> Result<ReceiverAnswer, DemoError> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &format!("Bearer {}", self.key)),
            header("content-type", "application/json"),
            header("user-agent", "tidegate-demo"),
        ];
        headers.extend(idempotency_key.map(|key| header("idempotency-key", key)));
        let body = body.map_or_else(String::new, ToString::to_string);
        let message = Message { url: url.to_owned(), headers, body: body.into() };
        let mut tries = 0;
        loop {
            tries += 1;
            let (why, pause) = match self.client.ask(method, &message).await {
                Ok(answer) if answer.is_success() => return Ok(answer),
                Ok(answer) if !matches!(answer.status, 429 | 503) || tries == TRIES => {
                    return Err(DemoError::Refused {
                        url: url.to_owned(),
                        status: answer.status,
                        why: reason(&answer),
                    });
                }
                Ok(answer) => (String::new(), answer.retry_after.unwrap_or(PAUSE)),
                Err(error) => (error.to_string(), PAUSE),
            };
            if tries == TRIES {
                return Err(DemoError::NoAnswer { url: url.to_owned(), why });
            }
            sleep(pause.min(WHOLE)).await;
        }
    }
}

fn reason(answer: &ReceiverAnswer) -> String {
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    String::from_utf8_lossy(&answer.body).chars().take(SHOWN_CHARS).map(plain).collect()
}
