//! What is not sent, or not at once: mutes, maintenance, storms, reminders. And to whom it goes.

use serde_json::{Value, json};
use tidegate_tests::team::text;

use crate::stage::Stage;

/// A run at one in the afternoon, which is expected from the first day on.
fn at_one() -> Value {
    json!({"cron": "0 13 * * *", "tolerance_s": 600, "start_unseen": true})
}

/// AC-66, and the maintenance windows and reminders of 4.5: nothing is sent while it is muted, incidents are there,
/// and at the end there is one message for what is still open. What stays open is sent again after a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_66_a_mute_ends_with_one_message_for_what_is_open() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    let ops = crew.serves(&stage, &["ops"]).await;
    let own = text(&crew.route(&stage, "own", json!({})).await, "id");
    stage.to("12:20").await;
    for agent in ["muted", "kept", "loud"] {
        crew.expects(agent, at_one()).await;
    }
    crew.expects("recovers", json!({"cron": "0 13,14 * * *", "tolerance_s": 600, "start_unseen": true})).await;
    crew.expects("of-route", at_one()).await;
    crew.manage("PATCH", "/v1/agents/of-route", &json!({"routes": ["own"]})).await.expect(200);
    let window = json!({"maintenance": [{"cron": "0 13 * * *", "duration_s": 3_600, "timezone": "UTC"}]});
    crew.manage("PATCH", "/v1/agents/kept", &window).await.expect(200);
    let until = |time: &str| json!({"until": stage.iso(time), "reason": "at work"});
    crew.manage("PUT", "/v1/agents/muted/mute", &until("13:30")).await.expect(200);
    crew.manage("PUT", "/v1/agents/recovers/mute", &until("14:30")).await.expect(200);
    crew.manage("PUT", &format!("/v1/routes/{own}/mute"), &until("13:30")).await.expect(200);

    stage.to("13:12").await;
    stage.message("/ops", Some("loud"), "schedule.missed").await;
    for agent in ["muted", "kept", "recovers"] {
        crew.incidents_are(agent, &["open"]).await;
        crew.edges_are(&ops, agent, &["firing muted"]).await;
    }
    crew.incidents_are("of-route", &["open"]).await;
    crew.edges_are(&own, "of-route", &["firing muted"]).await;
    let at_ops: Vec<Value> = stage.messages("/ops").into_iter().map(|mut body| body["agent"].take()).collect();
    assert_eq!(at_ops, ["loud"], "the others are muted");
    assert!(stage.messages("/own").is_empty());

    stage.to("13:32").await;
    stage.message("/ops", Some("muted"), "schedule.missed").await;
    stage.message("/own", Some("of-route"), "schedule.missed").await;
    crew.edges_are(&ops, "muted", &["firing muted", "unmuted sent"]).await;
    stage.to("13:52").await;
    // It is in the window of the second slot.
    crew.report("recovers", json!({})).await;
    stage.to("14:12").await;
    stage.message("/ops", Some("kept"), "schedule.missed").await;
    crew.incidents_are("recovers", &["resolved"]).await;
    stage.to("14:32").await;
    // Its opening waits for five seconds, by which time what ends with the mute would have been sent.
    crew.report("loud", json!({"status": "fail"})).await;
    stage.message("/ops", Some("loud"), "run.failed").await;
    assert_eq!(stage.types("/ops", "recovers"), Vec::<String>::new(), "nothing is open");
    crew.edges_are(&ops, "recovers", &["firing muted", "resolved muted"]).await;

    // A day later the failure is still there.
    stage.to("38:40").await;
    stage.nth_message("/ops", Some("loud"), "run.failed", 1).await;
    let reminded = [
        // The next day's slot of the first incident, and the failure.
        "firing sent",
        "firing sent",
        "reminder sent",
        "repeat sent",
    ];
    crew.edges_are(&ops, "loud", &reminded).await;
}

