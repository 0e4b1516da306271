//! What a suite runs against: one spawned process, or a deployment that is there already.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{OnceCell, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::client::Client;
use crate::external::{External, OWN_VARIABLES};
use crate::metrics::Metrics;
use crate::process::{Extra, Process};
use crate::wait::eventually;

/// How long a server may take to start: it may have to catch up with its log first.
const STARTS: Duration = Duration::from_secs(60);

/// A deployment, and how a test holds it.
#[derive(Debug)]
pub struct Target {
    deployment: Arc<Deployment>,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    /// Its own process.
    Own,
    /// Beside other tests.
    Shared { _guard: OwnedRwLockReadGuard<()> },
    /// A deployment that is there already, while no other test of this suite runs.
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

/// Everything needed to use a deployment from outside.
#[derive(Debug)]
pub struct Deployment {
    ingest: Vec<String>,
    pub control: String,
    pub ops: Vec<String>,
    pub region: String,
    manage: Vec<String>,
    manage_tail: Vec<String>,
    power: Power,
    turn: AtomicUsize,
}

#[derive(Debug)]
enum Power {
    /// The folder lives as long as the deployment.
    Process {
        process: Box<Mutex<Process>>,
        _folder: Option<TempDir>,
    },
    Commands {
        kill: Vec<String>,
        start: Vec<String>,
        stop: Vec<String>,
    },
}

static SHARED: OnceCell<Arc<Deployment>> = OnceCell::const_new();
static EXCLUSION: OnceCell<Arc<RwLock<()>>> = OnceCell::const_new();

async fn exclusion() -> Arc<RwLock<()>> {
    EXCLUSION.get_or_init(async || Arc::default()).await.clone()
}

impl Target {
    /// The target that all tests of this binary share. They run side by side, each with teams of its own.
    pub async fn shared(binary: &str) -> Self {
        let guard = exclusion().await.read_owned().await;
        let deployment = SHARED.get_or_init(async || match External::from_environment() {
            Some(external) => Arc::new(Deployment::external(external)),
            // Statics are never dropped: the leash removes this folder.
            None => Arc::new(
                Deployment::spawned(Path::new(binary), "eu", &Extra::default(), Keep::UntilTheLeashIsLet).await,
            ),
        });
        Target { deployment: deployment.await.clone(), hold: Hold::Shared { _guard: guard } }
    }

    /// A target that this test may restart, kill, and move the clock of.
    pub async fn own(binary: &str) -> Self {
        let Some(external) = External::from_environment() else {
            return Target::spawned_with(binary, Extra::default()).await;
        };
        let guard = exclusion().await.write_owned().await;
        Target { deployment: Arc::new(Deployment::external(external)), hold: Hold::Alone { _guard: guard } }
    }

    /// A process of the test's own with more arguments or environment, whatever else is tested: for what is set at
    /// start.
    pub async fn spawned_with(binary: &str, extra: Extra) -> Self {
        Target::spawned_in(binary, "eu", extra).await
    }

    /// The same in a region.
    pub async fn spawned_in(binary: &str, region: &str, extra: Extra) -> Self {
        let deployment = Deployment::spawned(Path::new(binary), region, &extra, Keep::WithTheDeployment).await;
        Target { deployment: Arc::new(deployment), hold: Hold::Own }
    }

    pub fn deployment(&self) -> Arc<Deployment> {
        self.deployment.clone()
    }
}

impl Deref for Target {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

impl Drop for Target {
    /// Gives a deployment that others use its real time back.
    fn drop(&mut self) {
        if matches!(self.hold, Hold::Alone { .. }) {
            let deployment = self.deployment.clone();
            let reset = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime starts").block_on(deployment.set_clock(0));
            });
            assert!(reset.join().is_ok() || std::thread::panicking(), "the target's clock was not set back");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    WithTheDeployment,
    UntilTheLeashIsLet,
}

impl Deployment {
    fn external(external: External) -> Self {
        Deployment {
            ingest: external.ingest,
            control: external.control,
            ops: external.ops,
            region: external.region,
            manage: external.manage,
            manage_tail: Vec::new(),
            power: Power::Commands { kill: external.kill, start: external.start, stop: external.stop },
            turn: AtomicUsize::new(0),
        }
    }

    async fn spawned(binary: &Path, region: &str, extra: &Extra, keep: Keep) -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-test-").tempdir().expect("a folder for the server");
        let (folder, path): (Option<TempDir>, PathBuf) = match keep {
            Keep::WithTheDeployment => {
                let path = folder.path().to_owned();
                (Some(folder), path)
            }
            Keep::UntilTheLeashIsLet => (None, folder.keep()),
        };
        // Another process may take a port between our look and the server's bind: then it ends, and we look again.
        for _ in 0..4 {
            let mut process = Process::spawn(binary, &path, region, extra.clone());
            let url = |port: u16| format!("http://127.0.0.1:{port}");
            let [ingest, control, ops] = process.ports.map(url);
            let ready = eventually(STARTS, "the server starts", async || {
                if process.has_ended() { Ok(false) } else { is_ready(&ops).await.map(|()| true) }
            });
            if !ready.await {
                if process.log().contains("in use") {
                    continue;
                }
                panic!("the server ended at start:\n{}", process.log());
            }
            let data = process.data().to_str().expect("temporary folders have plain names").to_owned();
            return Deployment {
                ingest: vec![ingest],
                control,
                ops: vec![ops],
                region: region.to_owned(),
                manage: vec![binary.to_str().expect("the binary has a plain name").to_owned()],
                manage_tail: vec!["--data".to_owned(), data],
                power: Power::Process { process: Box::new(Mutex::new(process)), _folder: folder },
                turn: AtomicUsize::new(0),
            };
        }
        panic!("no free ports in four tries");
    }

