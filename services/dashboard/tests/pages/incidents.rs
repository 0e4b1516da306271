//! The page of one incident.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::json;
use tidegate_agentping::{FinishStatus, RunId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, IncidentOrigin, SlotOutcome};
use tidegate_agentping_verdicts::{IncidentDoc, SlotDoc};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, RowWrite, Rows};

use crate::house::*;
use crate::spoken::Spoken;

const EVIL: &str = "<script>alert(1)</script>";
const MINUTE_MS: i64 = 60_000;

fn at(minutes: i64) -> Timestamp {
    NOON.plus_millis(minutes * MINUTE_MS)
}

/// An incident of `nightly`, open since ten minutes past ten.
pub fn incident(number: u128, kind: AlertKind, origin: IncidentOrigin) -> IncidentDoc {
    IncidentDoc {
        id: IncidentId::from_bits(Region::Eu, number),
        agent: slug("nightly"),
        kind,
        severity: AlertSeverity::Error,
        opened_at: at(-110),
        resolved_at: None,
        origin,
        resolved_by: None,
        count: 2,
    }
}

impl House {
    pub async fn judged(&self, rows: impl IntoIterator<Item = RowWrite>) {
        self.rows.put(Arc::new(rows.into_iter().collect()), self.clock.now()).await.unwrap();
    }

    /// A slot of the agent: its minute, its outcome, its incident and its run.
    async fn slot(&self, minutes: i64, outcome: SlotOutcome, incident: Option<IncidentId>, run: Option<RunId>) {
        let agent = agent_id(team(1), &slug("nightly"));
        let (at, deadline) = (at(minutes), at(minutes + 10));
        self.judged([SlotDoc { at, deadline, outcome, run, reason: None, incident }.row(agent)]).await;
    }
}

/// It has the slots in it, what changed when, and the run that resolved it.
#[tokio::test]
async fn an_incident_of_slots_says_what_became_of_it() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly").at(at(-60))).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Success)).await;
    let missed = incident(1, AlertKind::ScheduleMissed, IncidentOrigin::Slot(at(-120)));
    let resolved =
        IncidentDoc { resolved_at: Some(at(-60)), resolved_by: Some(IncidentOrigin::Slot(at(-60))), ..missed.clone() };
    house.slot(-150, SlotOutcome::Ok, None, None).await;
    house.slot(-120, SlotOutcome::Missed, Some(missed.id), None).await;
    house.slot(-90, SlotOutcome::Missed, Some(missed.id), None).await;
    house.slot(-60, SlotOutcome::Ok, None, Some(run_id(1))).await;
    house.judged(missed.rows(team(1))).await;
    let path = format!("/teams/acme/incidents/{}", missed.id);
    let open = house.page(&path).await;
    open.has(&[
        "schedule_missed",
        ">open<",
        "data-live=\"5\"",
        "The slot of <time datetime=\"2026-05-15T10:00:00.000Z\"",
        "one more slot was missed: that of 2026-05-15 10:30 UTC",
        "action=\"/teams/acme/agents/nightly/mute\"",
    ]);
    open.has_not(&["What resolved it"]);
    house.judged(resolved.rows(team(1))).await;
    let over = house.page(&path).await;
    over.has(&["What resolved it", ">resolved<", &run_id(1).to_string(), "50 min 00 s", "Slots in it"]);
    over.has_not(&["data-live"]);
    assert_eq!(over.text.matches(">missed<").count(), 2, "the slots before and after are not in it");
    // It is linked from where incidents are listed.
    for page in ["/teams/acme/alerts", "/teams/acme/agents/nightly"] {
        house.page(page).await.has(&[&format!("href=\"{path}\"")]);
    }
}

/// Of failed runs it has those that failed while it was open; of another, the run that opened it.
#[tokio::test]
async fn an_incident_of_runs_has_its_runs() {
    let house = House::open().await;
    for (run, minutes, status) in [
        (1, -120, FinishStatus::Success),
        (2, -110, FinishStatus::Failed),
        (3, -100, FinishStatus::Failed),
        (4, -90, FinishStatus::Success),
        (5, -80, FinishStatus::Failed),
    ] {
        house.tell(team(1), run_id(run), start("nightly").at(at(minutes))).await;
        house.tell(team(1), run_id(run), finish(status).at(at(minutes + 1))).await;
    }
    house.tell(team(1), run_id(6), start("below").at(at(-70))).await;
    let failed = IncidentDoc {
        resolved_at: Some(at(-89)),
        resolved_by: Some(IncidentOrigin::Run(run_id(4))),
        ..incident(1, AlertKind::RunFailed, IncidentOrigin::Run(run_id(2)))
    };
    let child = IncidentOrigin::Child { run: run_id(5), child: run_id(6) };
    let of_child = incident(2, AlertKind::RunFailed, child);
    let stuck = incident(3, AlertKind::RunStuck, IncidentOrigin::Run(run_id(3)));
    house.judged([&failed, &of_child, &stuck].into_iter().flat_map(|doc| doc.rows(team(1)))).await;
    let runs = |numbers: [u128; 2]| numbers.map(|number| run_id(number).to_string());
    let page = async |doc: &IncidentDoc| house.page(&format!("/teams/acme/incidents/{}", doc.id)).await;
    let shown = page(&failed).await;
    shown.has(&runs([2, 3]).each_ref().map(String::as_str));
    shown.has(&["Runs that failed meanwhile", "What resolved it", &run_id(4).to_string()]);
    shown.has_not(&runs([1, 5]).each_ref().map(String::as_str));
    let shown = page(&of_child).await;
    shown.has(&runs([5, 6]).each_ref().map(String::as_str));
    shown.has(&["below the run"]);
    let shown = page(&stuck).await;
    shown.has(&[&run_id(3).to_string()]);
    shown.has_not(&runs([2, 4]).each_ref().map(String::as_str));
}

