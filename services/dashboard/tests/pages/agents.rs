//! The pages of agents.

use std::sync::Arc;

use reqwest::StatusCode;
use tidegate_agentping::FinishStatus;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_pulse::{DoubtReason, Slot, SlotOutcome};
use tidegate_agentping_verdicts::{RecentDoc, SlotDoc, StandingDoc};
use tidegate_ports::{Clock, RowWrite, Rows};

use crate::house::*;

async fn of_three() -> House {
    let house = House::open().await;
    for (run, agent, usd) in [(1, "alpha", "1"), (2, "beta/x", "3"), (3, "beta/x", "0.25"), (4, "gamma", "2")] {
        house.tell(team(1), run_id(run), start(agent)).await;
        house.tell(team(1), run_id(run), vec![event(run).llm("m", Some(usd))]).await;
        let status = if agent == "gamma" { FinishStatus::Failed } else { FinishStatus::Success };
        house.tell(team(1), run_id(run), finish(status)).await;
    }
    house
}

fn order(page: &Answer) -> Vec<&str> {
    let rows = page.ok().split("<th scope=\"row\">").skip(1);
    rows.map(|row| row.split("\">").nth(1).unwrap().split('<').next().unwrap()).collect()
}

#[tokio::test]
async fn agents_are_sorted_and_searched_by_the_query() {
    let house = of_three().await;
    let cookie = house.sign_in(KEY_A).await;
    let page = async |query: &str| house.get(Some(&cookie), &format!("/teams/acme/agents{query}")).await;
    // A ping token made for it is what "nightly" is known by.
    assert_eq!(order(&page("").await), ["alpha", "beta/x", "gamma", "nightly"]);
    assert_eq!(order(&page("?sort=cost").await), ["beta/x", "gamma", "alpha", "nightly"]);
    assert_eq!(order(&page("?sort=runs&q=A").await), ["beta/x", "alpha", "gamma"]);
    assert_eq!(order(&page("?q=GAM").await), ["gamma"]);
    page("").await.has(&["href=\"/teams/acme/agents/beta%2Fx\"", "$3.25", "never"]);
    assert_eq!(page("?sort=colour").await.status, StatusCode::BAD_REQUEST);
    // A page beyond the last one is the last one.
    assert_eq!(order(&page("?page=2").await), ["alpha", "beta/x", "gamma", "nightly"]);
    page("?state=down").await.has(&["No agent is in this state."]);
}

#[tokio::test]
async fn an_agent_has_its_runs_and_its_month() {
    let house = of_three().await;
    let cookie = house.sign_in(KEY_A).await;
    let page = house.get(Some(&cookie), "/teams/acme/agents/beta%2Fx").await;
    page.has(&["<h1>beta/x", "$3.25", &run_id(2).to_string(), &run_id(3).to_string(), "PING_TOKEN", "agt_eu_"]);
    page.has_not(&[&run_id(1).to_string()]);
    house.get(Some(&cookie), "/teams/acme/agents/nightly").await.has(&["No run of it has arrived yet.", "tok_eu_"]);
    assert_eq!(house.get(Some(&cookie), "/teams/acme/agents/delta").await.status, StatusCode::NOT_FOUND);
}

/// The last 30 days: runs, failures and cost of each, with today; what is older is not there.
#[tokio::test]
async fn an_agent_has_its_days() {
    let house = House::open().await;
    let day_ms = 86_400_000;
    for (run, days, status, usd) in [
        (1, 0, FinishStatus::Success, "0.5"),
        (2, 1, FinishStatus::Failed, "1"),
        (3, 1, FinishStatus::Success, "0.25"),
        (4, 29, FinishStatus::Timeout, "2"),
        (5, 30, FinishStatus::Failed, "100"),
    ] {
        let at = NOON.plus_millis(-days * day_ms);
        house.tell(team(1), run_id(run), start("by-day").at(at)).await;
        house.tell(team(1), run_id(run), vec![event(run).at(at).llm("m", Some(usd))]).await;
        house.tell(team(1), run_id(run), finish(status).at(at)).await;
    }
    let cookie = house.sign_in(KEY_A).await;
    let page = house.get(Some(&cookie), "/teams/acme/agents/by-day").await;
    page.has(&[
        "<title>2026-05-15: 1 run, 0 failed, $0.50</title>",
        "<title>2026-05-14: 2 runs, 1 failed, $1.25</title>",
        "<title>2026-04-16: 1 run, 1 failed, $2.00</title>",
        "2 runs on the busiest day",
        "$2.00 on the costliest day",
        "<span>2026-04-16</span><span>2026-05-15</span>",
    ]);
    page.has_not(&["<title>2026-04-15", "were not looked at"]);
    // It is kept for half a minute.
    house.tell(team(1), run_id(6), start("by-day")).await;
    let again = async || house.get(Some(&cookie), "/teams/acme/agents/by-day").await;
    again().await.has(&["2026-05-15: 1 run, "]);
    house.clock.advance_ms(30_000);
    again().await.has(&["2026-05-15: 2 runs, "]);
    house.get(Some(&cookie), "/teams/acme/agents/nightly").await.has_not(&["The last 30 days"]);
}

