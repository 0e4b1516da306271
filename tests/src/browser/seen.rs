//! What a browser has seen of its pages: its console, its dialogs, and where requests went.

use serde_json::Value;

use super::Browser;

impl Browser {
    /// A line of the console that has this in it is part of the test.
    pub fn expects(&self, part: &str) {
        self.expected.lock().unwrap().push(part.to_owned());
    }

    /// Fails if a page has raised an error or a dialog, or something was requested of another host.
    pub(super) async fn has_seen_nothing_wrong(&self) {
        let expected = self.expected.lock().unwrap().clone();
        let console = self.log("browser").await;
        let text = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
        let is_wrong = |line: &&Value| line["level"] == "SEVERE" || text(line).contains("Content Security Policy");
        let is_expected = |line: &&Value| expected.iter().any(|part| text(line).contains(part));
        let wrong: Vec<_> = console.iter().filter(is_wrong).filter(|line| !is_expected(line)).collect();
        assert!(wrong.is_empty(), "the console has errors: {wrong:#?}");
        let events = self.log("performance").await;
        assert!(!events.is_empty(), "requests are logged");
        for event in events {
            let event: Value = serde_json::from_str(&text(&event)).expect("an event is JSON");
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            assert_ne!(method, "Page.javascriptDialogOpening", "a page opened a dialog: {params}");
            if method == "Network.requestWillBeSent" {
                let url = params["request"]["url"].as_str().expect("a request has a URL");
                let ours = ["http://127.0.0.1:", "data:", "blob:"];
                assert!(ours.iter().any(|start| url.starts_with(start)), "a page asked {url}");
            }
        }
    }
}
