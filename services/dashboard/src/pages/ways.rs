//! The ways to report for an agent, each complete as it is: commands, a line of a crontab, lines of code.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::parts::code::{code, quoted};
use crate::parts::value::Members;
use crate::url::encoded;
use crate::visit::Visit;

/// Who reports, and as whom.
pub(crate) struct Reporter<'r> {
    agent: &'r str,
    token: &'r str,
    /// The calls that the API wrote for a new token; null for a token that is not known.
    calls: &'r Value,
}

impl<'r> Reporter<'r> {
    /// With a token that is known, or what stands for one.
    pub fn of(agent: &'r str, token: &'r str) -> Self {
        Reporter { agent, token, calls: &Value::Null }
    }

    /// With a token as the API has made it.
    pub fn with_new(agent: &'r str, made: &'r Value) -> Self {
        Reporter { agent, token: made.text("token"), calls: made }
    }

    fn call(&self, name: &str, otherwise: impl FnOnce() -> String) -> String {
        match self.calls.text(name) {
            "" => otherwise(),
            call => call.to_owned(),
        }
    }

    fn ping(&self, base: &str) -> String {
        let Reporter { agent, token, .. } = self;
        self.call("curl", || format!("curl -fsS '{base}/v1/ping?key={token}&agent={}'", encoded(agent)))
    }

    fn header(&self, base: &str) -> String {
        let Reporter { agent, token, .. } = self;
        let body = quoted(&json!({ "agent": agent, "status": "ok" }).to_string());
        self.call("curl_header", || {
            format!(
                "curl -fsS -X POST {base}/v1/heartbeats \\\n  -H 'Authorization: Bearer {token}' \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
            )
        })
    }

    fn cron(&self, base: &str) -> String {
        // A percent sign ends a command in a crontab.
        self.call("cron", || format!("0 2 * * * /path/to/job && {}", self.ping(base).replace('%', "\\%")))
    }

    fn exec(&self, base: &str) -> String {
        let Reporter { agent, token, .. } = self;
        let agent = quoted(agent);
        format!(
            "AGENTPING_BASE_URL={base} AGENTPING_API_KEY={token} \\\n  tidegate exec --agent {agent} --tail -- /path/to/job"
        )
    }

    fn python(&self, base: &str) -> String {
        let Reporter { agent, token, .. } = self;
        // JSON of texts and numbers is Python, too.
        let body = json!({ "agent": agent, "status": "ok", "output": { "rows": 41 } });
        format!(
            "import json, urllib.request\n\nbody = {body}\nrequest = urllib.request.Request(\n    \"{base}/v1/heartbeats\", json.dumps(body).encode(),\n                 {{\"Authorization\": \"Bearer {token}\", \"Content-Type\": \"application/json\"}})\nurllib.request.urlopen(request, timeout=10)"
        )
    }

    fn javascript(&self, base: &str) -> String {
        let Reporter { agent, token, .. } = self;
        let body = json!({ "agent": agent, "status": "ok", "output": { "rows": 41 } });
        format!(
            "await fetch(\"{base}/v1/heartbeats\", {{\n  method: \"POST\",\n  headers: {{ \"Authorization\": \"Bearer {token}\",              \"Content-Type\": \"application/json\" }},\n  body: JSON.stringify({body}),\n}});"
        )
    }
}

/// All of them.
pub(crate) fn ways(visit: &Visit, reporter: &Reporter<'_>) -> Markup {
    let base = visit.pages.ingest_url.as_str();
    // The names that AgentPing's SDKs read.
    let sdk = format!("export AGENTPING_BASE_URL={base}\nexport AGENTPING_API_KEY=API_KEY");
    html! {
        (code("A ping, from anywhere", &reporter.ping(base)))
        (code("The same with the token in a header", &reporter.header(base)))
        (code("After a job, as a line of a crontab", &reporter.cron(base)))
        (code("Around a job: its start, its end, its exit code and its last output", &reporter.exec(base)))
        (code("From Python, without a library", &reporter.python(base)))
        (code("From JavaScript", &reporter.javascript(base)))
        (code("AgentPing's SDKs report whole runs with their model calls; they read where to and as whom", &sdk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_for_the_agent_and_its_token() {
        let reporter = Reporter::of("it's/50%", "ping_eu_1");
        let base = "http://ingest:8080";
        for (text, parts) in [
            (reporter.ping(base), vec!["http://ingest:8080/v1/ping?key=ping_eu_1&agent=it%27s%2F50%25"]),
            (reporter.header(base), vec![r#"{"agent":"it'\''s/50%","status":"ok"}"#, "Bearer ping_eu_1"]),
            (reporter.cron(base), vec!["0 2 * * * /path/to/job && curl", r"agent=it\%27s\%2F50\%25"]),
            (
                reporter.exec(base),
                vec![r"tidegate exec --agent 'it'\''s/50%' --tail -- ", "AGENTPING_API_KEY=ping_eu_1 "],
            ),
            (reporter.python(base), vec![r#""agent":"it's/50%""#, r#""Bearer ping_eu_1""#]),
            (reporter.javascript(base), vec![r#""agent":"it's/50%""#, r#""Bearer ping_eu_1""#]),
        ] {
            for part in parts {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    }

    #[test]
    fn the_calls_of_a_new_token_are_those_of_the_api() {
        let made = json!({"token": "ping_eu_2", "curl": "curl X", "curl_header": "curl Y", "cron": "5 * * * * curl X"});
        let reporter = Reporter::with_new("a", &made);
        assert_eq!(
            [reporter.ping(""), reporter.header(""), reporter.cron("")],
            ["curl X", "curl Y", "5 * * * * curl X"]
        );
        assert!(reporter.exec("http://h").contains("AGENTPING_API_KEY=ping_eu_2"));
    }
}
