//! Rules that texts share: lengths, characters, timestamps, absent members.

use serde_json::{Value, json};
use tidegate_tests::wire;

use crate::team;

/// Our choice: lengths are counted in characters: agent 128, customer and feature 256, goal 4,096.
#[tokio::test]
async fn texts_have_lengths() {
    let (_target, team) = team().await;
    for (member, most) in [("agent", 128), ("customer_id", 256), ("feature", 256), ("goal", 4_096)] {
        // Two bytes each: a limit in bytes would refuse half of it.
        for character in ["a", "é"] {
            let body = wire::start(&team.run_id(), "texts");
            let longest = wire::with(body, member, json!(character.repeat(most)));
            team.start(&longest).await.expect(202);
            let body = wire::start(&team.run_id(), "texts");
            let longer = wire::with(body, member, json!(character.repeat(most + 1)));
            team.start(&longer).await.refused(400, "invalid_field", Some(member));
        }
    }
}

/// Our choice: a slug is any text that can be seen, case-sensitive, without the blanks at its ends.
#[tokio::test]
async fn slugs_are_free_text() {
    let (_target, team) = team().await;
    let slugs = ["daily-summary", "Daily-Summary", "spaces kept", "日報 🤖", "a/b?c=d&e#f%20", "it's \"quoted\" \\"];
    for slug in slugs {
        let run = team.run_id();
        let answer = team.start(&wire::start(&run, slug)).await.expect(202);
        assert_eq!(answer.json()["agent"], slug);
        assert_eq!(team.stored_run(&run).await["agent"], slug);
    }
    let padded = team.start(&wire::start(&team.run_id(), " \tspaces kept\u{a0}\n")).await.expect(202);
    assert_eq!(padded.json()["agent"], "spaces kept");
    let mut expected = slugs.map(str::to_owned);
    expected.sort();
    team.agents_are(&expected.each_ref().map(String::as_str)).await;
    for slug in ["line\nbreak", "nul\u{0}", "bell\u{7}", "del\u{7f}x", "\u{85}", "zero\u{200b}width", "\u{202e}turned"]
    {
        team.start(&wire::start(&team.run_id(), slug)).await.refused(400, "invalid_field", Some("agent"));
    }
}

/// Our choice: escapes in JSON are read, and texts come back as they were meant.
#[tokio::test]
async fn escapes_are_read() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let body = format!(
        r#"{{"id":"{run}","agent":"caf\u00e9 \ud83e\udd16","started_at":"2026-05-15T14:32:01.123Z","feature":"a\/b\t"}}"#
    );
    let answer = team.call("POST", "/v1/runs").bytes(body).send().await.expect(202);
    assert_eq!(answer.json()["agent"], "café 🤖");
    assert_eq!(team.stored_run(&run).await["feature"], "a/b\t");
}

/// Our choice: timestamps are RFC 3339 with `Z` or an offset; anything else is refused.
#[tokio::test]
async fn timestamps_are_rfc_3339() {
    let (_target, team) = team().await;
    let accepted = [
        ("2026-05-15T14:32:01Z", "2026-05-15T14:32:01.000Z"),
        ("2026-05-15T14:32:01.1Z", "2026-05-15T14:32:01.100Z"),
        ("2026-05-15T14:32:01.123456789Z", "2026-05-15T14:32:01.123Z"),
        ("2026-05-15T23:59:59.999+14:00", "2026-05-15T09:59:59.999Z"),
        ("2024-02-29T00:00:00.000-00:30", "2024-02-29T00:30:00.000Z"),
    ];
    for (sent, echoed) in accepted {
        let body = wire::with(wire::start(&team.run_id(), "clocks"), "started_at", json!(sent));
        assert_eq!(team.start(&body).await.expect(202).json()["started_at"], echoed, "{sent}");
    }
    let refused = [
        json!("2026-05-15"),
        json!("2026-05-15T14:32:01.123"),
        json!("2026-05-15 14:32:01.123Z"),
        json!("2026-02-30T14:32:01.123Z"),
        json!("2026-05-15T25:32:01.123Z"),
        json!("2026-05-15T14:32:01.123+0200"),
        json!("15 May 2026 14:32:01"),
        json!("1747319521123"),
        json!("now"),
        json!(1_747_319_521_123_i64),
        json!(["2026-05-15T14:32:01.123Z"]),
        json!({"at": "2026-05-15T14:32:01.123Z"}),
        json!(true),
    ];
    for sent in refused {
        let body = wire::with(wire::start(&team.run_id(), "clocks"), "started_at", sent);
        team.start(&body).await.refused(400, "invalid_field", Some("started_at"));
    }
}

/// Our choice: `null` for an optional member is the same as leaving it out.
#[tokio::test]
async fn null_is_absent() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let mut body = wire::start(&run, "nulls");
    for member in
        ["customer_id", "feature", "metadata", "parent_run_id", "goal", "idle_timeout_seconds", "idle_timeout_status"]
    {
        body = wire::with(body, member, Value::Null);
    }
    team.start(&body).await.expect(202);
    let mut event = wire::log_event(&team.event_id());
    for member in ["turn", "id", "timestamp"] {
        event = wire::with(event, member, Value::Null);
    }
    team.batch(&run, &[event]).await.expect(202);
    let mut finish = wire::finish();
    for member in ["finished_at", "output", "scores", "metadata"] {
        finish = wire::with(finish, member, Value::Null);
    }
    team.finish(&run, &finish).await.expect(202);
    let mut heartbeat = json!({"agent": "nulls"});
    for member in [
        "id",
        "status",
        "started_at",
        "finished_at",
        "cost_usd",
        "duration_ms",
        "metadata",
        "output",
        "customer_id",
        "feature",
        "input_tokens",
        "output_tokens",
    ] {
        heartbeat = wire::with(heartbeat, member, Value::Null);
    }
    assert_eq!(team.heartbeat(&heartbeat).await.expect(202).json()["status"], "ok");
    let stored = team.closed_run(&run).await;
    for member in ["customer_id", "feature", "metadata", "parent_run_id", "output", "scores"] {
        assert!(stored[member].is_null(), "{member} was not sent: {stored}");
    }
}
