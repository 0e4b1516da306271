//! Everything needed to use a deployment from outside: its addresses, its management commands, its power switch.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::external::{External, without_own_variables};
use crate::metrics::Metrics;
use crate::process::{Arguments, Extra, free_ports};
use crate::servers::{Servers, is_ready, local, raise};
use crate::wait::eventually;

/// How long a server may take to start: it may have to catch up with its log first.
pub(crate) const STARTS: Duration = Duration::from_secs(300);
/// How long what is in progress may take to end before the clock is moved.
const RESTS: Duration = Duration::from_secs(120);

/// A deployment: one process or many, spawned or there already.
#[derive(Debug)]
pub struct Deployment {
    pub(crate) ingest: Vec<String>,
    /// AgentGate's front doors; empty where none was asked for.
    pub(crate) agentgate: Vec<String>,
    pub control: String,
    /// All replicas of control, that one first.
    pub(crate) controls: Vec<String>,
    pub ops: Vec<String>,
    pub region: String,
    /// The words before a management command's own.
    pub(crate) manage: Vec<String>,
    /// The words after them.
    pub(crate) manage_tail: Vec<String>,
    pub(crate) power: Power,
    pub(crate) turn: AtomicUsize,
}

#[derive(Debug)]
pub(crate) enum Power {
    Servers(Box<Servers>),
    Commands { kill: Vec<String>, start: Vec<String>, stop: Vec<String> },
}

/// How long a deployment's folder stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    WithTheDeployment,
    /// For a deployment in a static, which is never dropped: the processes' leash removes the folder.
    UntilTheLeashIsLet,
}

impl Keep {
    /// A new folder, and what removes it.
    pub(crate) fn folder(self) -> (Option<TempDir>, std::path::PathBuf) {
        let folder = tempfile::Builder::new().prefix("tidegate-test-").tempdir().expect("a folder for the server");
        let path = folder.path().to_owned();
        match self {
            Keep::WithTheDeployment => (Some(folder), path),
            Keep::UntilTheLeashIsLet => (None, folder.keep()),
        }
    }
}

impl Deployment {
    pub(crate) fn external(external: External) -> Self {
        Deployment {
            ingest: external.ingest,
            agentgate: external.agentgate,
            controls: vec![external.control.clone()],
            control: external.control,
            ops: external.ops,
            region: external.region,
            manage: external.manage,
            manage_tail: Vec::new(),
            power: Power::Commands { kill: external.kill, start: external.start, stop: external.stop },
            turn: AtomicUsize::new(0),
        }
    }

    /// `tidegate dev` on a new folder.
    pub(crate) async fn dev(binary: &str, region: &str, extra: &Extra, keep: Keep) -> Self {
        let (temporary, folder) = keep.folder();
        let data = folder.join("data");
        Deployment::dev_on(binary, region, extra, (temporary, &folder), &data).await
    }

    /// `tidegate dev` on this data folder; its log and its leash are in another.
    pub(crate) async fn dev_on(
        binary: &str,
        region: &str,
        extra: &Extra,
        (temporary, folder): (Option<TempDir>, &Path),
        data: &Path,
    ) -> Self {
        let data = data.to_str().expect("temporary folders have plain names").to_owned();
        let arguments = |[ingest, control, agentgate, ops]: [u16; 4]| {
            let [ingest, control, agentgate, ops] =
                [ingest, control, agentgate, ops].map(|port| format!("127.0.0.1:{port}"));
            let words = ["dev", "--region", region, "--data", &data, "--listen", &ingest];
            let more = ["--control-listen", &control, "--agentgate-listen", &agentgate, "--ops-listen", &ops];
            let args = words.into_iter().chain(more).map(str::to_owned).chain(extra.args.clone()).collect();
            Arguments { args, environment: extra.environment.clone(), streams: extra.streams, limit: extra.limit }
        };
        let (server, [ingest, control, agentgate, ops]) =
            raise("server", Path::new(binary), folder, free_ports::<4>, |ports| ports[3], arguments).await;
        Deployment {
            ingest: vec![local(ingest)],
            agentgate: vec![local(agentgate)],
            control: local(control),
            controls: vec![local(control)],
            ops: vec![local(ops)],
            region: region.to_owned(),
            manage: vec![binary.to_owned()],
            manage_tail: vec!["--data".to_owned(), data],
            power: Power::Servers(Box::new(Servers::new(vec![server], temporary, None))),
            turn: AtomicUsize::new(0),
        }
    }

    /// The data folder of a `tidegate dev`.
    ///
    /// # Panics
    /// If the deployment has none.
    #[track_caller]
    pub fn data_folder(&self) -> &Path {
        match self.manage_tail.as_slice() {
            [flag, data] if flag == "--data" => Path::new(data),
            _ => panic!("this deployment has no data folder"),
        }
    }

    /// A front door: each in turn.
    pub fn ingest(&self) -> &str {
        &self.ingest[self.turn.fetch_add(1, Ordering::Relaxed) % self.ingest.len()]
    }

    /// A front door of AgentGate: each in turn.
    pub fn agentgate(&self) -> &str {
        assert!(!self.agentgate.is_empty(), "this deployment has no front door of AgentGate");
        &self.agentgate[self.turn.fetch_add(1, Ordering::Relaxed) % self.agentgate.len()]
    }

