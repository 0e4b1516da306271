//! Calls of `GET /v1/ping` to paste: complete, with the token in them.

use serde::Serialize;
use tidegate_agentping::Slug;
use utoipa::ToSchema;

/// When a job without a schedule runs in the example.
const EXAMPLE_CRON: &str = "0 2 * * *";

/// The calls.
#[derive(Serialize, ToSchema)]
pub(super) struct Paste {
    /// For a shell: the whole call.
    #[schema(example = "curl -fsS 'https://eu.ingest.agentping.io/v1/ping?key=ping_eu_…&agent=nightly'")]
    curl: String,
    /// The same with the token in a header, so that no log has it.
    curl_header: String,
    /// A line of a crontab which reports that a command has succeeded.
    cron: String,
}

impl Paste {
    pub fn of(ingest_url: &str, token: &str, slug: &Slug, cron: Option<&str>) -> Self {
        let agent = encoded(slug.as_str());
        let curl = format!("curl -fsS '{ingest_url}/v1/ping?key={token}&agent={agent}'");
        let curl_header = format!("curl -fsS -H 'X-AgentPing-Key: {token}' '{ingest_url}/v1/ping?agent={agent}'");
        // In a crontab a percent sign ends the command, unless it is escaped.
        let call = curl.replace('%', "\\%");
        let cron = format!("{} your-command && {call}", cron.unwrap_or(EXAMPLE_CRON));
        Paste { curl, curl_header, cron }
    }
}

/// Percent-encoded, but for what is never special in a URL or a shell.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_slug_leaves_its_quotes() {
        let slug = Slug::parse("it's $(a)/b ß%").unwrap();
        let paste = Paste::of("https://eu.example", "ping_eu_1", &slug, Some("@daily"));
        let agent = "it%27s%20%24%28a%29%2Fb%20%C3%9F%25";
        assert_eq!(paste.curl, format!("curl -fsS 'https://eu.example/v1/ping?key=ping_eu_1&agent={agent}'"));
        assert_eq!(
            paste.curl_header,
            format!("curl -fsS -H 'X-AgentPing-Key: ping_eu_1' 'https://eu.example/v1/ping?agent={agent}'")
        );
        let escaped = agent.replace('%', "\\%");
        let call = format!("curl -fsS 'https://eu.example/v1/ping?key=ping_eu_1&agent={escaped}'");
        assert_eq!(paste.cron, format!("@daily your-command && {call}"));
    }
}