/// AC-82: another team's incident answers like one that does not exist.
#[tokio::test]
async fn another_teams_incident_is_not_there() {
    let house = House::open().await;
    let theirs = incident(1, AlertKind::ScheduleMissed, IncidentOrigin::Slot(at(-120)));
    house.judged(theirs.rows(team(2))).await;
    let refused = house.page(&format!("/teams/acme/incidents/{}", theirs.id)).await;
    let unknown = house.page(&format!("/teams/acme/incidents/{}", IncidentId::from_bits(Region::Eu, 9))).await;
    let no_id = house.page("/teams/acme/incidents/none").await;
    assert_eq!((refused.status, &refused.text), (StatusCode::NOT_FOUND, &unknown.text));
    assert_eq!((no_id.status, &no_id.text), (StatusCode::NOT_FOUND, &unknown.text));
}

fn with_messages() -> (axum::Router, Spoken) {
    let message = |number: usize| {
        json!({
            "id": format!("whd_eu_{number}"), "route": if number == 2 { "aroute_eu_2" } else { "aroute_eu_1" },
            "incident_id": "inc_eu_1", "alert": "schedule_missed",
            "agent": "nightly", "edge": "firing", "status": "failed", "created_at": "2026-05-15T02:45:00.000Z", "body": EVIL,
            "tries": [{"at": "2026-05-15T02:45:00.000Z", "status": 500, "error": EVIL, "answer": EVIL, "took_ms": 3}],
        })
    };
    let incident = json!({
        "id": "inc_eu_1", "agent": "nightly", "kind": "schedule_missed", "status": "open", "severity": "error", "count": 1,
        "opened_at": "2026-05-15T02:45:00.000Z", "slot": "2026-05-15T02:30:00.000Z", "muted": false,
        "deliveries": (1..=25).map(message).collect::<Vec<_>>(),
    });
    Spoken::of(vec![
        ("GET /v1/incidents/inc_eu_1", incident),
        ("GET /v1/routes", json!({"routes": [{"id": "aroute_eu_1", "name": EVIL}]})),
        ("POST /v1/deliveries/whd_eu_1/resend", json!({"id": "whd_eu_1"})),
        ("PUT /v1/agents/nightly/mute", json!({})),
    ])
}

/// AC-78: its messages with their tries are text, and its forms lead back to it.
#[tokio::test]
async fn messages_are_shown_and_sent_again() {
    let (api, spoken) = with_messages();
    let house = House::with_api(api).await;
    let cookie = house.sign_in(KEY_A).await;
    let path = "/teams/acme/incidents/inc_eu_1";
    let page = house.get(Some(&cookie), path).await;
    page.has(&["whd_eu_20", "500", "&lt;script&gt;alert(1)&lt;/script&gt;", "5 older messages"]);
    page.has(&["href=\"/teams/acme/routes/aroute_eu_1\"", "aroute_eu_2</code>, a route that is deleted"]);
    page.has_not(&[EVIL, "whd_eu_21", "routes/aroute_eu_2"]);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let press = async |path: &str, fields: &str| {
        let form = format!("csrf={}&incident=inc_eu_1&{fields}", page.csrf());
        house.post(Some(&cookie), &format!("/teams/acme{path}"), &form).await
    };
    let sent = press("/deliveries/whd_eu_1/resend", "").await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, Some(path)));
    spoken.asked("POST /v1/deliveries/whd_eu_1/resend");
    let muted = press("/agents/nightly/mute", "hours=1&reason=known").await;
    assert_eq!((muted.status, muted.location()), (StatusCode::SEE_OTHER, Some(path)));
    assert_eq!(spoken.asked("PUT /v1/agents/nightly/mute")["reason"], "known");
    // Whatever a form names, it leads to a page of the team.
    let form = format!("csrf={}&incident=//evil.example", page.csrf());
    let sent = house.post(Some(&cookie), "/teams/acme/deliveries/whd_eu_1/resend", &form).await;
    assert_eq!(sent.location(), Some("/teams/acme/incidents/%2F%2Fevil.example"));
    let read_only = house.sign_in(READ_KEY).await;
    house.get(Some(&read_only), path).await.has_not(&["Send again", "Mute the agent"]);
    let foreign = house.post(Some(&cookie), "/teams/acme/deliveries/whd_eu_1/resend", "csrf=x&incident=inc_eu_1").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}
