//! Badges: what everyone may see of them, and nothing else.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_verdicts::{RecentDoc, StandingDoc};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, Rows};

use crate::house::*;

fn standing(state: AgentStanding) -> StandingDoc {
    let since = Timestamp::from_millis(1);
    StandingDoc {
        state,
        since,
        next_slot: None,
        last_success: None,
        last_run: None,
        open_incidents: Vec::new(),
        recent: RecentDoc::default(),
    }
}

impl House {
    pub async fn stand(&self, agent: &str, state: AgentStanding, rank: u64) {
        let row = standing(state).row(team(1), &slug(agent), rank);
        self.rows.put(Arc::new(vec![row]), self.clock.now()).await.unwrap();
    }

    async fn badge(&self, body: serde_json::Value) -> (String, String) {
        let made = self.post("/v1/badges", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made: serde_json::Value = serde_json::from_str(&made.text).unwrap();
        (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    }

    /// What everyone sees, without a key.
    async fn seen(&self, file: &str) -> Answer {
        self.get_as(None, &format!("/badge/{file}")).await
    }
}

/// AC-79: a badge tells its label and its word, names no agent, is no key, and can be removed.
#[tokio::test]
async fn ac_79_a_badge_tells_its_label_and_a_word() {
    let house = House::open().await;
    for (agent, number) in [("nightly", 1), ("hourly", 2)] {
        house.with_agent(agent, number).await;
        house.stand(agent, AgentStanding::Up, 1).await;
    }
    let (id, token) = house.badge(json!({"label": "jobs <all>"})).await;
    let (_, own) = house.badge(json!({"label": "one", "agent": "hourly", "late": false})).await;
    assert_eq!(
        house.seen(&format!("{token}.json")).await.text,
        json!({"label": "jobs <all>", "status": "up"}).to_string()
    );
    house.stand("nightly", AgentStanding::Down, 2).await;
    house.clock.advance_ms(30_000);
    let picture = house.seen(&format!("{token}.svg")).await;
    assert_eq!((picture.status.as_u16(), picture.header("content-type")), (200, Some("image/svg+xml")));
    assert!(picture.text.contains("jobs &lt;all&gt;: down") && !picture.text.contains("nightly"), "{}", picture.text);
    let shields = house.seen(&format!("{token}.shields.json")).await.ok();
    assert_eq!((&shields["schemaVersion"], &shields["message"]), (&json!(1), &json!("down")));
    assert_eq!(house.seen(&format!("{token}.txt")).await.text, "NOT_OK\n");
    assert_eq!(house.seen(&format!("{own}.txt")).await.text, "OK\n");
    assert_eq!(house.get_as(Some(&token), "/v1/agents").await.status, 401, "it is no key");
    let others = house.get_as(Some(KEY_B), "/v1/badges").await.ok();
    assert_eq!(others["badges"], json!([]), "AC-82");
    assert_eq!(house.get("/v1/badges").await.ok()["badges"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        house.change_as(KEY_B, Method::DELETE, &format!("/v1/badges/{id}"), &serde_json::Value::Null, &[]).await.status,
        404,
        "AC-82"
    );
    house.delete(&format!("/v1/badges/{id}")).await.is_empty_204();
    let gone = house.seen(&format!("{token}.svg")).await;
    assert!(gone.status == 200 && gone.text.contains("status: unknown"), "{}", gone.text);
    for file in [format!("{token}.json"), format!("{token}.txt"), token, "x.json".to_owned(), "x".to_owned()] {
        assert_eq!(house.seen(&file).await.status, 404, "{file}");
    }
}

/// AC-79: however often everyone asks, a badge is read every half minute at most. A removal holds at once.
#[tokio::test]
async fn ac_79_a_badge_is_read_every_half_minute() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.stand("nightly", AgentStanding::Up, 1).await;
    let (id, token) = house.badge(json!({"label": "jobs"})).await;
    let file = format!("{token}.txt");
    assert_eq!(house.seen(&file).await.text, "OK\n");
    house.stand("nightly", AgentStanding::Down, 2).await;
    house.clock.advance_ms(29_999);
    assert_eq!(house.seen(&file).await.text, "OK\n");
    house.clock.advance_ms(1);
    assert_eq!(house.seen(&file).await.text, "NOT_OK\n");
    house.delete(&format!("/v1/badges/{id}")).await.is_empty_204();
    assert_eq!(house.seen(&file).await.status, 404);
}

/// An agent that a badge names must be there, and what is not known is refused.
#[tokio::test]
async fn a_wrong_badge_is_refused() {
    let house = House::open().await;
    for (body, code, field) in [
        (json!({"label": "x", "agent": "other"}), 404, None),
        (json!({"label": "x", "color": "red"}), 400, Some("color")),
        (json!({"label": 5}), 400, Some("label")),
        (json!({"label": "x", "agent": "a", "tag": "b"}), 400, Some("tag")),
    ] {
        let refused = house.post("/v1/badges", &body).await;
        assert_eq!(
            (
                refused.status.as_u16(),
                serde_json::from_str::<serde_json::Value>(&refused.text).unwrap()["field"].as_str()
            ),
            (code, field),
            "{body}: {}",
            refused.text
        );
    }
    assert_eq!(house.get("/v1/badges").await.ok()["badges"], json!([]));
}
