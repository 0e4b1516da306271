//! Agents that were deleted long ago: the judge forgets them, and what comes of them later makes no alarm.

use serde_json::json;
use tidegate_agentping::{FinishStatus, HeartbeatStatus};
use tidegate_agentping_settings::{AgentDoc, kinds};
use tidegate_agentping_testkit::{StartWith, heartbeat, slug, start, team};

use crate::rig::{Rig, time};

fn knows(rig: &Rig, agent: &str) -> bool {
    rig.judge.as_ref().unwrap().agent(team(1), &slug(agent)).is_some()
}

/// A deployment whose agent `job` was deleted at 12:20, with an incident that ended so.
async fn deleted() -> Rig {
    let mut rig = Rig::new().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.agent("other", json!({"cron": "0 9 1 1 *"})).await;
    rig.to("12:20").await;
    rig.write(kinds::AGENT, "job", &AgentDoc { deleted_at: Some(time("12:20")), ..AgentDoc::default() }).await;
    rig.to("12:25").await;
    assert_eq!(rig.incidents().await, ["job schedule_missed 12:10-12:20 1"]);
    rig
}

#[tokio::test]
async fn a_deleted_agent_is_forgotten_after_thirty_days() {
    let mut rig = deleted().await;
    rig.to("2026-06-14T12:20:00Z").await;
    assert!(knows(&rig, "job"));
    rig.to("2026-06-14T12:21:00Z").await;
    assert!(!knows(&rig, "job") && knows(&rig, "other"));
    // What its team sets does not bring it back, and the schedule that it had is still there.
    rig.schedule("other", json!({"cron": "0 10 1 1 *"})).await;
    rig.to("2026-06-14T12:22:00Z").await;
    assert!(!knows(&rig, "job"));
    assert!(rig.standing("job").await.open_incidents.is_empty(), "as it was shown last");
}

/// Records from before the deletion, late or replayed, open nothing, and the agent is forgotten again. One that reports
/// anew counts from the beginning.
#[tokio::test]
async fn what_comes_late_of_a_forgotten_agent_makes_no_alarm() {
    let mut rig = deleted().await;
    rig.to("2026-06-14T12:21:00Z").await;
    rig.append_late(1, "12:10", heartbeat("job", HeartbeatStatus::Fail)).await;
    rig.append_late(2, "12:15", start("job").at(time("12:15")).idle(600, FinishStatus::Timeout)).await;
    rig.append_late(3, "12:16", start("job").at(time("12:16"))).await;
    rig.again(4, "11:40", heartbeat("job", HeartbeatStatus::Fail)).await;
    rig.to("2026-06-14T12:40:00Z").await;
    rig.to("2026-06-14T13:40:00Z").await;
    assert_eq!((rig.messages().len(), rig.incident_docs().await.len()), (2, 1));
    assert!(!knows(&rig, "job"));
    rig.beat(5, "job", HeartbeatStatus::Fail).await;
    rig.to("2026-06-14T13:40:10Z").await;
    assert_eq!((rig.messages().len(), rig.incident_docs().await.len()), (3, 2));
    assert!(knows(&rig, "job"));
}

/// An agent that has reported since its deletion is not forgotten, and neither is one of which something is open.
#[tokio::test]
async fn an_agent_that_has_reported_since_is_known() {
    for status in [HeartbeatStatus::Ok, HeartbeatStatus::Fail] {
        let mut rig = deleted().await;
        rig.beat(1, "job", status).await;
        rig.to("2026-06-14T12:21:00Z").await;
        assert!(knows(&rig, "job"), "{status:?}");
    }
}

/// A run that the judge knows as deleted is not watched if its opening comes late: its idle timeout fails no run.
#[tokio::test]
async fn a_run_that_comes_late_of_a_deleted_agent_makes_no_incident() {
    let mut rig = deleted().await;
    rig.append_late(1, "12:15", start("job").at(time("12:15")).idle(900, FinishStatus::Timeout)).await;
    rig.to("12:40").await;
    rig.to("13:20").await;
    assert_eq!(rig.incident_docs().await.len(), 1);
    assert!(knows(&rig, "job"));
}
