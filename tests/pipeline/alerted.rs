//! What a team is alerted to when it is refused or blocked, through the whole of `tidegate dev`.

use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::receiver::{self, Receiver};
use tidegate_tests::team::{Agreed, text};
use tidegate_tests::{Plan, Target, Team};

use crate::BINARY;
use crate::guard::control;

fn reaching_receivers() -> Extra {
    let variable = |name: &str, value: &str| (format!("TIDEGATE_ALERTS__{name}"), value.to_owned());
    let trusted = receiver::ca_file().display().to_string();
    let environment = vec![variable("ALLOW_TARGETS", "127.0.0.0/8"), variable("CA_FILE", &trusted)];
    Extra { environment, ..Extra::default() }
}

/// 3.1 and 4.2 of the control side: one message for each new agent that the front door or the management API refuses,
/// and one for a pause of the whole team, which is critical.
#[tokio::test]
async fn refused_agents_and_a_pause_of_the_team_are_alerted_to_once() {
    let target = Target::dev_with(BINARY, reaching_receivers()).await;
    let plan = Plan::Enterprise(Agreed { agents: Some(1), ..Agreed::default() });
    let team = Team::create(target.deployment(), plan).await;
    let receiver = Receiver::start().await;
    let route = json!({"name": "ops", "kind": "webhook", "url": receiver.url("/ops")});
    control(&team, "POST", "/v1/routes", &route).await.expect(201);
    control(&team, "PATCH", "/v1/team", &json!({"routes": ["ops"]})).await.expect(200);
    team.heartbeat(&json!({"agent": "daily"})).await.expect(202);
    team.agents_are(&["daily"]).await;
    for _ in 0..2 {
        team.heartbeat(&json!({"agent": "at-the-door"})).await.refused(400, "agent_limit", Some("agent"));
        let made = control(&team, "POST", "/v1/agents", &json!({"agent": "made-ahead"})).await;
        made.refused(400, "agent_limit", Some("agent"));
    }
    control(&team, "PUT", "/v1/pause", &json!({})).await.expect(200);
    for name in ["daily", "other"] {
        let answer = control(&team, "POST", "/v1/guard/check", &json!({"agent": name})).await.expect(200).json();
        assert_eq!(answer["decision"], "block", "{answer}");
    }
    // The last ones: what would have come twice is made before them.
    control(&team, "DELETE", "/v1/pause", &json!({})).await.expect(204);
    team.heartbeat(&json!({"agent": "last-one"})).await.refused(400, "agent_limit", Some("agent"));
    control(&team, "PUT", "/v1/agents/daily/pause", &json!({})).await.expect(200);
    let answer = control(&team, "POST", "/v1/guard/check", &json!({"agent": "daily"})).await.expect(200).json();
    assert_eq!(answer["decision"], "block", "{answer}");
    let received = receiver.wait_for("/ops", 5).await;
    let mut said: Vec<(String, String, String)> = received
        .iter()
        .map(|message| {
            let body = message.json();
            assert!(body["agent"].is_null() || body["agent"] == "daily", "{body}");
            let about = body["data"]["refused_agent"].as_str().or(body["agent"].as_str());
            let about = about.unwrap_or_default().to_owned();
            (text(&body, "alert"), text(&body, "severity"), about)
        })
        .collect();
    said.sort_unstable();
    let expected = [
        ("agent_limit", "warning", "at-the-door"),
        ("agent_limit", "warning", "last-one"),
        ("agent_limit", "warning", "made-ahead"),
        ("guard_blocked", "critical", ""),
        ("guard_blocked", "warning", "daily"),
    ];
    let named = |text: &str| text.to_owned();
    assert_eq!(said, expected.map(|(alert, severity, about)| (named(alert), named(severity), named(about))));
}