    /// All front doors of AgentGate.
    pub fn gates(&self) -> &[String] {
        &self.agentgate
    }

    /// All replicas of control.
    pub fn controls(&self) -> &[String] {
        &self.controls
    }

    /// All front doors.
    pub fn front_doors(&self) -> &[String] {
        &self.ingest
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
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let output = self.command(&words).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    /// Runs any command of the program on this deployment.
    pub async fn command(&self, words: &[&str]) -> Output {
        self.command_with(words, &[]).await
    }

    /// The same with these variables.
    pub async fn command_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let (program, first) = self.manage.split_first().expect("a target says how it is managed");
        let mut command = Command::new(program);
        without_own_variables(&mut command);
        command.args(first).args(words).args(&self.manage_tail).envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output());
        output.await.expect("the command's thread ends").unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    /// The processes of a spawned deployment.
    ///
    /// # Panics
    /// If it was there already.
    #[track_caller]
    pub fn servers(&self) -> &Servers {
        match &self.power {
            Power::Servers(servers) => servers,
            Power::Commands { .. } => panic!("this deployment's processes are not the test's own"),
        }
    }

    /// Ends every instance at once, without notice.
    pub async fn kill(&self) {
        match &self.power {
            Power::Servers(servers) => servers.kill_all(),
            Power::Commands { kill, .. } => run("kill", kill).await,
        }
    }

    /// Ends in order; whether the exit codes say that nothing was left.
    pub async fn stop(&self) -> bool {
        match &self.power {
            Power::Servers(servers) => servers.stop_all().await,
            Power::Commands { stop, .. } => {
                run("stop", stop).await;
                true
            }
        }
    }

    /// Starts what was ended, on the same data, and waits until it is ready.
    pub async fn start(&self) {
        match &self.power {
            Power::Servers(servers) => servers.start_all().await,
            Power::Commands { start, .. } => run("start", start).await,
        }
        eventually(STARTS, "the target is ready again", async || {
            for ops in &self.ops {
                is_ready(ops).await?;
            }
            Ok(())
        })
        .await;
    }

    /// What spawned servers wrote so far; empty for a deployment that is there already.
    pub fn log(&self) -> String {
        match &self.power {
            Power::Servers(servers) => servers.log(),
            Power::Commands { .. } => String::new(),
        }
    }

    /// Sets every instance's clock to the system's plus `offset_ms`, once nothing is on its way to the store: a
    /// record that waits while its front door's clock leaps would count as old.
    pub async fn set_clock(&self, offset_ms: i64) {
        self.at_rest().await;
        self.set_clock_at_once(offset_ms).await;
    }

    /// Sets the clock of every instance that runs, whatever is on its way.
    pub async fn set_clock_at_once(&self, offset_ms: i64) {
        let client = Client::default();
        for ops in &self.running() {
            let set =
                client.call("PUT", &format!("{ops}/test-clock")).json(&json!({"offset_ms": offset_ms})).send().await;
            assert!((200..300).contains(&set.status), "the target has no clock that tests can move: {set}");
        }
    }

    /// Waits until nothing is on its way to the store.
    pub async fn at_rest(&self) {
        eventually(RESTS, "nothing waits on the log", async || {
            for ops in &self.running() {
                match try_metrics_of(ops).await?.sum("tidegate_lag_records", &[]) {
                    0 => {}
                    records => return Err(format!("{records} records")),
                }
            }
            // A gauge is as old as its last reading, which may not know of what was just taken in: the log itself is asked.
            let (is_read, lag, why) = self.try_manage(&["lag"]).await;
            let records = serde_json::from_str(&lag).ok().and_then(|lag: Value| lag["records"].as_u64());
            match records {
                Some(0) if is_read => Ok(()),
                _ => Err(format!("{lag}{why}")),
            }
        })
        .await;
    }

    /// The operations ports of all instances that are meant to run.
    fn running(&self) -> Vec<String> {
        match &self.power {
            Power::Servers(servers) => servers.running(),
            Power::Commands { .. } => self.ops.clone(),
        }
    }

    /// One reading of the metrics of all instances.
    pub async fn metrics(&self) -> Metrics {
        let mut pages = Vec::new();
        for ops in &self.ops {
            pages.push(metrics_of(ops).await);
        }
        Metrics::merged(pages)
    }
}

/// One reading of one instance's metrics, by its operations port.
pub async fn metrics_of(ops: &str) -> Metrics {
    try_metrics_of(ops).await.unwrap_or_else(|error| panic!("{ops}: {error}"))
}

async fn try_metrics_of(ops: &str) -> Result<Metrics, String> {
    Ok(Metrics::parse(&Client::default().get(&format!("{ops}/metrics")).try_send().await?.expect(200).text()))
}

async fn run(what: &str, words: &[String]) {
    let Some((program, args)) = words.split_first() else { panic!("the target's file has no '{what}' command") };
    let mut command = Command::new(program);
    without_own_variables(command.args(args));
    let status = tokio::task::spawn_blocking(move || command.status()).await.expect("the command's thread ends");
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{words:?}: {status:?}");
}
