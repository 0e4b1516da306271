//! A run of ten thousand events is read page by page.

use serde_json::Value;
use tidegate_agentping::FinishStatus;

use crate::house::*;

const EVENTS: u128 = 10_000;

async fn of_many_events() -> House {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly")).await;
    for first in (0..EVENTS).step_by(500) {
        let events: Vec<_> =
            (first..first + 500).map(|id| event(id).at(NOON.plus_millis(id as i64)).llm("m", Some("0.001"))).collect();
        house.tell(team(1), run_id(1), events).await;
    }
    house.tell(team(1), run_id(1), finish(FinishStatus::Success).at(NOON.plus_millis(EVENTS as i64))).await;
    house
}

#[tokio::test]
async fn every_event_is_on_one_page() {
    let house = of_many_events().await;
    let cookie = house.sign_in(KEY_A).await;
    let mut path = format!("/teams/acme/runs/{}", run_id(1));
    let (mut events, mut pages) = (0, 0);
    loop {
        let page = house.get(Some(&cookie), &path).await;
        page.has(&["10,000", "$10.00"]);
        assert!(page.text.len() < 125_000, "{} bytes", page.text.len());
        events += page.text.matches("<li class=\"\" id=\"evt_eu_").count();
        pages += 1;
        let Some((_, next)) = page.text.split_once("rel=\"next\" href=\"") else { break };
        path = next.split('"').next().unwrap().to_owned();
    }
    assert_eq!((events, pages), (EVENTS as usize, 125));
}

#[tokio::test]
async fn the_json_has_all_of_them() {
    let house = of_many_events().await;
    let json = house.page(&format!("/teams/acme/runs/{}/json", run_id(1))).await;
    let json: Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(json["events"].as_array().unwrap().len(), EVENTS as usize);
    assert_eq!(
        (&json["cost_by_model"][0]["calls"], &json["cost_usd"]),
        (&EVENTS.try_into().map(|n: u64| n.into()).unwrap(), &10.into())
    );
}