    /// A front door: each in turn.
    pub fn ingest(&self) -> &str {
        &self.ingest[self.turn.fetch_add(1, Ordering::Relaxed) % self.ingest.len()]
    }

    /// The other region.
    pub fn other_region(&self) -> &'static str {
        if self.region == "eu" { "us" } else { "eu" }
    }

    /// Runs a management command and returns the JSON it printed.
    ///
    /// # Panics
    /// If it fails, or prints anything but one JSON value.
    pub async fn manage(&self, words: &[&str]) -> Value {
        let (ok, out, err) = self.try_manage(words).await;
        assert!(ok, "{words:?} failed: {err}{out}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?} printed no JSON ({error}): {out}"))
    }

    /// Runs a management command: whether it went well, its standard output, its standard error.
    pub async fn try_manage(&self, words: &[&str]) -> (bool, String, String) {
        let (program, first) = self.manage.split_first().expect("a target says how it is managed");
        let mut command = Command::new(program);
        without_own_variables(&mut command);
        command.args(first).args(words).arg("--json").args(&self.manage_tail);
        let output = tokio::task::spawn_blocking(move || command.output());
        let output =
            output.await.expect("the command's thread ends").unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    /// Ends every instance at once, without notice.
    pub async fn kill(&self) {
        match &self.power {
            Power::Process { process, .. } => process.lock().unwrap_or_else(PoisonError::into_inner).kill(),
            Power::Commands { kill, .. } => run("kill", kill).await,
        }
    }

    /// Ends in order; whether the exit code says that nothing was left.
    pub async fn stop(&self) -> bool {
        match &self.power {
            Power::Process { process, .. } => process.lock().unwrap_or_else(PoisonError::into_inner).stop(),
            Power::Commands { stop, .. } => {
                run("stop", stop).await;
                true
            }
        }
    }

    /// Starts what was ended, on the same data, and waits until it is ready.
    pub async fn start(&self) {
        match &self.power {
            Power::Process { process, .. } => process.lock().unwrap_or_else(PoisonError::into_inner).start(),
            Power::Commands { start, .. } => run("start", start).await,
        }
        eventually(STARTS, "the target is ready again", async || {
            assert!(!self.has_ended(), "the server ended at start:\n{}", self.log());
            for ops in &self.ops {
                is_ready(ops).await?;
            }
            Ok(())
        })
        .await;
    }

    fn has_ended(&self) -> bool {
        match &self.power {
            Power::Process { process, .. } => process.lock().unwrap_or_else(PoisonError::into_inner).has_ended(),
            Power::Commands { .. } => false,
        }
    }

    /// What a spawned server wrote so far; empty for a deployment that is there already.
    pub fn log(&self) -> String {
        match &self.power {
            Power::Process { process, .. } => process.lock().unwrap_or_else(PoisonError::into_inner).log(),
            Power::Commands { .. } => String::new(),
        }
    }

    /// Sets every instance's clock to the system's plus `offset_ms`.
    pub async fn set_clock(&self, offset_ms: i64) {
        let client = Client::default();
        for ops in &self.ops {
            let set =
                client.call("PUT", &format!("{ops}/test-clock")).json(&json!({"offset_ms": offset_ms})).send().await;
            assert!((200..300).contains(&set.status), "the target has no clock that tests can move: {set}");
        }
    }

    /// One reading of the metrics of all instances.
    pub async fn metrics(&self) -> Metrics {
        let client = Client::default();
        let mut pages = Vec::new();
        for ops in &self.ops {
            pages.push(Metrics::parse(&client.get(&format!("{ops}/metrics")).send().await.expect(200).text()));
        }
        Metrics::merged(pages)
    }
}

async fn is_ready(ops: &str) -> Result<(), String> {
    match Client::default().get(&format!("{ops}/readyz")).try_send().await {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(answer.to_string()),
        Err(error) => Err(error),
    }
}

fn without_own_variables(command: &mut Command) {
    for name in OWN_VARIABLES {
        command.env_remove(name);
    }
}

async fn run(what: &str, words: &[String]) {
    let Some((program, args)) = words.split_first() else { panic!("the target's file has no '{what}' command") };
    let mut command = Command::new(program);
    without_own_variables(command.args(args));
    let status = tokio::task::spawn_blocking(move || command.status()).await.expect("the command's thread ends");
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{words:?}: {status:?}");
}