/// AC-68: fifty agents that are down in one minute are one message for each route; a message to Slack has them as
/// text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_68_a_storm_is_one_message_for_each_route() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    let ops = crew.serves(&stage, &["ops"]).await;
    let chat = text(&crew.route(&stage, "chat", json!({"kind": "slack"})).await, "id");
    crew.manage("PATCH", "/v1/team", &json!({"routes": ["ops", "chat"]})).await.expect(200);
    let agent = |number: usize| {
        format!("  a{number}: {{schedule: {{cron: \"0 13 * * *\", tolerance_s: 600, start_unseen: true}}}}\n")
    };
    let yaml = format!("version: 1\nagents:\n{}", (0..50).map(agent).collect::<String>());
    stage.to("12:20").await;
    let applied = crew.manage("PUT", "/v1/config", &json!({ "yaml": yaml })).await.expect(200).json();
    assert_eq!(applied["applied"], true, "{applied}");

    stage.to("13:12").await;
    let group = stage.message("/ops", None, "incidents.grouped").await;
    assert_eq!((&group["alert"], &group["severity"]), (&json!("schedule_missed"), &json!("error")));
    assert!(group.get("incident_id").is_none() && group["agent"].is_null(), "{group}");
    assert_eq!(group["data"]["count"], 50);
    assert_eq!(group["data"]["incidents"].as_array().map(Vec::len), Some(50));
    let said = stage.receiver.wait_for("/chat", 1).await.remove(0).json();
    assert!(said["text"].as_str().unwrap().contains("50 alerts at once"), "{said}");

    // A later message, after which none of these agents' own can come.
    crew.blocked("a0").await;
    stage.message("/ops", Some("a0"), "guard.blocked").await;
    stage.receiver.wait_for("/chat", 2).await;
    for (route, path) in [(&ops, "/ops"), (&chat, "/chat")] {
        crew.totals_are(route, &json!({"made": 2, "sent": 2, "failed": 0, "muted": 0, "waiting": 0})).await;
        assert_eq!(stage.receiver.received(path).len(), 2, "{path}");
    }
}

/// AC-53: the team's routes serve all its agents; an agent's own replace them, are added to them, or are given up
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_53_agents_inherit_routes_replace_them_and_add_to_them() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    let team = crew.serves(&stage, &["team"]).await;
    let own = text(&crew.route(&stage, "own", json!({})).await, "id");
    for (agent, members) in [
        ("inherits", json!({})),
        ("replaces", json!({"routes": ["own"]})),
        ("adds", json!({"routes": {"add": ["own"]}})),
        ("silent", json!({"routes": []})),
    ] {
        crew.agent(agent, members).await;
        crew.blocked(agent).await;
    }
    paths_are(&stage, "/team", &["adds", "inherits"]).await;
    paths_are(&stage, "/own", &["adds", "replaces"]).await;
    crew.manage("PATCH", "/v1/agents/replaces", &json!({"routes": "inherit"})).await.expect(200);
    crew.blocked("replaces").await;
    // It goes to both routes. Once it is there, so are all messages that were made before.
    crew.blocked("adds").await;
    paths_are(&stage, "/team", &["adds", "adds", "inherits", "replaces"]).await;
    paths_are(&stage, "/own", &["adds", "adds", "replaces"]).await;
    for (route, made) in [(&team, 4), (&own, 3)] {
        crew.totals_are(route, &json!({"made": made, "sent": made, "failed": 0, "muted": 0, "waiting": 0})).await;
    }
}

/// Waits for as many messages at a path as there are agents; there are those about these agents, and no others so far.
async fn paths_are(stage: &Stage, path: &str, agents: &[&str]) {
    stage.receiver.wait_for(path, agents.len()).await;
    let mut found: Vec<String> = stage.messages(path).iter().map(|body| text(body, "agent")).collect();
    found.sort();
    assert_eq!(found, agents, "{path}");
}
