//! A real browser for tests of pages: Chromium without a window.
//!
//! Each test gets a browser of its own, two at a time. After each the browser is asked what it has seen: an error on the
//! console, a dialog, or a request to another host fails the test, and so does what the content security policy refused.

mod driver;
mod look;
mod seen;

use std::panic::AssertUnwindSafe;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use thirtyfour::error::WebDriverResult;
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::wait::eventually;

pub use look::{Scheme, pictures};

/// How long a page may take to show what is waited for.
pub const SHOWN: Duration = Duration::from_secs(30);

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
    driver: WebDriver,
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
        let ended = browser.driver.quit().await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
        ended.expect("the browser ends");
    });
}

impl Browser {
    async fn start() -> Self {
        let mut wanted = thirtyfour::ChromeCapabilities::new();
        let set = |wanted: &mut thirtyfour::ChromeCapabilities| -> WebDriverResult<()> {
            wanted.set_binary(driver::chromium().to_str().expect("a plain path"))?;
            FLAGS.iter().try_for_each(|flag| wanted.add_arg(flag))?;
            wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All)?;
            wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All)
        };
        set(&mut wanted).expect("capabilities are JSON");
        let driver = WebDriver::builder(driver::url().await, wanted).connect().await.expect("the browser starts");
        Browser { driver, expected: Mutex::default() }
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        self.driver.current_url().await.expect("a page is open").to_string()
    }

    /// What a script returns, as if the page ran it. A promise is waited for.
    ///
    /// # Errors
    /// What it throws.
    pub async fn try_script(&self, script: &str, arguments: Vec<Value>) -> Result<Value, String> {
        let ran = self.driver.execute(script.to_owned(), arguments).await;
        ran.map(|ret| ret.json().clone()).map_err(|error| format!("{script}: {error}"))
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
        self.on(By::XPath(path), &format!("press '{text}'"), async |element| element.click().await).await;
    }

    /// Presses the element that the selector finds, once it is there.
    pub async fn press_at(&self, css: &str) {
        self.on(By::Css(css.to_owned()), &format!("press {css}"), async |element| element.click().await).await;
    }

    /// Types into the field with this label, in place of what is in it.
    pub async fn fill(&self, label: &str, text: &str) {
        self.on(field(label), &format!("fill '{label}'"), async |element| {
            element.clear().await?;
            element.send_keys(text).await
        })
        .await;
    }

    /// Chooses of the field with this label.
    pub async fn choose(&self, label: &str, option: &str) {
        self.on(field(label), &format!("choose of '{label}'"), async |element| {
            let path = format!("./option[normalize-space()=\"{option}\"]");
            element.find(By::XPath(path)).await?.click().await
        })
        .await;
    }

    /// The session, as a browser sends it.
    pub async fn cookie(&self) -> String {
        let cookies = self.driver.get_all_cookies().await.expect("a page is open");
        let [cookie] = cookies.as_slice() else { panic!("one cookie and not {cookies:?}") };
        format!("{}={}", cookie.name, cookie.value)
    }

    /// As one that has never been here.
    pub async fn forget_cookies(&self) {
        self.driver.delete_all_cookies().await.expect("a page is open");
    }

    /// Types into whatever has the focus.
    pub async fn keys(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.expect("keys are typed");
    }

    /// Acts on an element. A page that renews itself may take it away between finding and acting: then again.
    async fn on(&self, by: By, what: &str, act: impl AsyncFn(&WebElement) -> WebDriverResult<()>) {
        eventually(SHOWN, what, async || {
            let acted = async { act(&self.driver.find(by.clone()).await?).await }.await;
            match acted {
                Ok(()) => Ok(()),
                Err(error) => Err(format!("{error} on {}", self.url().await)),
            }
        })
        .await;
    }
}

/// The field that a label is of.
fn field(label: &str) -> By {
    By::XPath(format!("//*[@id=//label[normalize-space()=\"{label}\"]/@for]"))
}
