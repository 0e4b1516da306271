//! An organization with one run, and workers (`tidegate agentgate worker`) that carry it out with commands of the test's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::agentgate::ledger::End;
use crate::agentgate::{Account, Breach, Stored, Terms, breaches};
use crate::faults::proxy::Proxy;
use crate::process::{Arguments, Process};
use crate::wait::eventually;
use crate::{Deployment, ids};

/// Until whatever a worker does is seen.
const SEEN: Duration = Duration::from_secs(90);

/// The run, and what its workers have.
pub struct Site {
    account: Account,
    pub run: String,
    /// A way to the server that can be blocked.
    pub way: Proxy,
    binary: PathBuf,
    folder: TempDir,
}

impl Site {
    /// Submits the run. `way` leads to the server.
    pub async fn begin(binary: &str, deployment: Arc<Deployment>, way: Proxy) -> Self {
        let account = Account::create(deployment, Terms::AMPLE).await;
        let run = account.submit(&ids::nonce()).await.expect("it has credits");
        let folder = tempfile::Builder::new().prefix("tidegate-worker-").tempdir().expect("a folder for the workers");
        Site { account, run, way, binary: PathBuf::from(binary), folder }
    }

    /// Starts a worker that calls the server straight, or by the way. Its command writes `NAME-started`, goes on once
    /// there is `NAME-go`, says that the run succeeded after so many iterations, and writes `NAME-wrote`.
    pub fn worker(&self, name: &str, is_straight: bool, iterations: u64) -> Process {
        let by_the_way = format!("http://{}", self.way.address());
        let url = if is_straight { self.account.deployment.agentgate() } else { &by_the_way };
        let at = |what: &str| self.file(name, what).display().to_string();
        let command = format!(
            "touch {}; while [ ! -e {} ]; do sleep 0.05; done; \
             echo '{{\"status\":\"succeeded\",\"iterations\":{iterations}}}'; touch {}",
            at("started"),
            at("go"),
            at("wrote")
        );
        let args = ["agentgate", "worker", "--url", url, "--key", &self.account.worker_key, "--exec", &command];
        let args = Arguments { args: args.map(str::to_owned).to_vec(), ..Arguments::default() };
        let mut worker = Process::new(name, &self.binary, self.folder.path(), args);
        worker.start();
        worker
    }

    fn file(&self, name: &str, what: &str) -> PathBuf {
        self.folder.path().join(format!("{name}-{what}"))
    }

    /// Whether the command of this worker has written this.
    pub fn has(&self, name: &str, what: &str) -> bool {
        self.file(name, what).exists()
    }

    /// Waits until the command of this worker has written this.
    pub async fn wrote(&self, name: &str, what: &str) {
        eventually(SEEN, &format!("{name}-{what}"), async || {
            if self.has(name, what) { Ok(()) } else { Err("it is not there".to_owned()) }
        })
        .await;
    }

    /// Lets the command of this worker go on.
    pub fn let_go(&self, name: &str) {
        fs::write(self.file(name, "go"), "").expect("a file in a folder of our own");
    }

    /// Waits until clients see the run so.
    pub async fn is(&self, status: &str) {
        eventually(SEEN, &format!("the run is {status}"), async || {
            let run = self.account.get(&format!("/v1/runs/{}", self.run)).await?;
            if run["status"] == status { Ok(()) } else { Err(run.to_string()) }
        })
        .await;
    }

    /// Waits until a worker has logged this.
    pub async fn logs(&self, worker: &Process, words: &str) {
        eventually(SEEN, &format!("{} logs '{words}'", worker.name()), async || {
            let log = worker.log();
            if log.contains(words) { Ok(()) } else { Err(log) }
        })
        .await;
    }

    /// Waits until no process of the run's commands is left.
    pub async fn none_left(&self) {
        let mark = format!("AGENTGATE_RUN_ID={}", self.run);
        eventually(SEEN, "no process of the run is left", async || match processes_with(&mark) {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        })
        .await;
    }

    /// Another worker takes the run up once its lease has ended, and ends it after one iteration.
    pub async fn another_ends_it(&self) {
        self.let_go("another");
        let mut another = self.worker("another", true, 1);
        self.is("succeeded").await;
        assert!(another.stop(), "it did not end in order:\n{}", another.log());
    }

    /// A worker that asks for a run is given none.
    pub async fn none_waits(&self) {
        let ask = json!({ "worker": "another" });
        let answer = self.account.insist(&self.account.worker_key, "/worker/v1/leases", None, &ask).await;
        assert_eq!(answer.expect(200).json(), json!({}), "a run that had ended is leased again");
    }

    /// The run has ended after so many iterations: what does not hold.
    pub async fn judge(self, iterations: u64) -> Vec<Breach> {
        self.is("succeeded").await;
        self.none_left().await;
        // Which grant that was is the workers' to know.
        self.account.ledger().end(&self.run, End { token: 0, iterations });
        let ledger = self.account.ledger().clone();
        breaches(&ledger, &Stored::read(&self.account, &ledger).await)
    }
}

/// Processes that have this variable in their environment.
fn processes_with(mark: &str) -> Vec<String> {
    let has_mark = |folder: &Path| {
        let variables = fs::read(folder.join("environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let folders = fs::read_dir("/proc").expect("there is /proc").filter_map(|entry| Some(entry.ok()?.path()));
    let found = folders.filter(|folder| has_mark(folder));
    found.map(|folder| fs::read_to_string(folder.join("cmdline")).unwrap_or_default().replace('\0', " ")).collect()
}
