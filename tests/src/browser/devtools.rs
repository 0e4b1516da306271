//! What Chromium's driver can do beyond the standard: commands of the developer tools, and the browser's logs.

use fantoccini::wd::WebDriverCompatibleCommand;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::Browser;

/// A command below the session's path.
#[derive(Debug)]
struct Beyond {
    path: &'static str,
    body: String,
}

impl WebDriverCompatibleCommand for Beyond {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.clone()))
    }
}

impl Browser {
    pub(super) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters}).to_string();
        let answered = self.client.issue_cmd(Beyond { path: "goog/cdp/execute", body }).await;
        answered.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The entries of a log since it was read before.
    pub(super) async fn log(&self, kind: &str) -> Vec<Value> {
        let body = json!({"type": kind}).to_string();
        let entries = self.client.issue_cmd(Beyond { path: "se/log", body }).await;
        serde_json::from_value(entries.unwrap_or_else(|error| panic!("{kind}: {error}"))).expect("a list")
    }
}
