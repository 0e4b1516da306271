//! Alerts about new agents that were refused at the caps of plans.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_ports::RefusedAgent;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, Rows};
use tidegate_pulse::agent_limits::AgentLimitWatch;

use crate::rig::{Rig, TEAM, route};

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

impl Rig {
    fn watch(&self) -> AgentLimitWatch {
        AgentLimitWatch::new(Arc::new(self.rows.clone()), self.outbox.clone())
    }

    /// A front door writes now that an agent was refused at `at`.
    async fn refused(&self, agent: &str, at: Timestamp) {
        let refused = RefusedAgent { team: TEAM, agent: Slug::parse(agent).unwrap(), cap: 10, at };
        let now = self.clock.now();
        self.rows.put(Arc::new(vec![refused.row(now)]), now).await.unwrap();
    }

    /// The messages of route 1 after a round, which comes some seconds after the last one.
    async fn after_round(&self, watch: &mut AgentLimitWatch) -> Vec<Value> {
        self.clock.advance_ms(5 * SECOND_MS);
        watch.round(self.clock.now()).await.unwrap();
        self.all(1).await.iter().map(|one| serde_json::from_str(&one.doc.body).unwrap()).collect()
    }
}

/// 3.1 and 4.2: one message to the team's routes for each slug and month, whoever refused it how often.
#[tokio::test]
async fn a_refused_agent_is_one_message_a_month() {
    let rig = Rig::new().await;
    rig.webhook(1, "http://127.0.0.1:9/hook".to_owned()).await;
    rig.set("team", "", json!({"routes": [route(1).as_str()]})).await;
    let mut watch = rig.watch();
    let first = rig.clock.now();
    rig.refused("one-more", first).await;
    let found = rig.after_round(&mut watch).await;
    let [body] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&body["alert"], &body["type"]), (&json!("agent_limit"), &json!("agent.limit")));
    assert_eq!((&body["agent"], &body["severity"]), (&Value::Null, &json!("warning")));
    assert_eq!(body["timestamp"], first.to_string());
    assert_eq!(body["data"], json!({"refused_agent": "one-more", "allowance": 10}));
    rig.refused("one-more", rig.clock.now()).await;
    assert_eq!(rig.after_round(&mut watch).await.len(), 1, "another front door");
    let mut watch = rig.watch();
    assert_eq!(rig.after_round(&mut watch).await.len(), 1, "a restart");
    rig.clock.advance_ms(DAY_MS);
    rig.refused("late", first).await;
    assert_eq!(rig.after_round(&mut watch).await.len(), 2, "it waited for the store");
    rig.clock.advance_ms(31 * DAY_MS);
    rig.refused("one-more", rig.clock.now()).await;
    assert_eq!(rig.after_round(&mut watch).await.len(), 3, "another month");
}
