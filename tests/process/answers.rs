//! What commands answer on a standard output or error that takes nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_tests::external::without_own_variables;
use tidegate_tests::process::{Extra, Stream};
use tidegate_tests::{Target, eventually};

use crate::{BINARY, PATIENCE};

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the program; standard output leads where `output` says, or is read.
pub fn run(words: &[&str], output: Option<Stream>, errors: Option<Stream>) -> Ended {
    let mut command = Command::new(BINARY);
    without_own_variables(&mut command);
    let led = |to: Option<Stream>| {
        let opened = to.map(|stream| stream.open(Path::new("no log")));
        opened.map_or_else(|| (Stdio::piped(), None), |(end, kept)| (end, kept))
    };
    let ((output, _kept), (errors, _kept_too)) = (led(output), led(errors));
    let child = command.args(words).stdin(Stdio::null()).stdout(output).stderr(errors).spawn().unwrap();
    // The command's own copies of the pipes' ends are closed with it.
    drop(command);
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: ended.status.code(), out: text(&ended.stdout), err: text(&ended.stderr) }
}

#[track_caller]
pub fn prints(ended: &Ended, words: &[&str]) {
    assert!(words.iter().all(|word| ended.err.contains(word)), "{words:?} are not in {ended:?}");
}

/// A data folder and commands on it.
pub struct Folder {
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl Folder {
    pub fn with_a_team() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder { path: temporary.path().to_owned(), _temporary: Some(temporary) };
        folder.json(&["teams", "create", "acme", "--plan", "team"]);
        folder
    }

    fn words<'w>(&'w self, words: &[&'w str]) -> Vec<&'w str> {
        [words, &["--data", self.path.to_str().unwrap()]].concat()
    }

    pub fn run(&self, words: &[&str], output: Stream) -> Ended {
        run(&self.words(words), Some(output), None)
    }

    pub fn json(&self, words: &[&str]) -> Value {
        let ended = run(&[&self.words(words)[..], &["--json"]].concat(), None, None);
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }
}

/// Commands that answer on the folder of a service that runs.
const ANSWERS: &[&[&str]] = &[
    &["teams", "list"],
    &["keys", "list"],
    &["tokens", "list"],
    &["rates", "list", "--team", "demo"],
    &["dead-letters", "list"],
    &["lag"],
    &["agentgate", "orgs", "list"],
    &["agentgate", "worker-keys", "list", "--fleet"],
    &["agentgate", "deliveries"],
];

/// Waits until the first start has made what it shows. What is listed stays as it is from then on.
async fn has_begun(target: &Target) {
    eventually(PATIENCE, "the banner is printed", async || match target.log() {
        log if log.contains("Ctrl-C stops it in order.") => Ok(()),
        log => Err(log),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_could_not_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    has_begun(&target).await;
    let folder = Folder { path: target.data_folder().to_owned(), _temporary: None };
    for words in ANSWERS {
        let full = folder.run(words, Stream::Full);
        assert_eq!(full.code, Some(1), "{words:?}: {full:?}");
        prints(&full, &["standard output could not be written", "No space left"]);
        let closed = folder.run(words, Stream::Closed);
        assert_eq!((closed.code, closed.err.as_str()), (Some(0), ""), "{words:?}");
    }
    for words in [&["check-config"][..], &["--help"], &["--version"], &["teams", "--help"]] {
        assert_eq!(run(words, Some(Stream::Full), None).code, Some(1), "{words:?}");
        assert_eq!(run(words, Some(Stream::Closed), None).code, Some(0), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standard_error_that_takes_nothing_changes_no_exit_code() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    has_begun(&target).await;
    let folder = Folder { path: target.data_folder().to_owned(), _temporary: None };
    let wrong: [&[&str]; 3] = [&["keys", "revoke", "nonsense"], &["teams", "create", "acme"], &["no-such-command"]];
    let missing: &[&str] = &["ingest"];
    for words in ANSWERS.iter().copied().chain(wrong).chain([missing]) {
        let read = run(&folder.words(words), None, None);
        for errors in [Stream::Full, Stream::Closed] {
            let ended = run(&folder.words(words), None, Some(errors));
            // A lag has the time at which it was read.
            let shape = |out: &str| out.replace(|c: char| c.is_ascii_digit(), "0");
            assert_eq!((ended.code, shape(&ended.out)), (read.code, shape(&read.out)), "{words:?} {errors:?}");
        }
    }
}
