//! The list of runs: the filters of the API, page by page.

use reqwest::StatusCode;
use tidegate_agentping::FinishStatus;

use crate::house::*;

#[tokio::test]
async fn runs_are_filtered_as_the_api_does() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("a").customer("acme").feature("search")).await;
    house.tell(team(1), run_id(2), start("b").customer("globex")).await;
    house.tell(team(1), run_id(2), finish(FinishStatus::Failed)).await;
    let cookie = house.sign_in(KEY_A).await;
    let [one, two] = [1, 2].map(|run| run_id(run).to_string());
    for (query, there, absent) in [
        ("", vec![&one, &two], vec![]),
        ("?agent=a", vec![&one], vec![&two]),
        ("?status=failed", vec![&two], vec![&one]),
        ("?customer_id=acme&status=&feature=", vec![&one], vec![&two]),
        ("?feature=search", vec![&one], vec![&two]),
        ("?from=2026-05-15T12:00", vec![&one, &two], vec![]),
        ("?from=2026-05-15T12:01", vec![], vec![&one, &two]),
        ("?to=2026-05-15", vec![], vec![&one, &two]),
    ] {
        let page = house.get(Some(&cookie), &format!("/teams/acme/runs{query}")).await;
        let texts = |runs: Vec<&String>| runs.into_iter().map(|run| format!("/runs/{run}\"")).collect::<Vec<_>>();
        page.has(&texts(there).iter().map(String::as_str).collect::<Vec<_>>());
        page.has_not(&texts(absent).iter().map(String::as_str).collect::<Vec<_>>());
    }
    for query in ["status=good", "from=then", "after=x", &format!("customer_id={}", "x".repeat(257))] {
        let answer = house.get(Some(&cookie), &format!("/teams/acme/runs?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.text.contains("href=\"/teams/acme/runs\">Back to the page"), "{}", answer.text);
    }
}

/// Every run is on one page, once.
#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let house = House::open().await;
    const RUNS: u128 = 120;
    for run in 0..RUNS {
        let agent = if run % 2 == 0 { "even" } else { "odd" };
        house.tell(team(1), run_id(run), start(agent).at(NOON.plus_millis(-(run as i64 / 7)))).await;
    }
    let cookie = house.sign_in(KEY_A).await;
    for (query, expected) in [("", RUNS as usize), ("?agent=odd", RUNS as usize / 2)] {
        let mut path = format!("/teams/acme/runs{query}");
        let mut seen = Vec::new();
        loop {
            let page = house.get(Some(&cookie), &path).await;
            let links = page.ok().split("href=\"/teams/acme/runs/run_eu_").skip(1);
            seen.extend(links.map(|link| link[..32].to_owned()));
            let Some((_, next)) = page.text.split_once("rel=\"next\" href=\"") else { break };
            path = next.split('"').next().unwrap().replace("&amp;", "&");
        }
        assert_eq!(seen.len(), expected, "{query}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), expected, "{query}");
    }
}
