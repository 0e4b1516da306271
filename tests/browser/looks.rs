//! How every page looks: in light and dark, narrow and wide, and to assistive technology. A picture of each is kept.

use serde_json::json;
use tidegate_tests::browser::{Browser, Scheme, browse, pictures};

use crate::furniture::furnish;
use crate::scene::Scene;

/// Widths at which no page may be wider than its window, in CSS pixels.
const WIDTHS: [u32; 2] = [360, 1_440];
const HEIGHT: u32 = 900;

/// What reaches out of the window, with its right edge.
const WIDER: &str = "if (document.documentElement.scrollWidth <= innerWidth) return [];
    const right = one => one.getBoundingClientRect().right;
    const all = [...document.body.querySelectorAll('*')].filter(one => !one.closest('.scroll, pre, nav'));
    return all.filter(one => right(one) > innerWidth)
        .map(one => one.tagName + '.' + one.className + ' ' + right(one)).concat('the page')";
/// The colours of the page and of its text.
const COLOURS: &str = "const style = getComputedStyle(document.body); return style.backgroundColor + ' ' + style.color";

/// Unfolds everything.
const UNFOLD: &str = "document.querySelectorAll('details').forEach(one => { one.open = true })";

/// Fails if something reaches out of the window at one of the widths.
async fn fits(browser: &Browser, name: &str) {
    for width in WIDTHS {
        browser.is_sized(width, HEIGHT).await;
        assert_eq!(browser.script(WIDER).await, json!([]), "{name} at {width} px");
    }
}

/// Takes pictures of a page, then looks at it unfolded. Returns its colours in light and in dark.
async fn check(browser: &Browser, name: &str) -> [String; 2] {
    for width in WIDTHS {
        browser.is_sized(width, HEIGHT).await;
        for scheme in Scheme::BOTH {
            browser.prefers(scheme).await;
            browser.picture(&format!("{name}-{}-{width}", scheme.word())).await;
        }
    }
    browser.script(UNFOLD).await;
    fits(browser, name).await;
    let mut colours = [String::new(), String::new()];
    for (scheme, colours) in Scheme::BOTH.into_iter().zip(&mut colours) {
        browser.prefers(scheme).await;
        *colours = browser.script(COLOURS).await.as_str().unwrap().to_owned();
        let found = browser.violations().await;
        assert!(found.is_empty(), "{name}, {}: {found:#?}", scheme.word());
    }
    colours
}

/// Nothing is wider than the window at 360 and at 1,440 pixels, dark is another look than light, and axe-core finds nothing
/// serious, contrast included.
#[test]
fn every_page_fits_in_light_and_dark_and_is_accessible() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        browser.open(&format!("{}/login", scene.target.control)).await;
        let [light, dark] = check(browser, "sign-in").await;
        assert_ne!(light, dark);
        let made = furnish(&scene, "nightly-report").await;
        let home = scene.sign_in(browser).await;
        for (name, path) in made.pages() {
            browser.open(&format!("{home}{path}")).await;
            assert_eq!(check(browser, name).await, [light.clone(), dark.clone()], "{name}");
        }
        browser.expects("404");
        browser.open(&format!("{home}/nothing")).await;
        check(browser, "not-found").await;
        println!("Pictures of all pages are in {}", pictures().display());
    });
}

/// The longest names, without a place to break, make no page wider.
#[test]
fn long_names_fit() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let made = furnish(&scene, &"W".repeat(64)).await;
        let home = scene.sign_in(browser).await;
        for (name, path) in made.pages() {
            browser.open(&format!("{home}{path}")).await;
            browser.script(UNFOLD).await;
            fits(browser, name).await;
        }
    });
}
