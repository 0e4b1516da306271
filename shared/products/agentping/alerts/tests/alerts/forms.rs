//! The forms for Slack, mail and PagerDuty, with hostile texts.

use serde_json::{Value, json};
use tidegate_agentping_alerts::mail::{confirmation_form, mail_form};
use tidegate_agentping_alerts::pagerduty::pagerduty_body;
use tidegate_agentping_alerts::slack::slack_body;
use tidegate_agentping_alerts::{MailForm, MessageBody};
use tidegate_agentping_settings::{MailTarget, SecretText};

/// Names of agents are at most 128 characters; these are what a text of a stranger may be at worst.
fn body(foreign: &str, members: Value) -> MessageBody {
    let mut body = json!({
        "alert": "schedule_missed", "agent": "daily", "type": "schedule.missed", "status": "firing", "severity": "error",
        "timestamp": "2026-01-01T00:00:00.000Z", "incident_id": "inc_eu_00000000000000000000000000000001", "team": foreign,
        "data": {"schedule": foreign, "last_run": {"status": foreign, "run_id": foreign}, "count": 2,
            "incidents": [{"agent": foreign, "alert": "run_failed"}, {"agent": foreign, "alert": "run_stuck"}]},
    });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
        Value::Object(all) => all.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// AC-62: `text` is there, the limits hold, and no foreign text mentions, links or formats.
#[test]
fn ac_62_slack_bodies_keep_limits_and_escape() {
    for foreign in
        ["<!channel> <@U1> <https://evil.test|x> *b* `c` &", &"<!channel>*".repeat(1_000), "a\u{0}\n\r\u{7}b"]
    {
        let slug: String = foreign.chars().filter(|letter| !letter.is_control()).take(128).collect();
        let long = "x".repeat(10_000);
        for (agent, kind) in [(&slug, "schedule.missed"), (&slug, "incidents.grouped"), (&slug, "incident.flapping")] {
            let of_agent =
                body(foreign, json!({"agent": agent, "type": kind, "url": format!("https://a.test/{long}")}));
            let text = slack_body(&of_agent);
            assert!(!text.contains("<!") && !text.contains("<@") && !text.contains("<https://evil"), "{text}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(!value["text"].as_str().unwrap().is_empty());
            let blocks = value["blocks"].as_array().unwrap();
            assert!(blocks.len() <= 50);
            for block in blocks {
                let fields = block["fields"].as_array().map_or(0, Vec::len);
                assert!(fields <= 10);
                let limit = if block["type"] == "header" { 150 } else { 3_000 };
                let mut found = Vec::new();
                texts(block, &mut found);
                assert!(found.iter().all(|text| text.chars().count() <= limit), "{block}");
            }
        }
    }
    let text = slack_body(&body("*/5 * * * *", json!({})));
    assert!(!text.contains("*/5 *"), "asterisks of a schedule are no marks: {text}");
    let plain: Value = serde_json::from_str(&slack_body(&body("x", json!({"agent": "daily_summary_v2"})))).unwrap();
    assert_eq!(plain["text"], "daily_summary_v2: an expected run is missing", "within a word a mark is none");
}

fn mail_target() -> MailTarget {
    MailTarget { to: "ops@example.com".to_owned(), token: SecretText::new("t0ken"), confirmed_at: None }
}

/// AC-64: no text of a stranger brings a line into a subject, or a mark into HTML.
#[test]
fn ac_64_mails_have_no_breaks_from_data() {
    let foreign = "a\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>";
    let of_agent = body(foreign, json!({"agent": "<script>\u{2028}\"'&"}));
    let MailForm { subject, text, html, unsubscribe_url, thread } =
        mail_form(&of_agent, &mail_target(), Some("https://ping.example/"));
    assert!(!subject.chars().any(char::is_control) && !subject.contains('\u{2028}'), "{subject}");
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(!text.contains("\nBcc"), "{text}");
    assert_eq!(unsubscribe_url.as_deref(), Some("https://ping.example/unsubscribe/t0ken"));
    assert_eq!(thread.as_deref(), Some("inc_eu_00000000000000000000000000000001"));
    let asked = confirmation_form(foreign, Some(foreign), "https://ping.example/confirm/t0ken");
    assert!(!asked.html.contains("<script") && !asked.text.contains("\nBcc"), "{asked:?}");
    assert!(!format!("{asked:?}{:?}", mail_target()).contains("t0ken"));
}

/// AC-65: trigger and resolve have the incident's key.
#[test]
fn ac_65_pagerduty_resolves_the_key_that_it_triggered() {
    let key = "R0123456789ABCDEF";
    let event =
        |members: Value| -> Value { serde_json::from_str(&pagerduty_body(&body("x", members), "whd_1", key)).unwrap() };
    let fired = event(json!({}));
    let resolved = event(json!({"status": "resolved", "type": "schedule.recovered", "severity": "info"}));
    assert_eq!((&fired["event_action"], &resolved["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(fired["dedup_key"], "inc_eu_00000000000000000000000000000001");
    assert_eq!((&fired["dedup_key"], &fired["routing_key"]), (&resolved["dedup_key"], &json!(key)));
    let payload = &fired["payload"];
    assert_eq!((&payload["severity"], &payload["source"]), (&json!("error"), &json!("daily")));
    assert_eq!(payload["timestamp"], "2026-01-01T00:00:00.000Z");
    assert!(payload["summary"].as_str().unwrap().contains("daily"));
    assert_eq!(event(json!({"incident_id": null}))["dedup_key"], "whd_1");
    let long = event(json!({"agent": "ü".repeat(128), "type": "incident.flapping"}));
    assert!(long["payload"]["summary"].as_str().unwrap().chars().count() <= 1_024);
}