fn standing(house: &House, agent: &str, state: AgentStanding, slots: &[(i64, SlotOutcome)], ms: u64) -> RowWrite {
    let mut recent = RecentDoc::default();
    for (minutes, outcome) in slots {
        let at = NOON.plus_millis(minutes * 60_000);
        let reason = (*outcome == SlotOutcome::Unknown).then_some(DoubtReason::FrontDoor);
        recent.note_slot(&SlotDoc { at, deadline: at, outcome: *outcome, run: None, reason, incident: None });
    }
    recent.note_duration(ms);
    let at = NOON.plus_millis(12 * 3_600_000 + ms as i64);
    let next_slot = Some(Slot { at, window_from: NOON, deadline: at, in_gap: false });
    let (last_success, last_run, open_incidents) = (None, None, Vec::new());
    let since = house.clock.now();
    StandingDoc { state, since, next_slot, last_success, last_run, open_incidents, recent }.row(
        team(1),
        &slug(agent),
        1,
    )
}

/// A row has the state, the slots with what went wrong, the next slot by the clock of its zone, and how long runs take.
#[tokio::test]
async fn agents_are_shown_as_they_are_judged() {
    let house = of_three().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), "/teams/acme/agents/alpha").await.csrf();
    let schedule = format!("csrf={csrf}&cron=0+2+*+*+*&timezone=Europe%2FBerlin");
    house.post(Some(&cookie), "/teams/acme/agents/alpha/schedule", &schedule).await;
    let slots = [(-180, SlotOutcome::Ok), (-120, SlotOutcome::Missed), (-60, SlotOutcome::Unknown)];
    let writes = vec![
        standing(&house, "alpha", AgentStanding::Down, &slots, 61_000),
        standing(&house, "gamma", AgentStanding::Up, &[(-60, SlotOutcome::Ok)], 2_000),
    ];
    house.rows.put(Arc::new(writes), house.clock.now()).await.unwrap();
    let page = async |query: &str| house.get(Some(&cookie), &format!("/teams/acme/agents{query}")).await;
    let all = page("").await;
    all.has(&[
        "2026-05-15 10:00 UTC missed",
        "2026-05-15 11:00 UTC unknown (no front door took records in)",
        "1 of the last 3 slots without trouble",
        "href=\"/teams/acme/agents/alpha#schedule\"",
        "05-16 02:01 +02:00",
        ">00:01 UTC</span>",
        "1 min 01 s",
        "no slots",
        ">down (1)<",
    ]);
    assert_eq!(order(&page("?sort=state").await)[0], "alpha");
    assert_eq!(order(&page("?sort=time").await)[..2], ["alpha", "gamma"]);
    assert_eq!(order(&page("?sort=next").await)[..2], ["gamma", "alpha"]);
    assert_eq!(order(&page("?sort=failed").await)[0], "gamma");
    assert_eq!(order(&page("?state=down").await), ["alpha"]);
    assert_eq!(order(&page("?state=down&q=gam").await), [""; 0]);
    page("?state=down&q=gam").await.has(&["No agent has this in its name and this state."]);
}

/// Hundreds of agents are a few pages, each of them small.
#[tokio::test]
async fn hundreds_of_agents_are_pages() {
    let house = House::open().await;
    let slots: Vec<(i64, SlotOutcome)> = (1..=30).map(|back| (-back * 60, SlotOutcome::Ok)).collect();
    let mut writes = Vec::new();
    for number in 0..250u128 {
        let agent = format!("billing/nightly-job-{number:03}");
        house.tell(team(1), run_id(number), start(&agent)).await;
        writes.push(standing(&house, &agent, AgentStanding::Up, &slots, 2_000));
    }
    house.rows.put(Arc::new(writes), house.clock.now()).await.unwrap();
    let cookie = house.sign_in(KEY_A).await;
    let mut path = "/teams/acme/agents?q=billing".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = house.get(Some(&cookie), &path).await;
        seen.extend(order(&page).into_iter().map(str::to_owned));
        assert!(page.text.len() < 120_000, "{} bytes", page.text.len());
        let Some((_, next)) = page.text.split_once("rel=\"next\" href=\"") else { break };
        path = next.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 250);
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(order(&house.get(Some(&cookie), "/teams/acme/agents?q=job-249").await), ["billing/nightly-job-249"]);
}
