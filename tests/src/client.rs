//! A thin HTTP client: one call, one answer, nothing hidden.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;

/// Makes calls over connections of its own.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
}

impl Default for Client {
    fn default() -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(60))
            .build()
            .expect("a plain client always builds");
        Client { http }
    }
}

impl Client {
    pub fn call(&self, method: &str, url: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("a test names a method");
        Call { http: self.http.clone(), method, url: url.to_owned(), headers: Vec::new(), body: None }
    }

    pub fn get(&self, url: &str) -> Call {
        self.call("GET", url)
    }

    pub fn post(&self, url: &str) -> Call {
        self.call("POST", url)
    }
}

/// A call being put together.
#[derive(Debug)]
pub struct Call {
    http: reqwest::Client,
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.header("Authorization", &format!("Bearer {credential}"))
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").bytes(body.to_string().into_bytes())
    }

    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// # Panics
    /// If no answer comes.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.url);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: no answer: {error}"))
    }

    /// # Errors
    /// What went wrong, if no whole answer came.
    pub async fn try_send(self) -> Result<Answer, String> {
        let what = format!("{} {}", self.method, self.url);
        let mut request = self.http.request(self.method, &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(|error| format!("{error:?}"))?.to_vec();
        Ok(Answer { what, status, headers, body })
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("header values are text"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// A top-level member as it stands in the text: numbers keep each digit.
    #[track_caller]
    pub fn raw(&self, member: &str) -> Option<String> {
        let members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON object ({error}): {self}"));
        members.get(member).map(|raw| raw.get().to_owned())
    }

    /// The names of the top-level members, sorted.
    #[track_caller]
    pub fn members(&self) -> Vec<String> {
        let Value::Object(members) = self.json() else { panic!("no JSON object: {self}") };
        let mut names: Vec<String> = members.keys().cloned().collect();
        names.sort();
        names
    }

    /// # Panics
    /// If the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// A refusal in the envelope `{error, message[, field]}` with this status, code and field (AgentPing: errors).
    ///
    /// # Panics
    /// If it is anything else.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, field: Option<&str>) -> Self {
        assert_eq!(self.status, status, "expected {status} {code} {field:?}, got {self}");
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind == "application/json" || kind.starts_with("application/json;"), "JSON errors say so: {self}");
        let body = self.json();
        assert_eq!(body["error"], code, "expected {code} {field:?}, got {self}");
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "a message for people: {self}");
        assert_eq!(body.get("field").and_then(Value::as_str), field, "expected field {field:?}, got {self}");
        // A refusal for overload also has cause and class.
        let more = ["cause", "class"].iter().filter(|member| status == 503 && body.get(**member).is_some()).count();
        let members = 2 + usize::from(field.is_some()) + more;
        assert_eq!(self.members().len(), members, "nothing beside the envelope: {self}");
        self
    }

    /// The message of a refusal.
    #[track_caller]
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no message: {self}")).to_owned()
    }

    /// `Retry-After` in whole seconds.
    #[track_caller]
    pub fn retry_after_s(&self) -> i64 {
        let value = self.header("retry-after").unwrap_or_else(|| panic!("no Retry-After: {self}"));
        assert!(value.bytes().all(|byte| byte.is_ascii_digit()), "whole seconds: {self}");
        value.parse().unwrap_or_else(|error| panic!("Retry-After '{value}': {error}"))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {} {:?} {}", self.what, self.status, self.headers, self.text())
    }
}

/// Percent-encodes a value for a query string or a path segment.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
