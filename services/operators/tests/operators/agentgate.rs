//! The pages of AgentGate.

use reqwest::StatusCode;
use tidegate_agentgate::{KeyedHash, RunStatus};
use tidegate_operators::AgentGateRows;

use crate::house::{House, org, run};

const PAGES: [&str; 5] =
    ["/agentgate", "/agentgate/runs", "/agentgate/queue", "/agentgate/workers", "/agentgate/webhooks"];

#[tokio::test]
async fn names_and_answers_of_strangers_stay_text() {
    let house = House::open().await;
    let name = "<script>marker()</script> \"><img src=x onerror=marker()>";
    house.organization(org(1), name).await;
    house.run(org(1), run(1), RunStatus::Failed, 5).await;
    house.queued(org(1), 1, 5).await;
    house.leased(org(1), run(1), KeyedHash(9), 10).await;
    house.delivery(org(1), "evt_1", Some((2, name))).await;
    for path in PAGES {
        let page = house.get(path).await;
        let text = page.ok();
        assert!(text.contains("&lt;script&gt;marker()&lt;/script&gt;"), "{path}: {text}");
        assert_eq!((text.matches("<script").count(), text.matches("<img").count()), (1, 1), "{path}");
        assert!(page.header("content-security-policy").contains("script-src 'self'"), "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(!text.contains("c2VjcmV0"), "{path} has sealed content");
    }
}

#[tokio::test]
async fn organizations_have_their_credits() {
    let house = House::open().await;
    house.organization(org(1), "acme").await;
    house.queued(org(1), 1, 5).await;
    let page = house.get("/agentgate").await;
    page.ok();
    let row = page.row("acme");
    for shown in ["active", "$80.00", "$15.00", "$90.00 of $100.00", "$5.00", "2 of 10", "100 requests, 20 submissions"]
    {
        assert!(row.contains(shown), "{shown}: {row}");
    }
    assert!(row.contains(&format!("/agentgate/runs?org={}", org(1))), "{row}");
}

#[tokio::test]
async fn organizations_that_are_suspended_or_erased_say_so() {
    let house = House::open().await;
    for (number, state) in [(1, "suspended"), (2, "erased")] {
        house.organization_that_is(org(number), &format!("org {number}"), state).await;
        let page = house.get("/agentgate").await;
        page.ok();
        let row = page.row(&format!("org {number}"));
        assert!(row.contains(state), "{row}");
        let runs = house.get(&format!("/agentgate/runs?org={}", org(number))).await;
        assert!(runs.ok().contains(&format!("The organization is {state}")), "{}", runs.text);
    }
}

#[tokio::test]
async fn lists_of_organizations_have_pages() {
    let house = House::open().await;
    for number in 1..=51 {
        house.organization(org(number), &format!("team {number:02}")).await;
    }
    let first = house.get("/agentgate").await;
    assert!(first.ok().contains("team 50") && !first.text.contains("team 51"));
    let next = first.text.split("href=\"/agentgate?after=").nth(1).expect("a next page").split('"').next().unwrap();
    let second = house.get(&format!("/agentgate?after={next}")).await;
    assert!(second.ok().contains("team 51") && !second.text.contains("team 50"));
    assert!(!second.text.contains("rel=\"next\""));
}

#[tokio::test]
async fn runs_are_those_of_a_state_and_of_an_organization() {
    let house = House::open().await;
    house.organization(org(1), "acme").await;
    house.organization(org(2), "other").await;
    for (number, of, status) in
        [(1, 1, RunStatus::Failed), (2, 1, RunStatus::Succeeded), (3, 2, RunStatus::Failed), (4, 2, RunStatus::Running)]
    {
        house.run(org(of), run(number), status, i64::try_from(number).unwrap()).await;
    }
    let has = |page: &str| (1..=4).filter(|number| page.contains(&run(*number).to_string())).collect::<Vec<u128>>();
    let all = house.get("/agentgate/runs").await;
    assert_eq!(has(all.ok()), [1, 2, 3, 4]);
    assert!(
        all.row(&run(1).to_string()).contains("VERIFICATION_FAILED") && all.row(&run(1).to_string()).contains("$1.50")
    );
    assert_eq!(has(house.get("/agentgate/runs?status=failed&org=").await.ok()), [1, 3]);
    assert_eq!(has(house.get(&format!("/agentgate/runs?org={}", org(2))).await.ok()), [3, 4]);
    let both = house.get(&format!("/agentgate/runs?org={}&status=running", org(2))).await;
    assert_eq!(has(both.ok()), [4]);
    for (query, named) in [
        ("status=%3Cb%3E", "status is &#39;&lt;b&gt;&#39;, and must be pending, running"),
        ("org=acme", "must be an organization"),
        (&format!("org={}", org(9)), "that is here"),
    ] {
        let page = house.get(&format!("/agentgate/runs?{query}")).await;
        let named = named.replace("&#39;", "'");
        assert!(page.status == StatusCode::NOT_FOUND && page.text.contains(&named), "{query}: {}", page.text);
    }
}

#[tokio::test]
async fn runs_of_an_organization_have_pages() {
    let house = House::open().await;
    house.organization(org(1), "acme").await;
    for number in 1..=60 {
        house.run(org(1), run(number), RunStatus::Succeeded, i64::try_from(number).unwrap()).await;
    }
    let has = |page: &str| (1..=60).filter(|number| page.contains(&run(*number).to_string())).collect::<Vec<u128>>();
    let first = house.get(&format!("/agentgate/runs?org={}", org(1))).await;
    assert_eq!(has(first.ok()), (1..=50).collect::<Vec<_>>());
    let next = first.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = house.get(&next).await;
    assert_eq!(has(second.ok()), (51..=60).collect::<Vec<_>>());
    assert!(!second.text.contains("rel=\"next\""));
}

#[tokio::test]
async fn the_queue_begins_with_the_oldest_run() {
    let house = House::open().await;
    for (number, name, queued, minutes) in [(1, "alpha", 3, 1), (2, "bravo", 2, 90)] {
        house.organization(org(number), name).await;
        house.queued(org(number), queued, minutes).await;
    }
    let page = house.get("/agentgate/queue").await;
    let text = page.ok();
    assert!(text.find("bravo").unwrap() < text.find("alpha").unwrap(), "{text}");
    assert!(text.contains("<dd>5</dd>") && text.contains("1 h ago"), "{text}");
}

#[tokio::test]
async fn a_worker_was_seen_when_it_last_renewed_a_lease() {
    let house = House::open().await;
    house.organization(org(1), "acme").await;
    house.organization(org(2), "other").await;
    house.leased(org(1), run(1), KeyedHash(9), 40).await;
    house.leased(org(2), run(2), KeyedHash(9), 10).await;
    let page = house.get("/agentgate/workers").await;
    page.ok();
    let row = page.row(&KeyedHash(9).to_string());
    assert!(row.contains("10 s ago") && row.matches(">2<").count() == 2, "{row}");
    assert!(page.row(&run(1).to_string()).contains("in 20 s"));
}

#[tokio::test]
async fn deliveries_that_fail_stand_first() {
    let house = House::open().await;
    house.organization(org(1), "acme").await;
    house.delivery(org(1), "evt_1", None).await;
    house.delivery(org(1), "evt_2", Some((3, "503 Service Unavailable"))).await;
    let page = house.get("/agentgate/webhooks").await;
    let text = page.ok();
    assert!(text.find("evt_2").unwrap() < text.find("evt_1").unwrap());
    let failing = page.row("evt_2");
    assert!(failing.contains("503 Service Unavailable") && failing.contains("in 1 min") && failing.contains(">3<"));
    assert!(text.contains("<dd>2</dd>") && text.contains("<dd>1</dd>"), "{text}");
}

#[tokio::test]
async fn what_a_process_cannot_read_it_says() {
    let house = House::bare().await;
    for path in PAGES {
        let page = house.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text.contains("tidegate agentgate serve"), "{path}: {}", page.text);
    }
    house.organization(org(1), "acme").await;
    house.leased(org(1), run(1), KeyedHash(9), 40).await;
    house.pages.open(AgentGateRows { books: None, sealer: None, ..house.rows() });
    let workers = house.get("/agentgate/workers").await;
    assert!(workers.ok().contains("does not read leases") && workers.text.contains("tidegate decide --api agentgate"));
    let orgs = house.get("/agentgate").await;
    assert!(orgs.ok().contains(&org(1).to_string()) && !orgs.text.contains("acme"));
    assert!(orgs.text.contains("no key that opens the names"));
    house.pages.close();
    assert_eq!(house.get("/agentgate").await.status, StatusCode::NOT_FOUND);
}
