//! The driver's process: one for all tests of a binary, on a port that it chooses.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tokio::sync::OnceCell;

use crate::external::without_own_variables;
use crate::stack::redis_server::stack_folder;

/// Runs a command in a session of its own until standard input closes, which it does with the test process however
/// that ends. Then it ends the command, with all that this has started, and removes its folder.
const LEASHED: &str =
    r#"setsid "$@" & driver=$!; read -r _; kill -KILL -- "-$driver"; wait "$driver"; rm -rf "$TMPDIR""#;
/// What the driver prints before its port.
const LISTENS: &str = "was started successfully on port ";

/// A driver that runs. It is never dropped: its leash ends it.
struct Driver {
    url: String,
    _leashed: Child,
}

static DRIVER: OnceCell<Driver> = OnceCell::const_new();

/// Where the driver takes commands; the first caller starts it.
pub(super) async fn url() -> &'static str {
    let begun = async || tokio::task::spawn_blocking(start).await.expect("the driver starts");
    &DRIVER.get_or_init(begun).await.url
}

/// The browser.
pub(super) fn chromium() -> PathBuf {
    fetched("TIDEGATE_TEST_CHROMIUM", "bin/chromium")
}

/// The script that checks a page's accessibility.
pub(super) fn axe() -> String {
    let path = fetched("TIDEGATE_TEST_AXE", "axe/axe.min.js");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file that the variable names, or else one of the stack's folder.
fn fetched(variable: &str, usual: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| stack_folder().join(usual), PathBuf::from);
    assert!(
        path.exists(),
        "there is no {} ({variable}): fetch the browser of the tests: deploy/stack/stack.sh browser",
        path.display()
    );
    path
}

fn start() -> Driver {
    let folder =
        tempfile::Builder::new().prefix("tidegate-browser-").tempdir().expect("a folder for the browser").keep();
    let log = std::fs::File::create(folder.join("chromedriver.log")).expect("the folder takes files");
    let mut command = Command::new("sh");
    without_own_variables(&mut command);
    // Browsers put what they keep below TMPDIR.
    command.args(["-c", LEASHED, "sh"]).arg(fetched("TIDEGATE_TEST_CHROMEDRIVER", "bin/chromedriver")).arg("--port=0");
    command.env("TMPDIR", &folder).env("HOME", &folder);
    let mut leashed =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("sh and setsid are there");
    let mut output = BufReader::new(leashed.stdout.take().expect("a pipe"));
    let mut said = String::new();
    let port = loop {
        let begun = said.len();
        let bytes = output.read_line(&mut said).expect("the driver prints text");
        assert!(bytes > 0, "the driver ended before it listened; see {}: {said}", folder.display());
        if let Some((_, port)) = said[begun..].split_once(LISTENS) {
            break port.trim().trim_end_matches('.').to_owned();
        }
    };
    // What it still prints is read, so that it never waits for a reader.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    Driver { url: format!("http://127.0.0.1:{port}"), _leashed: leashed }
}
