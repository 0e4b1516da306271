//! `GET /v1/runs`: filters and pages.

use serde_json::Value;
use tidegate_agentping::{FinishStatus, Start};

use crate::house::*;

fn ids(page: &Value) -> Vec<String> {
    page["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

fn named(numbers: impl IntoIterator<Item = u128>) -> Vec<String> {
    numbers.into_iter().map(|number| run_id(number).to_string()).collect()
}

/// Run `number` starts that many seconds into the hour.
fn nth(number: u128) -> Start {
    start("finder", &format!("2026-05-15T10:{:02}:{:02}.000Z", number / 60, number % 60))
}

async fn with_runs(numbers: impl IntoIterator<Item = u128>) -> House {
    let house = House::open().await;
    for number in numbers {
        house.tell(team(1), run_id(number), nth(number)).await;
    }
    house
}

#[tokio::test]
async fn runs_come_newest_first_without_their_events() {
    let house = with_runs([2, 3, 1]).await;
    house.tell(team(1), run_id(2), event(1, "log", NOON, "{}")).await;
    let page = house.get("/v1/runs").await.ok();
    assert_eq!(ids(&page), named([3, 2, 1]));
    assert_eq!(page["next_cursor"], Value::Null);
    for run in page["runs"].as_array().unwrap() {
        assert!(run.get("events").is_none() && run.get("cost_by_model").is_none(), "{run}");
        assert_eq!(run["agent"], "finder");
    }
}

#[tokio::test]
async fn each_filter_narrows_and_all_must_hold() {
    let house = with_runs([]).await;
    let labelled = |number, agent: &str, customer: Option<&str>, feature: Option<&str>| Start {
        agent: slug(agent),
        customer_id: customer.map(Into::into),
        feature: feature.map(Into::into),
        ..nth(number)
    };
    let runs = [
        (1, labelled(1, "a", Some("acme"), Some("search"))),
        (2, labelled(2, "b", Some("acme"), None)),
        (3, labelled(3, "a & b", None, Some("search"))),
        (4, labelled(4, "a", Some("globex"), Some("export"))),
    ];
    for (number, opened) in runs {
        house.tell(team(1), run_id(number), opened).await;
    }
    let ended = "2026-05-15T11:00:00.000Z";
    house.tell(team(1), run_id(1), finish(FinishStatus::Success, ended)).await;
    house.tell(team(1), run_id(2), finish(FinishStatus::Failed, ended)).await;
    let cases: &[(&str, &[u128])] = &[
        ("agent=a", &[4, 1]),
        ("agent=a%20%26+b", &[3]),
        ("agent=nobody", &[]),
        ("status=running", &[4, 3]),
        ("status=success", &[1]),
        ("status=failed", &[2]),
        ("status=timeout", &[]),
        ("customer_id=acme", &[2, 1]),
        ("customer_id=ACME", &[]),
        ("feature=search", &[3, 1]),
        ("from=2026-05-15T10:00:03.000Z", &[4, 3]),
        ("to=2026-05-15T10:00:03.000Z", &[2, 1]),
        ("from=2026-05-15T12:00:02%2B02:00&to=2026-05-15T10:00:04Z", &[3, 2]),
        ("from=2026-05-15T10:00:02Z&to=2026-05-15T10:00:02Z", &[]),
        ("customer_id=acme&feature=search", &[1]),
        ("agent=a&status=running&customer_id=globex&feature=export&from=2026-05-15T10:00:04Z", &[4]),
        ("agent=b&feature=search", &[]),
    ];
    for (query, expected) in cases {
        let page = house.get(&format!("/v1/runs?{query}")).await.ok();
        assert_eq!(ids(&page), named(expected.iter().copied()), "{query}");
    }
}

#[tokio::test]
async fn a_page_holds_fifty_unless_told_and_200_at_most() {
    let house = with_runs(0..230).await;
    for (query, expected) in [("", 50), ("?limit=1", 1), ("?limit=200", 200)] {
        let page = house.get(&format!("/v1/runs{query}")).await.ok();
        assert_eq!(ids(&page).len(), expected);
        assert!(page["next_cursor"].is_string());
    }
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_while_runs_arrive() {
    let house = with_runs((1..=40).map(|number| number * 10)).await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0u128);
    loop {
        let page = house.get(&format!("/v1/runs?limit=7{cursor}")).await.ok();
        seen.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        pages += 1;
        // One in front of all pages, one behind the cursor, and one far ahead of it.
        for number in [1_000 + pages, 399 - pages, pages] {
            house.tell(team(1), run_id(number), nth(number)).await;
        }
    }
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "a run was listed twice");
    let newest_first: Vec<String> = distinct.into_iter().rev().collect();
    assert_eq!(seen, newest_first, "ids grow with the start here, so this is the listing's order");
    for run in named((1..=40).map(|number| number * 10)) {
        assert!(seen.contains(&run), "{run} was there from the start and is missing");
    }
    for run in named((1..=5).map(|page| 1_000 + page)) {
        assert!(!seen.contains(&run), "{run} came in front of the pages");
    }
}

#[tokio::test]
async fn runs_of_one_instant_are_paged_through_too() {
    let house = with_runs([]).await;
    for number in 1..=9 {
        house.tell(team(1), run_id(number), start("finder", "2026-05-15T10:00:00.000Z")).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/runs?limit=2".to_owned());
    loop {
        let page = house.get(&path).await.ok();
        seen.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/runs?limit=2&cursor={next}");
    }
    seen.sort();
    assert_eq!(seen, named(1..=9));
}

#[tokio::test]
async fn the_last_full_page_knows_that_it_is_the_last() {
    let house = with_runs(1..=4).await;
    let first = house.get("/v1/runs?limit=2").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = house.get(&format!("/v1/runs?limit=2&cursor={cursor}")).await.ok();
    assert_eq!((ids(&last), &last["next_cursor"]), (named([2, 1]), &Value::Null));
}

#[tokio::test]
async fn a_page_of_large_runs_ends_early_and_goes_on() {
    let house = with_runs(1..=6).await;
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    for number in 1..=6 {
        let closed = finish(FinishStatus::Success, NOON).output(&large);
        house.tell(team(1), run_id(number), closed).await;
    }
    let first = house.get("/v1/runs").await.ok();
    assert_eq!(ids(&first), named([6, 5, 4, 3]));
    let rest = house.get(&format!("/v1/runs?cursor={}", first["next_cursor"].as_str().unwrap())).await.ok();
    assert_eq!((ids(&rest), &rest["next_cursor"]), (named([2, 1]), &Value::Null));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_filters_and_any_limit() {
    let house = with_runs(1..=9).await;
    let page = house.get("/v1/runs?agent=finder&limit=2").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = house.get(&format!("/v1/runs?cursor={cursor}&limit=3&agent=finder")).await.ok();
    assert_eq!(ids(&next), named([7, 6, 5]));
    for other in ["", "&agent=b", "&agent=finder&status=running"] {
        let answer = house.get(&format!("/v1/runs?cursor={cursor}{other}")).await;
        assert_refusal(&answer, 400, "invalid_field", Some("cursor"));
    }
}
