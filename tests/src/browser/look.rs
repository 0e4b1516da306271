//! How a page looks: its size and colours, its accessibility, and pictures of it.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Browser, driver};

/// What a reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    pub const BOTH: [Scheme; 2] = [Scheme::Light, Scheme::Dark];

    pub const fn word(self) -> &'static str {
        match self {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        }
    }
}

impl Browser {
    /// The reader prefers these colours from now on.
    pub async fn prefers(&self, scheme: Scheme) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme.word()}]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// The page is so wide and high from now on, in CSS pixels.
    pub async fn is_sized(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Pages run no script from now on.
    pub async fn runs_no_script(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// What axe-core finds on the page that is serious or critical, and landmarks of one name: rule, what is wrong, and where.
    pub async fn violations(&self) -> Vec<String> {
        const RUN: &str = "const found = await axe.run(document, {resultTypes: ['violations']});
            const grave = one => ['serious', 'critical'].includes(one.impact) || one.id === 'landmark-unique';
            return found.violations.filter(grave).map(one =>
                one.id + ': ' + one.help + ': ' + one.nodes.map(node => node.html + ' ' + node.failureSummary).join(' | '))";
        if self.script("return typeof axe").await == "undefined" {
            self.script(&driver::axe()).await;
        }
        let found = self.script(RUN).await;
        serde_json::from_value(found).expect("a list of texts")
    }

    /// Keeps a picture of the whole page.
    pub async fn picture(&self, name: &str) {
        const SIZE: &str = "const page = document.documentElement; return [page.clientWidth, page.scrollHeight]";
        let size = self.script(SIZE).await;
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let taken = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken = self.devtools("Page.captureScreenshot", taken).await;
        let bytes = STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(pictures().join(format!("{name}.png")), bytes).expect("the picture is kept");
    }

    /// Keeps a picture of the page on which a test failed, if there is one to be had.
    pub(super) async fn picture_of_failure(&self, name: &str) {
        let path = pictures().join(format!("failed-{name}.png"));
        let taken = self.client.screenshot().await;
        if taken.is_ok_and(|picture| std::fs::write(&path, picture).is_ok()) {
            say(&format!("{name} failed on {}: {}", self.url().await, path.display()));
        }
    }
}

/// Where pictures are kept: `target/browser`.
pub fn pictures() -> PathBuf {
    let target = std::env::current_exe().expect("a test knows its file");
    let target = target.ancestors().nth(3).expect("a test is in target/debug/deps");
    let folder = target.join("browser");
    std::fs::create_dir_all(&folder).expect("the target folder takes folders");
    folder
}

/// Prints something for whoever reads the test's output.
#[expect(clippy::print_stderr, reason = "tests have no other output")]
pub fn say(text: &str) {
    eprintln!("{text}");
}
