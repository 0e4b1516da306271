//! What a judge has written, as it is shown: slots, incidents, how agents stand.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::{AgentId, RunStatus, Slug};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::agent::{AgentStanding, LastSuccess};
use tidegate_agentping_pulse::incident::track::{InARow, Track};
use tidegate_agentping_pulse::incident::{IncidentId, Subject};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, DoubtReason, IncidentOrigin, Slot, SlotOutcome};
use tidegate_agentping_testkit::run_id;
use tidegate_agentping_verdicts::{IncidentDoc, JudgedDoc, LastRun, RecentDoc, SlotDoc, StandingDoc, check_track_key};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, RowWrite, Rows};

use crate::house::*;

const SLOTS: &str = "/v1/agents/nightly/slots";

fn incident(number: u128, opened_at: Timestamp) -> IncidentDoc {
    IncidentDoc {
        id: IncidentId::from_bits(Region::Eu, number),
        agent: slug("nightly"),
        kind: AlertKind::ScheduleMissed,
        severity: AlertSeverity::Error,
        opened_at,
        resolved_at: None,
        resolved_by: None,
        origin: IncidentOrigin::Slot(opened_at.plus_millis(-600_000)),
        count: 2,
    }
}

fn slot(minutes: i64, outcome: SlotOutcome) -> SlotDoc {
    let at = at(NOON).plus_millis(minutes * 60_000);
    SlotDoc { at, deadline: at.plus_millis(60_000), outcome, run: None, reason: None, incident: None }
}

impl House {
    async fn judged(&self, rows: impl IntoIterator<Item = RowWrite>) {
        self.rows.put(Arc::new(rows.into_iter().collect()), self.clock.now()).await.unwrap();
    }

    async fn slots(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("{SLOTS}{query}")).await.ok();
        let slots = list["slots"].as_array().unwrap().clone();
        slots
            .iter()
            .map(|slot| format!("{} {}", &slot["at"].as_str().unwrap()[11..16], slot["outcome"].as_str().unwrap()))
            .collect()
    }
}

#[tokio::test]
async fn slots_are_listed_newest_first_by_page() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    assert_eq!(house.get(SLOTS).await.ok(), json!({"slots": [], "next_cursor": null}));
    let agent = agent_id(team(1), &slug("nightly"));
    let outcomes = [SlotOutcome::Ok, SlotOutcome::Missed, SlotOutcome::Unknown, SlotOutcome::Failed];
    let docs = (0..300).map(|number| {
        let doc = slot(-(number * 30), outcomes[number as usize % 4]);
        SlotDoc {
            run: (number % 4 == 0).then(|| run_id(7)),
            reason: (number % 4 == 2).then_some(DoubtReason::FrontDoor),
            ..doc
        }
    });
    house.judged(docs.map(|doc| doc.row(agent))).await;
    let (mut all, mut path) = (Vec::new(), format!("{SLOTS}?limit=70"));
    loop {
        let page = house.get(&path).await.ok();
        all.extend(page["slots"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{SLOTS}?limit=70&cursor={cursor}");
    }
    assert_eq!(all.len(), 300);
    assert!(all.windows(2).all(|two| two[0]["at"].as_str() > two[1]["at"].as_str()));
    let run = run_id(7).to_string();
    assert_eq!(all[0], json!({"at": NOON, "deadline": "2026-05-15T12:01:00.000Z", "outcome": "ok", "run_id": run}));
    assert_eq!((&all[2]["outcome"], &all[2]["reason"]), (&json!("unknown"), &json!("front_door")));
    let between = "?from=2026-05-15T11:00:00Z&to=2026-05-15T11:30:00Z";
    assert_eq!(house.slots(between).await, ["11:30 missed", "11:00 unknown"]);
    assert_refusal(&house.get("/v1/agents/other/slots").await, 404, "not_found", None);
    assert_eq!(house.get_as(Some(KEY_B), SLOTS).await.status, 404, "AC-82");
    for wrong in ["?from=noon", "?limit=0", "?limit=201", "?cursor=x", "?colour=red"] {
        assert_eq!(house.get(&format!("{SLOTS}{wrong}")).await.status, 400, "{wrong}");
    }
}

/// A slot whose time has come is open until it is decided.
#[tokio::test]
async fn a_slot_is_open_until_it_is_decided() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.put("/v1/agents/nightly/schedule", &json!({"cron": "*/10 * * * *", "tolerance_s": 60})).await.ok();
    let next = Slot {
        at: at("2026-05-15T12:20:00Z"),
        window_from: at("2026-05-15T12:19:00Z"),
        deadline: at("2026-05-15T12:21:00Z"),
        in_gap: false,
    };
    house
        .judged([
            slot(10, SlotOutcome::Missed).row(agent_id(team(1), &slug("nightly"))),
            standing(Some(next)).row(team(1), &slug("nightly"), 1),
        ])
        .await;
    house.clock.advance_ms(30 * 60_000);
    assert_eq!(house.slots("").await, ["12:30 open", "12:20 open", "12:10 missed"]);
}

