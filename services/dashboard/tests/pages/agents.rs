//! The pages of agents.

use reqwest::StatusCode;
use tidegate_agentping::FinishStatus;

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
    assert_eq!(order(&page("?page=2").await), [""; 0]);
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
