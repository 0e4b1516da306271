//! A real browser for tests of pages: Chromium without a window.
//!
//! Each test gets a browser of its own, two at a time. After each the browser is asked what it has seen: an error on the
//! console, a dialog, or a request to another host fails the test, and so does what the content security policy refused.

mod devtools;
mod driver;
mod look;
mod seen;

use std::panic::AssertUnwindSafe;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::wait::eventually;

pub use look::{Scheme, pictures, say};

/// How long a page may take to show what is waited for.
pub const SHOWN: Duration = Duration::from_secs(90);

/// No window, no traffic of its own, and nothing kept. Its pipe to the driver closes with the driver, and ends it.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1440,900",
];

/// The runtime of all tests of a binary: connections to the driver are of the runtime that made them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.expect("a runtime starts")
});
/// Browsers at a time.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// A browser with one page.
pub struct Browser {
    client: Client,
    expected: Mutex<Vec<String>>,
}

/// Runs a test with a browser. One that fails leaves a picture of the page.
///
/// # Panics
/// If the test does, or the browser has seen what no page may do.
pub fn browse(test: impl AsyncFnOnce(&Browser)) {
    let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
    RUNTIME.block_on(async {
        let _turn = BROWSERS.acquire().await.expect("it is never closed");
        let browser = Browser::start().await;
        let outcome = AssertUnwindSafe(async {
            test(&browser).await;
            browser.has_seen_nothing_wrong().await;
        });
        let outcome = outcome.catch_unwind().await;
        if outcome.is_err() {
            browser.picture_of_failure(&name).await;
        }
        let ended = browser.client.close().await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
        ended.expect("the browser ends");
    });
}

impl Browser {
    async fn start() -> Self {
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": driver::chromium(), "args": FLAGS},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let Value::Object(wanted) = wanted else { unreachable!("it is an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let started = builder.capabilities(wanted).connect(driver::url().await).await;
        let client = started.unwrap_or_else(|error| panic!("the browser does not start: {error}"));
        Browser { client, expected: Mutex::default() }
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        self.client.current_url().await.expect("a page is open").to_string()
    }

    /// What a script returns, as if the page ran it. A promise is waited for.
    ///
    /// # Errors
    /// What it throws.
    pub async fn try_script(&self, script: &str, arguments: Vec<Value>) -> Result<Value, String> {
        self.client.execute(script, arguments).await.map_err(|error| format!("{script:.200}: {error}"))
    }

    /// The same of a script that throws nothing.
    pub async fn script(&self, script: &str) -> Value {
        self.try_script(script, Vec::new()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The visible texts of all elements that a selector finds.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        const TEXTS: &str = "return [...document.querySelectorAll(arguments[0])].map(one => one.innerText.trim())";
        let found = self.try_script(TEXTS, vec![css.into()]).await.unwrap_or_else(|error| panic!("{error}"));
        serde_json::from_value(found).expect("texts")
    }

    /// The visible text of the first element that a selector finds.
    pub async fn text(&self, css: &str) -> String {
        let url = self.url().await;
        self.texts(css).await.into_iter().next().unwrap_or_else(|| panic!("no '{css}' on {url}"))
    }

    /// Waits until an element that the selector finds shows the text.
    pub async fn shows(&self, css: &str, text: &str) {
        eventually(SHOWN, &format!("'{css}' shows '{text}'"), async || {
            let texts = self.texts(css).await;
            if texts.iter().any(|one| one.contains(text)) { Ok(()) } else { Err(self.seen(&texts).await) }
        })
        .await;
    }

    /// Waits until no element that the selector finds shows the text.
    pub async fn shows_no(&self, css: &str, text: &str) {
        eventually(SHOWN, &format!("no '{css}' shows '{text}'"), async || {
            let texts = self.texts(css).await;
            if texts.iter().any(|one| one.contains(text)) { Err(self.seen(&texts).await) } else { Ok(()) }
        })
        .await;
    }

    /// Waits until the address has this in it.
    pub async fn is_at(&self, part: &str) {
        eventually(SHOWN, &format!("the page is {part}"), async || {
            let url = self.url().await;
            if url.contains(part) { Ok(()) } else { Err(url) }
        })
        .await;
    }

    async fn seen(&self, texts: &[String]) -> String {
        format!("{texts:?} on {}: {}", self.url().await, self.texts("body").await.join(" "))
    }

    /// Presses the link, button or summary with this text, once it is there.
    pub async fn press(&self, text: &str) {
        let path = format!("//*[self::a or self::button or self::summary][normalize-space()=\"{text}\"]");
        self.on(Locator::XPath(&path), &format!("press '{text}'"), async |element| element.click().await).await;
    }

    /// Presses the element that the selector finds, once it is there.
    pub async fn press_at(&self, css: &str) {
        self.on(Locator::Css(css), &format!("press {css}"), async |element| element.click().await).await;
    }

    /// Types into the field with this label, in place of what is in it.
    pub async fn fill(&self, label: &str, text: &str) {
        self.on(Locator::XPath(&field(label)), &format!("fill '{label}'"), async |element| {
            element.clear().await?;
            element.send_keys(text).await
        })
        .await;
    }

    /// Chooses of the field with this label.
    pub async fn choose(&self, label: &str, option: &str) {
        self.on(Locator::XPath(&field(label)), &format!("choose of '{label}'"), async |element| {
            let path = format!("./option[normalize-space()=\"{option}\"]");
            element.find(Locator::XPath(&path)).await?.click().await
        })
        .await;
    }

    /// The session, as a browser sends it.
    pub async fn cookie(&self) -> String {
        let cookies = self.client.get_all_cookies().await.expect("a page is open");
        let [cookie] = cookies.as_slice() else { panic!("one cookie and not {cookies:?}") };
        format!("{}={}", cookie.name(), cookie.value())
    }

    /// As one that has never been here.
    pub async fn forget_cookies(&self) {
        self.client.delete_all_cookies().await.expect("a page is open");
    }

    /// Types into whatever has the focus. Keys without a character are those of [`fantoccini::key::Key`].
    pub async fn keys(&self, keys: &str) {
        let pressed = keys.chars().fold(KeyActions::new("keyboard".to_owned()), |actions, value| {
            actions.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.client.perform_actions(pressed).await.expect("keys are typed");
    }

    /// Acts on an element. A page that renews itself may take it away between finding and acting: then again.
    async fn on(&self, locator: Locator<'_>, what: &str, act: impl AsyncFn(&Element) -> Result<(), CmdError>) {
        eventually(SHOWN, what, async || {
            let acted = async { act(&self.client.find(locator).await?).await }.await;
            match acted {
                Ok(()) => Ok(()),
                Err(error) => Err(format!("{error} on {}", self.url().await)),
            }
        })
        .await;
    }
}

/// The path of the field that a label is of.
fn field(label: &str) -> String {
    format!("//*[@id=//label[normalize-space()=\"{label}\"]/@for]")
}
