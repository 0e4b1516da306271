//! What pages load, and the headers that they come with.

use reqwest::StatusCode;
use tidegate_agentping::FinishStatus;

use crate::house::*;

/// The links, sources and actions of a page.
fn urls(page: &str) -> Vec<&str> {
    let attributes = ["href=\"", "src=\"", "action=\""];
    let found = attributes.iter().flat_map(|name| page.split(name).skip(1));
    found.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// AC-78: nothing comes from another host, and nothing is inline.
#[tokio::test]
async fn pages_load_from_their_own_host_alone() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly").customer("acme").feature("search")).await;
    house.tell(team(1), run_id(1), vec![event(1).llm("a-model", Some("0.5")), event(2).llm("other", None)]).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Success).output("{\"a\":1}")).await;
    let cookie = house.sign_in(KEY_A).await;
    let run = format!("/runs/{}", run_id(1));
    for path in ["", "/agents", "/agents/nightly", "/runs", &run, "/spend", "/quotas", "/rates", "/keys"] {
        let page = house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
        let text = page.ok();
        for url in urls(text) {
            assert!(url.starts_with('/') || url.starts_with('#'), "{path}: {url}");
        }
        for bad in ["style=\"", "<style", "onclick", "onload", "javascript:", "<script>"] {
            assert!(!text.contains(bad), "{path}: {bad}");
        }
        assert_eq!(text.matches("<script").count(), 1, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert!(
            text.contains("<html lang=\"en\">") && text.contains("<main id=\"main\"") && text.contains("<h1"),
            "{path}"
        );
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
    }
}

/// The first load is below 150 kB, and what it loads may be kept.
#[tokio::test]
async fn the_first_load_is_small() {
    let house = House::open().await;
    for run in 0..60 {
        house.tell(team(1), run_id(run), start("nightly").customer("acme").feature("search")).await;
    }
    let page = house.page("/teams/acme/runs").await;
    let mut bytes = page.ok().len();
    let assets: Vec<&str> = urls(&page.text).into_iter().filter(|url| url.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 4, "{assets:?}");
    for path in &assets {
        let asset = house.get(None, path).await;
        assert_eq!(asset.status, StatusCode::OK, "{path}");
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        bytes += asset.text.len();
    }
    assert!(bytes < 150_000, "{bytes} bytes");
    let stale = house.get(None, "/assets/dashboard.0000000000000000.css").await;
    assert_eq!((stale.status, stale.header("cache-control")), (StatusCode::NOT_FOUND, Some("no-store")));
}
