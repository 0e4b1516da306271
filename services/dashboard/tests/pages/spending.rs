//! The page of spend: days, models, what guard allows, and when a day alerts.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tidegate_agentping::FinishStatus;

use crate::house::*;
use crate::spoken::Spoken;

/// Runs by what their checks came to are those that the API finds, as they stand.
#[tokio::test]
async fn runs_are_found_by_their_checks() {
    let runs =
        json!({"runs": [{"id": run_id(2).to_string()}, {"id": run_id(9).to_string()}], "next_cursor": "further"});
    let (api, _) = Spoken::of(vec![("GET /v1/runs", runs)]);
    let house = House::with_api(api).await;
    for run in [1, 2] {
        house.tell(team(1), run_id(run), start("nightly")).await;
    }
    let cookie = house.sign_in(KEY_A).await;
    let page = house.get(Some(&cookie), "/teams/acme/runs?checks=failed&agent=nightly").await;
    page.has(&[
        &run_id(2).to_string(),
        "agent=nightly&amp;checks=failed&amp;cursor=further",
        "<option value=\"failed\" selected>",
    ]);
    page.has_not(&[&format!("/runs/{}", run_id(1))]);
    let refused = house.get(Some(&cookie), "/teams/acme/runs?checks=maybe").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

/// The days are bars, and a table for whoever does not see them.
#[tokio::test]
async fn days_are_drawn_on_the_server() {
    let house = House::open().await;
    for (run, days, usd) in [(1, 0, "2"), (2, 3, "0.5"), (3, 3, "0.25")] {
        house.tell(team(1), run_id(run), start("alpha").at(NOON.plus_millis(-days * 86_400_000))).await;
        house.tell(team(1), run_id(run), vec![event(run).llm("m", Some(usd))]).await;
    }
    let page = house.page("/teams/acme/spend").await;
    page.has(&[
        "By day",
        "<title>2026-05-15: $2.00</title>",
        "<title>2026-05-12: $0.75</title>",
        "<th scope=\"row\">2026-05-12</th><td class=\"number\">$0.75</td><td class=\"number\">2</td>",
        "viewBox=\"0 0 310 120\"",
    ]);
    page.has_not(&["class=\"limit\"", "By model"]);
    house.page("/teams/acme/spend?month=2026-04").await.has_not(&["By day"]);
}

fn month() -> Value {
    json!({
        "total_usd": 12.5, "successful_usd": 10, "cost_per_successful_run": 2.5,
        "by_agent": [{"name": "cheap", "cost_usd": 2.5, "runs": 99}, {"name": "dear", "cost_usd": 10, "runs": 1}],
        "by_customer": [], "by_feature": [], "unpriced": [],
        "by_day": [{"day": "2026-05-15", "cost_usd": 12.5, "runs": 100}],
        "by_model": [{"provider": "anthropic", "model": "claude-x", "cost_usd": 11}], "by_model_rest_usd": 1.5,
    })
}

#[tokio::test]
async fn models_limits_and_alerts_are_shown() {
    let rules = json!({"rules": [
        {"name": "a day", "enabled": true, "spend_of": "team", "window": "day", "limit_usd": 20},
        {"name": "of an agent", "enabled": true, "spend_of": "agent", "window": "day", "limit_usd": 1},
        {"name": "switched off", "enabled": false, "spend_of": "team", "window": "day", "limit_usd": 2},
        {"name": "a month", "enabled": true, "spend_of": "team", "window": "month", "limit_usd": 100.5},
    ]});
    let (api, spoken) = Spoken::of(vec![
        ("GET /v1/spend", month()),
        ("GET /v1/guard/rules", rules),
        ("GET /v1/team", json!({"spend": {"sigma": 2.5, "min_usd": 1}})),
        ("PATCH /v1/team", json!({})),
    ]);
    let house = House::with_api(api).await;
    house.tell(team(1), run_id(1), start("cheap")).await;
    let cookie = house.sign_in(KEY_A).await;
    let page = house.get(Some(&cookie), "/teams/acme/spend").await;
    page.has(&[
        "claude-x",
        "$11.00",
        "no model known",
        "$1.50",
        "class=\"limit\"",
        "$20.00",
        "rule a month",
        "$100.50",
        "alerts from $1 on",
        "2.5 deviations",
        "costly runs",
    ]);
    page.has_not(&["switched off", "of an agent"]);
    assert_eq!(page.text.matches("costly runs").count(), 1);
    let csrf = page.csrf();
    let saved = house.post(Some(&cookie), "/teams/acme/spend/alerts", &format!("csrf={csrf}&sigma=3.5&min_usd=")).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, Some("/teams/acme/spend")));
    assert_eq!(spoken.asked("PATCH /v1/team"), json!({"spend": {"sigma": 3.5, "min_usd": null}}));
}

/// Runs whose checks failed are no successful runs: the figure is the API's.
#[tokio::test]
async fn the_headline_is_what_a_successful_run_costs() {
    let house = House::open().await;
    for (run, status) in [(1, FinishStatus::Success), (2, FinishStatus::Success), (3, FinishStatus::Failed)] {
        house.tell(team(1), run_id(run), start("alpha")).await;
        house.tell(team(1), run_id(run), vec![event(run).llm("m", Some("1"))]).await;
        house.tell(team(1), run_id(run), finish(status)).await;
    }
    house.page("/teams/acme/spend").await.has(&["Cost per successful run", "$1.50"]);
}
