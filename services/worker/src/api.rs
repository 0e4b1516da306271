//! The worker API of the server, as this worker calls it.

mod connection;
mod wire;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::Serialize;
use serde_json::value::RawValue;

use self::connection::Connection;
pub use self::wire::{Finish, Progress, RunError};
use crate::log::LogSink;
use crate::options::{WorkerError, WorkerOptions};

/// How long the server may hold a request for a lease while no run waits.
const LEASE_WAIT_S: u64 = 20;
/// How long the server may take to answer, beyond the wait that it was asked for. It gives up itself after 10 s.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const IDLE_CONNECTION: Duration = Duration::from_secs(4);
/// The longest answer that is read. A work order is at most 1 MiB.
const MOST_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// The longest run id and work order id.
const MOST_ID_BYTES: usize = 256;
/// The length of a lease whose end the server does not report.
const USUAL_LEASE: Duration = Duration::from_secs(60);

/// A run that is this worker's for a while.
#[derive(Debug)]
pub struct Lease {
    pub run: String,
    /// Which grant of the run this is; proves that the lease is still ours.
    pub token: u64,
    /// How long the lease lasts from its grant, and from each renewal.
    pub length: Duration,
    pub work_order_id: Option<String>,
    /// The work order's JSON, as the server sent it.
    pub work_order: Box<RawValue>,
}

/// What a renewal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The client has cancelled the run.
    pub is_cancelled: bool,
    /// How long the lease lasts now, if the server reports it.
    pub length: Option<Duration>,
}

/// A call that had no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The server is down, busy or broken. The same call may succeed later.
    Away { why: String, retry_after: Option<Duration> },
    /// The server does not know the worker key, or does not know it any more.
    KeyRefused(String),
    /// The lease is no longer ours, or there is no such run.
    Lost(String),
    /// The server does not take this request, and never will.
    Refused(String),
}

/// A client of the worker API.
#[derive(Debug)]
pub struct Api {
    client: Client,
    base: Url,
    connection: Connection,
}

impl Api {
    /// # Errors
    /// The URL or the key cannot be used.
    pub fn new(options: &WorkerOptions, log: LogSink) -> Result<Self, WorkerError> {
        let base = base(&options.url)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", options.key)).map_err(|_| WorkerError::Key)?;
        if options.key.trim().is_empty() {
            return Err(WorkerError::Key);
        }
        bearer.set_sensitive(true);
        let client = Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .connect_timeout(CONNECT_DEADLINE)
            // A connection that idles for long may be closed by the server just as a request is sent on it.
            .pool_idle_timeout(IDLE_CONNECTION)
            // The key goes to the server that was named, and to no other.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| WorkerError::NoClient(error.to_string()))?;
        let connection = Connection::new(options.url.clone(), log);
        Ok(Api { client, base, connection })
    }

    /// Waits for a run, up to [`LEASE_WAIT_S`]. `None`: no run waits.
    pub async fn lease(&self, worker: &str) -> Result<Option<Lease>, CallFailure> {
        let body = wire::LeaseRequest { worker, wait_seconds: LEASE_WAIT_S };
        let deadline = Duration::from_secs(LEASE_WAIT_S) + ANSWER_DEADLINE;
        let answer = self.call(&["leases"], &body, deadline).await.inspect_err(|failure| {
            if let CallFailure::KeyRefused(why) = failure {
                self.connection.key_refused(why);
            }
        })?;
        self.connection.answered();
        let lease = wire::lease(&answer.body, answer.date.as_deref());
        self.read(lease.map_err(|why| format!("a lease that is not understood: {why}")))
    }

    /// Reports progress and renews the lease.
    pub async fn progress(&self, run: &str, body: &Progress<'_>) -> Result<Renewal, CallFailure> {
        let answer = self.call(&["runs", run, "progress"], body, ANSWER_DEADLINE).await?;
        self.connection.answered();
        let renewal = wire::renewal(&answer.body, answer.date.as_deref());
        self.read(renewal.map_err(|why| format!("an answer to progress that is not understood: {why}")))
    }

    /// Reports the end of a run. The same report again succeeds again.
    pub async fn finish(&self, run: &str, body: &Finish) -> Result<(), CallFailure> {
        self.call(&["runs", run, "finish"], body, ANSWER_DEADLINE).await?;
        self.connection.answered();
        Ok(())
    }

    async fn call(&self, path: &[&str], body: &impl Serialize, deadline: Duration) -> Result<Answer, CallFailure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["worker", "v1"]).extend(path);
        }
        let sent = async {
            let response = self.client.post(url).json(body).send().await.map_err(|error| whole(&error))?;
            Answer::read(response).await
        };
        let answer = match tokio::time::timeout(deadline, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => return Err(self.connection.lost(why, None)),
            Err(_) => return Err(self.connection.lost(format!("no answer in {} s", deadline.as_secs()), None)),
        };
        match answer.status {
            status if status.is_success() => Ok(answer),
            // It may be the organization of one run that is suspended: this says nothing of the connection.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(CallFailure::KeyRefused(answer.why())),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(self.connection.lost(answer.why(), answer.retry_after))
            }
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => {
                self.connection.answered();
                Err(CallFailure::Lost(answer.why()))
            }
            _ => {
                self.connection.answered();
                Err(CallFailure::Refused(answer.why()))
            }
        }
    }

    /// What was read of a successful answer. One that cannot be read may be a proxy's: the call is tried again.
    fn read<T>(&self, read: Result<T, String>) -> Result<T, CallFailure> {
        read.map_err(|why| self.connection.lost(why, None))
    }
}

/// The server's URL.
fn base(url: &str) -> Result<Url, WorkerError> {
    let wrong = |why: &str| WorkerError::Url { url: url.to_owned(), why: why.to_owned() };
    let base = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
    match base.scheme() {
        "http" if base.has_host() => Ok(base),
        "https" => Err(wrong("this build speaks http only; let a proxy near the worker speak TLS")),
        _ => Err(wrong("it must begin with http://")),
    }
}

struct Answer {
    status: StatusCode,
    date: Option<String>,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, String> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let mut answer = Answer { status: response.status(), date: header(DATE), retry_after, body: Vec::new() };
        while let Some(chunk) = response.chunk().await.map_err(|error| whole(&error))? {
            if answer.body.len() + chunk.len() > MOST_ANSWER_BYTES {
                return Err(format!("an answer of more than {MOST_ANSWER_BYTES} bytes"));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// The refusal's status, code and message.
    fn why(&self) -> String {
        match serde_json::from_slice::<wire::Problem>(&self.body) {
            Ok(problem) => format!("{} {}: {}", self.status.as_u16(), problem.error.code, problem.error.message),
            Err(_) => self.status.to_string(),
        }
    }
}

/// An error with its causes, without the URL.
fn whole(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}

#[cfg(test)]
mod tests;
