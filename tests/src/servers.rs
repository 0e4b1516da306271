//! The processes of a deployment, started and ended together or one by one.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::client::Client;
use crate::deployment::STARTS;
use crate::process::{Arguments, Process};
use crate::stack::{Leftovers, Settings};
use crate::wait::eventually;

/// All processes. They end with this value.
#[derive(Debug)]
pub struct Servers {
    members: Vec<Server>,
    /// Dropped after the processes, and in this order.
    _leftovers: Option<Leftovers>,
    _folder: Option<TempDir>,
    settings: Option<Settings>,
}

/// One process and where it is asked how it is.
#[derive(Clone, Debug)]
pub struct Server {
    process: Arc<Mutex<Process>>,
    ops: String,
    /// Started only by name.
    spare: bool,
}

impl Servers {
    pub(crate) const fn new(members: Vec<Server>, folder: Option<TempDir>, leftovers: Option<Leftovers>) -> Self {
        Servers { members, _leftovers: leftovers, _folder: folder, settings: None }
    }

    pub(crate) fn made_of(self, settings: &Settings) -> Self {
        Servers { settings: Some(settings.clone()), ..self }
    }

    /// What a deployment on the real stack is made of.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    pub fn settings(&self) -> &Settings {
        self.settings.as_ref().expect("a deployment on the real stack")
    }

    /// The one of that name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn named(&self, name: &str) -> &Server {
        self.members
            .iter()
            .find(|server| server.locked().name() == name)
            .unwrap_or_else(|| panic!("no server '{name}'"))
    }

    /// All of them.
    pub fn all(&self) -> &[Server] {
        &self.members
    }

    /// The operations ports of those that were started, not ended by us, and are not held still.
    pub(crate) fn running(&self) -> Vec<String> {
        let runs = |server: &&Server| server.is_started() && !server.is_suspended();
        self.members.iter().filter(runs).map(|server| server.ops.clone()).collect()
    }

    pub(crate) fn kill_all(&self) {
        self.members.iter().for_each(Server::kill);
    }

    /// Whether all ended well.
    pub(crate) async fn stop_all(&self) -> bool {
        let mut well = true;
        for server in &self.members {
            well &= server.stop().await;
        }
        well
    }

    pub(crate) async fn start_all(&self) {
        join_all(self.members.iter().filter(|server| !server.spare).map(Server::start)).await;
    }

    pub(crate) fn log(&self) -> String {
        // One lock for both: a second one in the same expression would wait for the first.
        let told = |server: &Server| {
            let process = server.locked();
            format!("--- {}\n{}", process.name(), process.log())
        };
        self.members.iter().map(told).collect()
    }
}

impl Server {
    fn locked(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its operations port.
    pub fn ops(&self) -> &str {
        &self.ops
    }

    pub fn name(&self) -> String {
        self.locked().name().to_owned()
    }

    /// Holds it still: SIGSTOP.
    pub fn hold(&self) {
        self.locked().signal("STOP");
    }

    /// Lets it continue: SIGCONT.
    pub fn go_on(&self) {
        self.locked().signal("CONT");
    }

    /// Whether it is held still, by whomever.
    pub fn is_suspended(&self) -> bool {
        self.locked().is_suspended()
    }

    /// Gives its next lives these variables.
    pub fn arm(&self, variables: &[(&str, &str)]) {
        self.locked().arm(variables);
    }

    /// Whether it runs no more: ended by itself, or by us.
    pub fn has_ended(&self) -> bool {
        self.locked().has_ended()
    }

    /// Whether it aborted by itself.
    pub fn aborted(&self) -> bool {
        self.locked().aborted()
    }

    /// The most memory that this life of it has held, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.locked().peak_bytes()
    }

    pub fn is_spare(&self) -> bool {
        self.spare
    }

    pub fn is_started(&self) -> bool {
        self.locked().is_started()
    }

    /// `kill -9`.
    pub fn kill(&self) {
        self.locked().kill();
    }

    /// SIGTERM, and waits for its end; whether it ended well.
    pub async fn stop(&self) -> bool {
        self.listens().await;
        let process = self.process.clone();
        let stop = move || process.lock().unwrap_or_else(PoisonError::into_inner).stop();
        tokio::task::spawn_blocking(stop).await.expect("a process is waited for")
    }

    /// Waits until it listens for signals, or has ended: SIGTERM would kill a process that was begun a moment ago. It
    /// does so before it answers on its operations port.
    async fn listens(&self) {
        eventually(STARTS, "the server is alive", async || {
            if self.locked().has_ended() {
                return Ok(());
            }
            Client::default().get(&format!("{}/healthz", self.ops)).try_send().await.map(drop)
        })
        .await;
    }

    /// Starts it on its old ports, and waits until it is ready.
    ///
    /// # Panics
    /// If it ends before that.
    pub async fn start(&self) {
        self.begin();
        eventually(STARTS, "the server is ready again", async || {
            {
                let mut process = self.locked();
                assert!(!process.has_ended(), "{} ended at start:\n{}", process.name(), process.log());
            }
            is_ready(&self.ops).await
        })
        .await;
    }

    /// Starts it on its old ports, and does not wait.
    pub fn begin(&self) {
        self.locked().start();
    }

    pub fn log(&self) -> String {
        self.locked().log()
    }

    #[must_use]
    pub(crate) fn spare(self) -> Self {
        Server { spare: true, ..self }
    }

    /// One that is yet to be started.
    pub(crate) fn new(process: Process, ops: String) -> Self {
        Server { process: Arc::new(Mutex::new(process)), ops, spare: false }
    }
}

/// Starts a process on free ports and waits until it is ready. Another process may take a port between our look and
/// the server's bind: then it ends, and we look again.
///
/// # Panics
/// If it ends for another reason.
pub(crate) async fn raise<const N: usize>(
    name: &str,
    binary: &Path,
    folder: &Path,
    ports: impl Fn() -> [u16; N],
    ops: impl Fn([u16; N]) -> u16,
    arguments: impl Fn([u16; N]) -> Arguments,
) -> (Server, [u16; N]) {
    for _ in 0..4 {
        let ports = ports();
        let server = Server::new(Process::new(name, binary, folder, arguments(ports)), local(ops(ports)));
        server.begin();
        let what = format!("{name} starts");
        let ready = eventually(STARTS, &what, async || {
            if server.locked().has_ended() { Ok(false) } else { is_ready(&server.ops).await.map(|()| true) }
        });
        if ready.await {
            return (server, ports);
        }
        let log = server.log();
        assert!(log.contains("in use"), "{name} ended at start:\n{log}");
    }
    panic!("no free ports for {name} in four tries");
}

pub(crate) fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

pub(crate) async fn is_ready(ops: &str) -> Result<(), String> {
    match Client::default().get(&format!("{ops}/readyz")).try_send().await {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(answer.to_string()),
        Err(error) => Err(error),
    }
}
