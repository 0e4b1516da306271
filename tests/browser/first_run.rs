//! From the first start to the first run.

use tidegate_tests::browser::{SHOWN, browse};
use tidegate_tests::process::Extra;
use tidegate_tests::{Target, eventually};

use crate::scene::{BINARY, pasted};

/// The link that the first start prints.
async fn link_of(target: &Target) -> String {
    eventually(SHOWN, "the link is printed", async || {
        let log = target.log();
        let link = log.lines().map(str::trim).find(|line| line.contains("/login?link="));
        link.map(str::to_owned).ok_or(log)
    })
    .await
}

/// AC-73, AC-74: the printed link signs in, a page waits for the first ping, and the line that the page gives is that ping:
/// the page turns into the run.
#[test]
fn ac_73_74_the_first_start_leads_to_the_first_run() {
    browse(async |browser| {
        let target = Target::dev_with(BINARY, Extra::default()).await;
        let link = link_of(&target).await;
        assert!(link.starts_with(&target.control), "{link}");
        browser.open(&link).await;
        browser.is_at("/teams/demo").await;
        browser.shows("h1", "Waiting for the first ping").await;
        browser.shows("pre", "/v1/ping?key=").await;
        browser.press("Make a ping token for nightly-report").await;
        browser.shows("h1", "A ping token for nightly-report").await;
        let line = browser.text("figure.code pre").await;
        assert!(line.starts_with("curl ") && line.contains("key=ping_") && !line.contains("apk_"), "{line}");
        browser.press("Wait for its first ping").await;
        browser.shows("h1", "Waiting for the first ping").await;
        assert_eq!(pasted(&line).await.trim(), "OK");
        browser.is_at("/teams/demo/runs/run_").await;
        browser.shows(".run-title", "success").await;
        browser.shows("main", "nightly-report").await;
        // The link is spent, for whoever finds it.
        browser.forget_cookies().await;
        browser.expects("401");
        browser.open(&link).await;
        browser.shows("[role=alert]", "has been used").await;
    });
}
