//! Messages of guard about pauses.

use serde_json::{Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_alerts::MessageBody;
use tidegate_agentping_alerts::guard::guard_alert;
use tidegate_agentping_alerts::wording::Wording;
use tidegate_agentping_settings::PauseDoc;
use tidegate_agentping_settings::guard::by_pause;

use crate::rig::{NOW, Rig, TEAM};

/// 4.2: a pause of the whole team is critical, and about the team; that of an agent is a warning. Each is one message.
#[tokio::test]
async fn a_pause_of_the_team_is_critical() {
    let agent = Slug::parse("a").unwrap();
    let mut pause = PauseDoc::default();
    pause.pause(NOW, "key_eu_1".to_owned(), None, Some("on fire".to_owned()));
    for (paused, severity, title) in
        [(None, "critical", "The team: a pause blocks runs"), (Some(&agent), "warning", "a: a pause blocks runs")]
    {
        let rig = Rig::new().await;
        let event = by_pause("grl_eu_1", pause.at(NOW).unwrap(), paused).events.remove(0);
        rig.put(&[guard_alert(TEAM, &event, Some("gck_eu_1"))]).await;
        rig.put(&[guard_alert(TEAM, &event, Some("gck_eu_2"))]).await;
        let mut found = rig.messages.of_route("ops", None, 10, NOW).await.unwrap();
        assert_eq!(found.len(), 1, "{paused:?}");
        let body: MessageBody = serde_json::from_str(&found.remove(0).doc.body).unwrap();
        assert_eq!(Wording::of(&body).title, title);
        let shown: Value = serde_json::to_value(&body).unwrap();
        assert_eq!((&shown["alert"], &shown["type"]), (&json!("guard_blocked"), &json!("guard.blocked")));
        assert_eq!((&shown["agent"], &shown["severity"]), (&json!(paused), &json!(severity)));
        let data = json!({
            "rule": "grl_eu_1", "rule_name": "paused", "reason": "operator_pause",
            "paused_at": "2027-01-15T08:00:00.000Z", "paused_by": "key_eu_1", "note": "on fire",
            "guard_check_id": "gck_eu_1",
        });
        assert_eq!(shown["data"], data);
    }
}