fn standing(next_slot: Option<Slot>) -> StandingDoc {
    let received_at = at(NOON);
    let mut recent = RecentDoc::default();
    recent.note_slot(&slot(-10, SlotOutcome::Ok));
    recent.note_slot(&SlotDoc { reason: Some(DoubtReason::FrontDoor), ..slot(-5, SlotOutcome::Unknown) });
    [9, 5, 7].into_iter().for_each(|duration_ms| recent.note_duration(duration_ms));
    StandingDoc {
        state: AgentStanding::Up,
        since: at(NOON),
        next_slot,
        last_success: Some(LastSuccess {
            run: run_id(3),
            finished_at: at(NOON),
            duration_ms: Some(5),
            cost: Default::default(),
        }),
        last_run: Some(LastRun { run: run_id(3), status: RunStatus::Success, received_at }),
        open_incidents: vec![IncidentId::from_bits(Region::Eu, 1)],
        recent,
    }
}

#[tokio::test]
async fn incidents_are_listed_and_read() {
    let house = House::open().await;
    let open = incident(1, at(NOON));
    let older = incident(2, at("2026-04-02T03:00:00Z"));
    let resolved = IncidentDoc {
        resolved_at: Some(at("2026-04-02T04:00:00Z")),
        resolved_by: Some(IncidentOrigin::Slot(at("2026-04-02T03:50:00Z"))),
        agent: slug("other"),
        ..older
    };
    house.judged(open.rows(team(1)).into_iter().chain(resolved.rows(team(1)))).await;
    let expected = json!({
        "id": open.id.to_string(), "agent": "nightly", "kind": "schedule_missed", "status": "open", "severity": "error",
        "opened_at": NOON, "slot": "2026-05-15T11:50:00.000Z", "count": 2, "muted": false,
        "deliveries": [],
    });
    let path = format!("/v1/incidents/{}", open.id);
    assert_eq!(house.get(&path).await.ok(), expected);
    let over = house.get(&format!("/v1/incidents/{}", resolved.id)).await.ok();
    assert_eq!(
        [&over["status"], &over["resolved_by_slot"], &over["resolved_by_run_id"]],
        [&json!("resolved"), &json!("2026-04-02T03:50:00.000Z"), &Value::Null]
    );
    let listed = async |query: &str| {
        let list = house.get(&format!("/v1/incidents{query}")).await.ok();
        let ids: Vec<Value> =
            list["incidents"].as_array().unwrap().iter().map(|incident| incident["id"].clone()).collect();
        (ids, list["next_cursor"].as_str().map(str::to_owned))
    };
    let (first, second) = (json!(open.id.to_string()), json!(resolved.id.to_string()));
    assert_eq!(listed("").await, (vec![first.clone(), second.clone()], None));
    for (query, ids) in [
        ("?status=open", vec![&first]),
        ("?status=resolved", vec![&second]),
        ("?agent=other", vec![&second]),
        ("?kind=run_failed", vec![]),
        ("?kind=schedule_missed&agent=nightly", vec![&first]),
    ] {
        assert_eq!(listed(query).await.0.iter().collect::<Vec<_>>(), ids, "{query}");
    }
    let (page, cursor) = listed("?limit=1").await;
    assert_eq!(page, [first]);
    assert_eq!(listed(&format!("?limit=1&cursor={}", cursor.unwrap())).await, (vec![second], None));
    for wrong in ["?status=shut", "?kind=none", "?agent=", "?limit=x", "?cursor=1"] {
        assert_eq!(house.get(&format!("/v1/incidents{wrong}")).await.status, 400, "{wrong}");
    }
    assert_refusal(&house.get_as(Some(KEY_B), &path).await, 404, "not_found", None);
    assert_refusal(&house.get("/v1/incidents/inc_eu_1").await, 404, "not_found", None);
    house.put("/v1/agents/nightly/mute", &json!({"until": "2026-05-15T13:00:00Z"})).await;
}

