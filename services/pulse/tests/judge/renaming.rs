//! Agents that are renamed: judged on as if nothing had been (AC-77).

use serde_json::json;
use tidegate_agentping::HeartbeatStatus::Ok as Good;
use tidegate_agentping::{AgentNames, HeartbeatStatus, Rename};
use tidegate_agentping_ports::NamesDoc;
use tidegate_agentping_settings::{ScheduleDoc, kinds};
use tidegate_agentping_testkit::{slug, team};
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected};

use crate::rig::Rig;

impl Rig {
    /// As the management API does it: the name and the schedule move in one write.
    async fn rename(&self, from: &str, to: &str) {
        let mut names: NamesDoc = self.document(kinds::NAMES, kinds::WHOLE_TEAM).await;
        names.renames.push(Rename { from: slug(from), to: slug(to), at: self.clock.now() });
        let schedule: ScheduleDoc = self.document(kinds::SCHEDULE, from).await;
        let write = |kind: &str, name: &str, doc: Option<Vec<u8>>| {
            let expected = Expected::Anything;
            DocumentWrite { kind: kind.into(), name: name.into(), expected, doc, ends_at: None }
        };
        let writes = [
            write(kinds::NAMES, kinds::WHOLE_TEAM, Some(serde_json::to_vec(&names).unwrap())),
            write(kinds::SCHEDULE, from, None),
            write(kinds::SCHEDULE, to, Some(serde_json::to_vec(&schedule).unwrap())),
        ];
        self.documents.write(&team(1).to_string(), &writes, self.clock.now()).await.unwrap();
    }

    /// A heartbeat as the front door puts it on the log: under the key of its name.
    async fn sent(&self, run: u128, name: &str, status: HeartbeatStatus) {
        let names: NamesDoc = self.document(kinds::NAMES, kinds::WHOLE_TEAM).await;
        let names = AgentNames::of(&names.renames);
        self.beat(run, names.key(&slug(name)).as_str(), status).await;
    }
}

/// AC-77: no slot is missed for the rename, and those before and after it are one agent's.
#[tokio::test]
async fn ac_77_slots_go_on_over_a_rename() {
    let mut rig = Rig::new().await;
    rig.agent("old", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:01").await;
    rig.sent(1, "old", Good).await;
    // The run that covers the slot came under the old name, and is judged under the new one.
    rig.to("12:03").await;
    rig.rename("old", "new").await;
    rig.to("12:30").await;
    rig.to("13:02").await;
    rig.sent(2, "new", Good).await;
    rig.to("13:30").await;
    assert_eq!(rig.slots("old").await, ["12:00 ok", "13:00 ok"], "by the key, which does not change");
    assert_eq!((rig.messages(), rig.incidents().await.len()), (Vec::new(), 0));
    // The schedule of the new name is the agent's: what is changed of it holds.
    rig.schedule("new", json!({"cron": "45 * * * *", "tolerance_s": 600})).await;
    rig.to("14:47").await;
    rig.sent(3, "new", Good).await;
    rig.to("15:20").await;
    assert_eq!(rig.slots("old").await, ["12:00 ok", "13:00 ok", "13:45 missed", "14:45 ok"]);
}

/// AC-77: an incident stays open over a rename, also over a restart, and its recovery has its id.
#[tokio::test]
async fn ac_77_an_incident_goes_on_under_the_new_name() {
    let mut rig = Rig::new().await;
    rig.agent("old", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:30").await;
    let opened = rig.incident_docs().await;
    assert_eq!((opened.len(), opened[0].is_open()), (1, true));
    rig.rename("old", "new").await;
    rig.to("12:40").await;
    rig.judge.as_mut().unwrap().finish().await.unwrap();
    rig.start().await;
    rig.to("13:02").await;
    rig.sent(1, "new", Good).await;
    rig.to("13:30").await;
    let resolved = rig.incident_docs().await;
    assert_eq!((resolved.len(), resolved[0].id, resolved[0].is_open()), (1, opened[0].id, false));
    assert_eq!(rig.messages().len(), 2, "an opening and a recovery");
    let ids: Vec<_> = rig.sent.by_id.lock().unwrap().values().map(|alert| alert.message.incident).collect();
    assert_eq!(ids, [opened[0].id; 2]);
}

/// AC-77: who reports under the old name afterwards is a new agent, without a schedule, and covers nothing.
#[tokio::test]
async fn ac_77_the_old_name_is_a_new_agent() {
    let mut rig = Rig::new().await;
    rig.agent("old", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.rename("old", "new").await;
    rig.to("12:01").await;
    rig.sent(1, "old", Good).await;
    rig.to("12:30").await;
    assert_eq!(rig.slots("old").await, ["12:00 missed"]);
    let names = AgentNames::of(&[Rename { from: slug("old"), to: slug("new"), at: rig.clock.now() }]);
    let fresh = names.key(&slug("old")).as_str().to_owned();
    assert_eq!(rig.slots(&fresh).await, Vec::<String>::new());
    assert_eq!(rig.state(&fresh).await, "up");
    // It has a schedule of its own, and neither touches the other.
    rig.schedule("old", json!({"cron": "15 * * * *", "tolerance_s": 600})).await;
    rig.to("13:02").await;
    rig.sent(2, "new", Good).await;
    rig.to("13:40").await;
    assert_eq!(rig.slots("old").await, ["12:00 missed", "13:00 ok"]);
    assert_eq!(rig.slots(&fresh).await, ["13:15 missed"]);
}

/// AC-77: there and back again, without a gap.
#[tokio::test]
async fn ac_77_there_and_back_again() {
    let mut rig = Rig::new().await;
    rig.agent("old", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    for (hour, names) in [("12", ["old", "new"]), ("13", ["new", "old"]), ("14", ["old", "new"])] {
        rig.to(&format!("{hour}:01")).await;
        rig.sent(hour.parse().unwrap(), names[0], Good).await;
        rig.to(&format!("{hour}:02")).await;
        rig.rename(names[0], names[1]).await;
        rig.to(&format!("{hour}:30")).await;
    }
    assert_eq!(rig.slots("old").await, ["12:00 ok", "13:00 ok", "14:00 ok"]);
    assert_eq!(rig.messages(), Vec::<String>::new());
}
