//! A route, made and tested on its pages.

use tidegate_tests::browser::browse;
use tidegate_tests::process::Extra;
use tidegate_tests::receiver::{self, Receiver, Reply};

use crate::scene::Scene;

/// With messages allowed to a receiver on loopback.
fn reaching_receivers() -> Extra {
    let variable = |name: &str, value: &str| (format!("TIDEGATE_ALERTS__{name}"), value.to_owned());
    let trusted = receiver::ca_file().display().to_string();
    let environment = vec![variable("ALLOW_TARGETS", "127.0.0.0/8"), variable("CA_FILE", &trusted)];
    Extra { environment, ..Extra::default() }
}

#[test]
fn a_route_is_made_and_tested() {
    browse(async |browser| {
        let receiver = Receiver::start().await;
        let scene = Scene::with(reaching_receivers()).await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/routes")).await;
        browser.press("A new route").await;
        browser.fill("Name", "ops").await;
        browser.choose("Kind", "webhook").await;
        browser.fill("URL, address or routing key", &receiver.url("/secret-path")).await;
        browser.press("Add").await;
        browser.shows("pre", "whsec_").await;
        browser.press("To the routes").await;
        browser.shows("tbody", "ops").await;
        browser.press("Test").await;
        browser.shows("[role=status]", "The message was accepted, with status 204").await;
        assert_eq!(receiver.wait_for("/secret-path", 1).await.len(), 1);
        receiver.reply("/secret-path", [Reply::Status(500)]);
        browser.press("To the route").await;
        browser.shows("h1", "ops").await;
        browser.press("Send a test").await;
        browser.shows("[role=status]", "The message was not accepted, with status 500").await;
        browser.press("To the route").await;
        let source = browser.script("return document.documentElement.outerHTML").await;
        let source = source.as_str().unwrap();
        assert!(!source.contains("whsec_") && !source.contains("secret-path"), "AC-72: {source}");
    });
}
