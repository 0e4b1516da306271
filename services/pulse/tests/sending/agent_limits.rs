//! Alerts about new agents that were refused at the caps of plans.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_ports::RefusedAgent;
use tidegate_agentping_testkit::team;
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::{Clock, RowKey, RowWrite, Rows};
use tidegate_pulse::agent_limits::{AGENT_LIMIT_ALERTS, AgentLimitWatch, MOST_OF_MONTH};

use crate::rig::{Rig, TEAM};

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
    rig.set("team", "", json!({"routes": ["route-1"]})).await;
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

/// 3.1 and 4.2: a client that names each of its runs otherwise is so many messages a month, also over restarts, and the
/// last one says so.
#[tokio::test]
async fn a_team_gets_so_many_of_them_a_month() {
    let rig = Rig::new().await;
    rig.webhook(1, "http://127.0.0.1:9/hook".to_owned()).await;
    rig.set("team", "", json!({"routes": ["route-1"]})).await;
    let first = rig.clock.now();
    let mut found = Vec::new();
    // The second one is of a process that has started again, and finds those of the first one, too.
    for (start, agents) in [(1, 6), (2, 6), (3, 250)] {
        for number in 0..agents {
            rig.refused(&format!("run-{start}-{number}"), first).await;
        }
        found = rig.after_round(&mut rig.watch()).await;
    }
    assert_eq!(found.len(), MOST_OF_MONTH);
    let is_last = |body: &Value| body["data"]["further_ones"] == "are not reported this month";
    assert_eq!(found.iter().filter(|body| is_last(body)).count(), 1);
    let of_next_month = first.plus_millis(31 * DAY_MS);
    rig.clock.set(of_next_month);
    rig.refused("one-more", of_next_month).await;
    assert_eq!(rig.after_round(&mut rig.watch()).await.len(), MOST_OF_MONTH + 1);
}

/// 3.1: what a team was alerted to cannot be read. It gets no alert of that month, and the others get theirs.
#[tokio::test]
async fn a_damaged_row_stops_no_other_team() {
    let rig = Rig::new().await;
    rig.webhook(1, "http://127.0.0.1:9/hook".to_owned()).await;
    rig.set("team", "", json!({"routes": ["route-1"]})).await;
    let now = rig.clock.now();
    let key = RowKey {
        table: &AGENT_LIMIT_ALERTS,
        shard: team(99).to_string().into(),
        row: Month::of(now).to_string().into(),
    };
    let damaged = RowWrite { key, rank: 1, doc: Some(b"damaged".to_vec()) };
    let refused = RefusedAgent { team: team(99), agent: Slug::parse("one-more").unwrap(), cap: 10, at: now };
    rig.rows.put(Arc::new(vec![damaged, refused.row(now)]), now).await.unwrap();
    rig.refused("one-more", now).await;
    assert_eq!(rig.after_round(&mut rig.watch()).await.len(), 1);
}
