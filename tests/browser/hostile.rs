//! Markup in every text that a client may send.

use serde_json::json;
use tidegate_tests::browser::browse;

use crate::furniture::furnish;
use crate::scene::Scene;

/// Ends an attribute and would run. Names may have 64 characters.
const EVIL: &str = "\"'><script>marker=1</script><img src=x onerror=alert(1)>";
/// What a page would have if one of them were markup.
const FOREIGN: &str = "const foreign = '[onerror], img[src=x], main :is(script, iframe, object, style)';
    return [...document.querySelectorAll(foreign)].map(one => one.outerHTML)
    .concat(document.querySelectorAll('script').length === 1 ? [] : ['scripts'])
    .concat(window.marker === undefined ? [] : ['marker ' + window.marker])";

/// AC-78: it stays text on every page, also where a page is renewed by script.
#[test]
fn ac_78_markup_of_clients_stays_text() {
    browse(async |browser| {
        let scene = Scene::of_team(EVIL).await;
        let made = furnish(&scene, EVIL).await;
        let home = scene.sign_in(browser).await;
        let mut silent = Vec::new();
        for (name, path) in made.pages() {
            browser.open(&format!("{home}{path}")).await;
            browser.script("document.querySelectorAll('details').forEach(one => { one.open = true })").await;
            assert_eq!(browser.script(FOREIGN).await, json!([]), "{name}");
            browser.shows(".team", EVIL).await;
            if !browser.text("main").await.contains(EVIL) {
                silent.push(name);
            }
        }
        // Pages that have none of it but the team's name.
        assert_eq!(silent, ["quotas", "start"]);
        // A search renews the list by script.
        browser.open(&format!("{home}/agents")).await;
        browser.fill("Search", "onerror").await;
        browser.is_at("q=onerror").await;
        browser.shows("#found tbody", EVIL).await;
        assert_eq!(browser.script(FOREIGN).await, json!([]));
        // A file, compared on the page, comes back in its field and in what is said of it.
        browser.open(&format!("{home}/config")).await;
        browser.fill("The file", &format!("version: 1\nagents: {{{}: {{}}}}\n", json!(EVIL))).await;
        browser.press("Compare").await;
        browser.shows("#main", "create").await;
        assert_eq!(browser.script(FOREIGN).await, json!([]));
        // A refusal names the value.
        browser.expects("400");
        browser.open(&format!("{home}/runs?status={}", tidegate_tests::client::encode(EVIL))).await;
        browser.shows("main", EVIL).await;
        assert_eq!(browser.script(FOREIGN).await, json!([]));
    });
}