/// An open incident is found beneath more resolved ones than are looked at for it: its agent's standing names it.
#[tokio::test]
async fn open_incidents_are_found_beneath_many_that_are_resolved() {
    let house = House::open().await;
    let open = incident(1, at("2026-04-02T03:00:00Z"));
    let resolved = (2..=301_i64).map(|number| {
        let opened_at = at(NOON).plus_millis(-60_000 * number);
        IncidentDoc { resolved_at: Some(at(NOON)), ..incident(number as u128, opened_at) }
    });
    let rows = resolved.chain([open.clone()]).flat_map(|doc| doc.rows(team(1)));
    house.judged(rows.chain([standing(None).row(team(1), &slug("nightly"), 1)])).await;
    let list = house.get("/v1/incidents?status=open").await.ok();
    let ids: Vec<&Value> = list["incidents"].as_array().unwrap().iter().map(|incident| &incident["id"]).collect();
    assert_eq!((ids, &list["next_cursor"]), (vec![&json!(open.id.to_string())], &Value::Null));
}

/// AC-20: late between slot and deadline; a pause holds at once.
#[tokio::test]
async fn ac_20_the_status_says_how_agents_stand() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.with_agent("other", 2).await;
    let before = house.get("/v1/status").await.ok();
    assert_eq!((before.get("judged_until"), &before["agents"][0]["state"]), (None, &json!("up")));
    let slot_at = at("2026-05-15T12:20:00Z");
    let next = Slot { at: slot_at, window_from: slot_at, deadline: slot_at.plus_millis(60_000), in_gap: false };
    let name: Slug = slug("nightly");
    house.judged([standing(Some(next)).row(team(1), &name, 1), JudgedDoc { until: at(NOON) }.row()]).await;
    let status = house.get("/v1/status").await.ok();
    let id = IncidentId::from_bits(Region::Eu, 1).to_string();
    let expected = json!({
        "agent": "nightly", "state": "up", "since": NOON, "last_success": NOON, "next_slot": "2026-05-15T12:20:00.000Z",
        "open_incidents": [id], "muted": false, "paused": false, "median_duration_ms": 7, "routes": [],
    });
    assert_eq!((&status["judged_until"], &status["incidents_open"]), (&json!(NOON), &json!(1)));
    assert_eq!((&status["agents"][0], status["agents"].as_array().unwrap().len()), (&expected, 2));
    house.clock.advance_ms(20 * 60_000);
    let agent = house.get("/v1/agents/nightly").await.ok();
    assert_eq!((&agent["state"], &agent["since"]), (&json!("late"), &json!("2026-05-15T12:20:00.000Z")));
    assert_eq!(
        (&agent["open_incidents"], &agent["last_success"]["run_id"]),
        (&json!(1), &json!(run_id(3).to_string()))
    );
    house.put("/v1/agents/nightly/pause", &json!({})).await.ok();
    let status = house.get("/v1/status?limit=1").await.ok();
    assert_eq!((&status["agents"][0]["state"], &status["agents"][0]["paused"]), (&json!("paused"), &json!(true)));
    assert!(status["next_cursor"].is_string());
    assert_eq!(house.get_as(Some(KEY_B), "/v1/status").await.ok()["agents"], json!([]));
}

/// The last slots come where they are asked for, with the next one by the clock of the schedule's zone.
#[tokio::test]
async fn the_status_has_the_last_slots_of_each_agent() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let schedule = json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"});
    house.put("/v1/agents/nightly/schedule", &schedule).await.ok();
    let next = Slot { at: at("2026-05-16T00:30:00Z"), window_from: at(NOON), deadline: at(NOON), in_gap: false };
    house.judged([standing(Some(next)).row(team(1), &slug("nightly"), 1)]).await;
    let plain = house.get("/v1/status").await.ok();
    assert_eq!(plain["agents"][0].get("recent_slots"), None);
    let status = house.get("/v1/status?recent_slots=true").await.ok();
    let agent = &status["agents"][0];
    let slots = json!([
        {"at": "2026-05-15T11:50:00.000Z", "outcome": "ok"},
        {"at": "2026-05-15T11:55:00.000Z", "outcome": "unknown", "reason": "front_door"},
    ]);
    assert_eq!((&agent["recent_slots"], &agent["next_slot_local"]), (&slots, &json!("2026-05-16T02:30:00+02:00")));
    assert_refusal(&house.get("/v1/status?recent_slots=1").await, 400, "invalid_field", Some("recent_slots"));
    assert_refusal(&house.get("/v1/status?limit=1001").await, 400, "invalid_field", Some("limit"));
    house.get("/v1/status?limit=1000").await.ok();
}

