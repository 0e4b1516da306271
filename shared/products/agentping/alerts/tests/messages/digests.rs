//! 4.5: what a digest says, and what it does not.

use serde_json::{Map, Value, json};
use tidegate_agentping_alerts::body::MAX_BODY_BYTES;
use tidegate_agentping_alerts::digest::{
    DigestDelivery, DigestIncident, DigestSlots, DigestSpend, digest_event, digest_id, further_digest_id,
};
use tidegate_agentping_alerts::mail::mail_form;
use tidegate_agentping_alerts::{DigestFacts, MessageBody};
use tidegate_agentping_pulse::{AlertKind, Zone};
use tidegate_agentping_settings::{DigestEvery, DigestSpan, MailTarget, RouteDigest, SecretText};
use tidegate_kernel::{Timestamp, Usd};

use crate::rig::{NOW, Rig, TEAM};

fn span() -> DigestSpan {
    DigestSpan { from: NOW.plus_millis(-86_400_000), to: NOW }
}

fn digest() -> RouteDigest {
    RouteDigest { every: DigestEvery::Daily, timezone: Zone::UTC, since: Timestamp::FIRST }
}

fn incident(agent: &str, alert: AlertKind) -> DigestIncident {
    let (opened_at, resolved_at) = (NOW.plus_millis(-3_600_000), None);
    DigestIncident { agent: agent.into(), alert, incident_id: "inc_eu_1".into(), opened_at, resolved_at, count: 3 }
}

fn slots(agent: &str, reason: Option<&'static str>, slots: u32) -> DigestSlots {
    DigestSlots { agent: agent.into(), reason, slots, first: NOW.plus_millis(-7_200_000), last: NOW }
}

fn everything() -> DigestFacts {
    DigestFacts {
        down: vec![incident("nightly", AlertKind::ScheduleMissed)],
        missed: vec![slots("nightly", None, 3)],
        late: vec![slots("slow", None, 1)],
        unknown: vec![slots("hourly", Some("canary"), 2)],
        failed_checks: vec![incident("short", AlertKind::CheckFailed)],
        failed_deliveries: vec![DigestDelivery {
            route: "ops".into(),
            alert: AlertKind::RunFailed,
            agent: Some("nightly".into()),
            delivery_id: "whd_eu_1".into(),
            created_at: NOW.plus_millis(-60_000),
        }],
        spend: vec![DigestSpend { agent: "nightly".into(), spent: Usd::parse("1.25").unwrap() }],
    }
}

fn body(data: Map<String, Value>) -> MessageBody {
    let text = json!({
        "alert": "digest", "agent": null, "type": "digest", "status": "firing", "severity": "info",
        "timestamp": NOW.to_string(), "team": "Blue", "data": data,
    });
    serde_json::from_value(text).unwrap()
}

fn mail(facts: &DigestFacts) -> tidegate_agentping_alerts::MailForm {
    let target = MailTarget { to: "a@b.test".to_owned(), token: SecretText::new("t"), confirmed_at: None };
    mail_form(&body(facts.data(&digest(), span())), &target, Some("https://ping.example"))
}

#[test]
fn without_anything_to_say_it_is_empty() {
    assert!(DigestFacts::default().is_empty());
    let all = everything();
    for facts in [
        DigestFacts { down: all.down.clone(), ..DigestFacts::default() },
        DigestFacts { missed: all.missed.clone(), ..DigestFacts::default() },
        DigestFacts { late: all.late.clone(), ..DigestFacts::default() },
        DigestFacts { unknown: all.unknown.clone(), ..DigestFacts::default() },
        DigestFacts { failed_checks: all.failed_checks.clone(), ..DigestFacts::default() },
        DigestFacts { failed_deliveries: all.failed_deliveries.clone(), ..DigestFacts::default() },
        DigestFacts { spend: all.spend.clone(), ..DigestFacts::default() },
    ] {
        assert!(!facts.is_empty(), "{facts:?}");
        let data = facts.data(&digest(), span());
        assert_eq!(data.len(), 5, "the period, and what there is: {data:?}");
    }
}

#[test]
fn a_mail_says_all_of_it() {
    let form = mail(&everything());
    assert_eq!(
        form.subject,
        "[info] Daily digest of Blue: 1 incident, 1 agent with missed runs, 1 agent with late runs, 1 agent not judged, \
         1 failed check, 1 message not delivered"
    );
    for line in [
        "- Down: nightly: schedule_missed since 2027-01-15 07:00 UTC, still open; 3 in a row",
        "- Missed: nightly: 3 runs expected from 2027-01-15 06:00 UTC to 2027-01-15 08:00 UTC",
        "- Late: slow: the run expected at 2027-01-15 06:00 UTC",
        "- Unknown: hourly: 2 runs expected from 2027-01-15 06:00 UTC to 2027-01-15 08:00 UTC (canary)",
        "- Check failed: short: check_failed since 2027-01-15 07:00 UTC, still open; 3 in a row",
        "- Not delivered: run_failed of nightly to the route ops, made at 2027-01-15 07:59 UTC",
        "- Spent: 1.25 USD by nightly",
        "Spent (USD): 1.25",
        "No more of these mails: https://ping.example/unsubscribe/t",
    ] {
        assert!(form.text.contains(line), "{line}\n{}", form.text);
    }
}

