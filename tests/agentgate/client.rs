//! A thin client.

use std::fmt;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

/// Calls one front door with one key.
#[derive(Clone)]
pub struct Client {
    url: String,
    key: Option<String>,
    http: reqwest::Client,
}

/// What came back.
pub struct Answer {
    what: String,
    pub status: StatusCode,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Client {
    pub fn new(url: &str, key: &str) -> Self {
        Client { url: url.to_owned(), key: Some(key.to_owned()), http: reqwest::Client::new() }
    }

    pub fn without_key(url: &str) -> Self {
        Client { key: None, ..Client::new(url, "") }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body.to_string().into_bytes())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[], Some(body.to_string().into_bytes())).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, &[], Some(body.to_string().into_bytes())).await
    }

    /// Submits a work order.
    pub async fn submit(&self, body: &Value) -> Answer {
        self.post("/v1/work-orders", body).await
    }

    /// Submits the usual work order: the run's id.
    pub async fn run(&self) -> String {
        let answer = self.submit(&git_order()).await.expect(201);
        answer.json()["runId"].as_str().unwrap().to_owned()
    }

    /// Any request. A body is sent as JSON unless the headers say otherwise.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    /// The same, where there may be no answer.
    ///
    /// # Errors
    /// No whole answer came.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.unwrap_or_default()).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { what, status, headers, text: response.text().await? })
    }
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self}");
        self
    }

    /// A refusal with this status and code: its details.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let answer = self.expect(status);
        let body = answer.json();
        assert_eq!(body["error"]["code"], code, "{answer}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer}");
        assert_eq!(body.as_object().unwrap().len(), 1, "{answer}");
        body["error"]["details"].clone()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn number(&self, name: &str) -> i64 {
        let value = self.header(name).unwrap_or_else(|| panic!("no {name}: {self}"));
        value.parse().unwrap_or_else(|error| panic!("{name}: {error}: {self}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {:?} {}", self.what, self.status, self.headers, self.text)
    }
}

/// The smallest work order.
pub fn git_order() -> Value {
    json!({
        "taskPrompt": "Add a health check.",
        "workspaceSource": { "type": "git", "repository": "https://github.com/example/app" },
    })
}

/// Waits for a level: tries until `reached` says so, for a minute and a half at most.
pub async fn eventually(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    let mut tries = tokio::time::interval(Duration::from_millis(50));
    // What was missed while the machine held this process up is not made good at once.
    tries.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tries.tick().await;
        if reached().await {
            return;
        }
        assert!(Instant::now() < deadline, "{what} was not reached");
    }
}