/// A check of an agent that has failed: its incident, and the rows of both. Rows of former builds do not name agents.
fn failed_check(check: &str, number: u128, agent: &str, names_agent: bool) -> (IncidentId, Vec<RowWrite>) {
    let subject = Subject { agent: AgentId::from_bits(Region::Eu, number), kind: AlertKind::CheckFailed };
    let mut track = Track::default();
    let edge = track.bad(&subject, InARow::ONE, IncidentOrigin::Run(run_id(number)), at(NOON)).unwrap();
    let mut doc = json!({"track": track, "rank": 1});
    if names_agent {
        doc["last"] = json!({ "agent": agent });
    }
    let key = check_track_key(team(1), check);
    let mut rows = vec![RowWrite { key, rank: 1, doc: Some(doc.to_string().into_bytes()) }];
    rows.extend(IncidentDoc::of(&edge, &slug(agent), edge.origin).rows(team(1)));
    (edge.incident, rows)
}

/// AC-80: incidents of checks are counted wherever open incidents are, as they are listed.
#[tokio::test]
async fn ac_80_open_incidents_of_checks_are_counted_as_they_are_listed() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.with_agent("other", 2).await;
    let missed = incident(1, at(NOON));
    let mut checks = Vec::new();
    for agent in ["nightly", "other"] {
        let check = json!({"name": "short", "type": "length", "unit": "characters", "max": 10});
        let made = house.post(&format!("/v1/agents/{agent}/checks"), &check).await.with(201);
        checks.push(made["id"].as_str().unwrap().to_owned());
    }
    let (checked, rows) = failed_check(&checks[0], 10, "nightly", true);
    let (of_former, former_rows) = failed_check(&checks[1], 11, "other", false);
    house.judged([standing(None).row(team(1), &slug("nightly"), 1)]).await;
    house.judged(missed.rows(team(1)).into_iter().chain(rows).chain(former_rows)).await;
    let list = house.get("/v1/incidents?status=open").await.ok();
    let listed = list["incidents"].as_array().unwrap().len();
    assert_eq!(listed, 3);
    let status = house.get("/v1/status").await.ok();
    assert_eq!(status["incidents_open"], json!(listed));
    let ids = |agent: usize| status["agents"][agent]["open_incidents"].clone();
    assert_eq!(ids(0), json!([missed.id.to_string(), checked.to_string()]));
    assert_eq!(ids(1), json!([of_former.to_string()]));
    let agents = house.get("/v1/agents").await.ok();
    let counted = [&agents["agents"][0]["open_incidents"], &agents["agents"][1]["open_incidents"]];
    assert_eq!(counted, [&json!(2), &json!(1)]);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["open_incidents"], json!(2));
    assert_eq!(house.get("/v1/agents/other").await.ok()["open_incidents"], json!(1));
    let metrics = house.get("/v1/metrics").await.text;
    let line = format!("tidegate_team_incidents_open {listed}");
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
    assert_eq!(house.get_as(Some(KEY_B), "/v1/status").await.ok()["incidents_open"], json!(0));
}

/// AC-80: the team's metrics have its agents and no other team's, in Prometheus' text format.
#[tokio::test]
async fn ac_80_a_teams_metrics_have_its_own_agents() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let doc = StandingDoc { state: AgentStanding::Down, ..standing(None) };
    let judged = JudgedDoc { until: at(NOON) };
    house.judged([doc.row(team(1), &slug("nightly"), 1), judged.row()]).await;
    let answer = house.get("/v1/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let noon = at(NOON).as_millis() as f64 / 1_000.0;
    for line in [
        "tidegate_agent_up{agent=\"nightly\"} 0".to_owned(),
        "tidegate_agent_late{agent=\"nightly\"} 0".to_owned(),
        "tidegate_agent_paused{agent=\"nightly\"} 0".to_owned(),
        "tidegate_agent_cost_usd_today{agent=\"nightly\"} 0".to_owned(),
        format!("tidegate_agent_last_success_timestamp_seconds{{agent=\"nightly\"}} {noon}"),
        "# TYPE tidegate_team_incidents_open gauge".to_owned(),
        "tidegate_team_incidents_open 1".to_owned(),
        format!("tidegate_team_judged_until_timestamp_seconds {noon}"),
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line} in\n{}", answer.text);
    }
    let others = house.get_as(Some(KEY_B), "/v1/metrics").await;
    assert!(others.status == 200 && !others.text.contains("nightly"), "{}", others.text);
    assert!(others.text.contains("tidegate_team_incidents_open 0"));
    assert_eq!(house.get_as(None, "/v1/metrics").await.status, 401);
}
