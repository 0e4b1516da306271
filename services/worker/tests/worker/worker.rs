//! A worker in the test's own process, and what it logs.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_lifecycle::Stopper;
use tidegate_worker::{LogLine, LogSink, SupervisorCommand, WorkerError, WorkerOptions, work};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::server::{DEADLINE, KEY, Server};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_worker-under-test");

/// The options of a worker for `command`. The command finds a folder of its own in `$DIR`.
pub fn options(url: &str, command: &str, folder: &Path) -> WorkerOptions {
    WorkerOptions {
        url: url.to_owned(),
        key: KEY.to_owned(),
        command: command.to_owned(),
        once: false,
        parallel: 1,
        supervisor: SupervisorCommand { program: PROGRAM.into(), arguments: vec!["supervise".into()] },
        environment: std::env::vars_os().chain([("DIR".into(), folder.into()), ("KEY".into(), KEY.into())]).collect(),
        stop_grace: Duration::from_secs(1),
    }
}

pub struct Worker {
    pub folder: TempDir,
    lines: Arc<Mutex<Vec<String>>>,
    stopper: Stopper,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl Worker {
    pub fn start(server: &Server, command: &str) -> Worker {
        Worker::with(&server.url, command, |_| {})
    }

    pub fn with(url: &str, command: &str, change: impl FnOnce(&mut WorkerOptions)) -> Worker {
        let folder = TempDir::new().unwrap();
        let mut options = options(url, command, folder.path());
        change(&mut options);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let log: LogSink = Arc::new(move |line: &LogLine| kept.lock().unwrap().push(line.to_string()));
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(work(options, stop.stopped(), log));
        Worker { folder, lines, stopper, task }
    }

    /// The lines of the log that hold `part`.
    pub fn lines(&self, part: &str) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(part)).cloned().collect()
    }

    /// What the command wrote into a file of its folder, once it has.
    pub async fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        let text = || std::fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'));
        until(&format!("{name} is written"), || text().is_some()).await;
        text().unwrap().trim().to_owned()
    }

    pub fn allow(&self, name: &str) {
        std::fs::write(self.folder.path().join(name), "").unwrap();
    }

    /// Stops the worker and waits for its end.
    pub async fn stop(self) -> Result<(), WorkerError> {
        self.stopper.stop();
        self.ended().await
    }

    pub async fn ended(self) -> Result<(), WorkerError> {
        tokio::time::timeout(DEADLINE, self.task).await.expect("the worker ends").unwrap()
    }

    pub fn begin_stop(&self) {
        self.stopper.stop();
    }
}

/// Waits until `is_so`.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !is_so() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}