/// 100 entries of a list, and how many more there are; all of it fits into a message, however long the names are.
#[test]
fn lists_are_bounded() {
    let facts = |count: usize, name: &str| DigestFacts {
        unknown: (0..count).map(|index| slots(&format!("{name}{index}"), Some("log"), 1)).collect(),
        spend: (0..count)
            .map(|index| DigestSpend { agent: format!("{name}{index}").into(), spent: Usd::from_nanos(1) })
            .collect(),
        ..DigestFacts::default()
    };
    let listed = |facts: &DigestFacts, name: &str| {
        let data = facts.data(&digest(), span());
        let list = if name == "spend" { &data["spend"]["agents"] } else { &data[name] };
        let more = data.get("more").and_then(|more| more[name].as_u64()).unwrap_or(0);
        (list.as_array().unwrap().len(), more)
    };
    assert_eq!(listed(&facts(100, "a"), "unknown"), (100, 0));
    assert_eq!(listed(&facts(250, "a"), "unknown").0 as u64 + listed(&facts(250, "a"), "unknown").1, 250);
    for (count, name) in [(250, "a".to_owned()), (250, "ü".repeat(250)), (20_000, "x".repeat(500))] {
        let facts = facts(count, &name);
        let text = body(facts.data(&digest(), span())).to_text();
        assert!(text.len() <= MAX_BODY_BYTES, "{}", text.len());
        let stored: MessageBody = serde_json::from_str(&text).unwrap();
        assert_eq!(stored.data["period"], "daily", "nothing was left out to make it fit");
        for name in ["unknown", "spend"] {
            let (entries, more) = listed(&facts, name);
            assert!(entries <= 100);
            assert_eq!(entries as u64 + more, count as u64, "{name}");
        }
        assert!(mail_text(&facts).contains("more"));
    }
}

fn mail_text(facts: &DigestFacts) -> String {
    mail(facts).text
}

#[test]
fn texts_of_others_stay_text() {
    let hostile = "<script>alert(1)</script>\r\nBcc: x@y.test";
    let mut facts = everything();
    facts.down[0].agent = hostile.into();
    facts.failed_deliveries[0].route = hostile.into();
    facts.spend[0].agent = hostile.into();
    let form = mail(&facts);
    assert!(!form.html.contains("<script>"), "{}", form.html);
    assert_eq!(form.html.matches("&lt;script&gt;").count(), 3);
    assert!(!form.text.contains("\r\nBcc") && !form.text.contains("\nBcc"), "{}", form.text);
    assert!(!form.subject.contains('\n'));
}

/// One id for a route and a day, whatever the period; each day and each route has another.
#[test]
fn the_id_follows_from_team_route_and_day() {
    let id = digest_id(TEAM, "a", span());
    assert_eq!(digest_id(TEAM, "a", DigestSpan { from: NOW.plus_millis(-7 * 86_400_000), to: NOW }), id);
    assert_ne!(digest_id(TEAM, "b", span()), id);
    let next = DigestSpan { from: NOW, to: NOW.plus_millis(86_400_000) };
    assert_ne!(digest_id(TEAM, "a", next), id);
}

/// A day has one by the day alone. A further one has an id of its own, for each instant.
#[test]
fn the_id_of_a_further_one_follows_from_its_end() {
    let later = |hours: i64| DigestSpan { to: NOW.plus_millis(hours * 3_600_000), ..span() };
    assert_eq!(digest_id(TEAM, "a", later(5)), digest_id(TEAM, "a", span()));
    let further = further_digest_id(TEAM, "a", later(5));
    assert_eq!(further_digest_id(TEAM, "a", later(5)), further);
    for other in [digest_id(TEAM, "a", later(5)), further_digest_id(TEAM, "a", later(6))] {
        assert_ne!(other, further);
    }
}

/// A route that is muted keeps its digest as muted; nothing follows at the mute's end. Kinds and severities that a route
/// wants say nothing of its digest.
#[tokio::test]
async fn a_muted_route_keeps_it_as_muted() {
    let rig = Rig::new().await;
    rig.route("ops", json!({"alerts": ["quota"], "min_severity": "critical"})).await;
    rig.mute("route/ops", 60).await;
    let delivery = digest_id(TEAM, "ops", span());
    let event = digest_event(TEAM, (&"ops".into(), delivery), span(), everything().data(&digest(), span()));
    rig.put(&[event.clone(), event.clone()]).await;
    rig.put(&[event]).await;
    let all = rig.messages.of_route("ops", None, 10, NOW).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].progress.state.as_str(), all[0].doc.edge.as_str()), ("muted", "digest"));
    assert!(rig.outgoing().await.is_empty() && rig.withheld().await.is_empty());
    let body: Value = serde_json::from_str(&all[0].doc.body).unwrap();
    assert_eq!((&body["alert"], &body["type"], &body["agent"]), (&json!("digest"), &json!("digest"), &Value::Null));
}
