//! One `tidegate-under-test dev` process on a folder of its own.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::external::OWN_VARIABLES;
use crate::ids::random_bytes;

/// A server process. It ends with this value, or with the test process, whatever happens to that.
#[derive(Debug)]
pub struct Process {
    binary: PathBuf,
    folder: PathBuf,
    pub ports: [u16; 3],
    region: String,
    extra: Extra,
    child: Option<Child>,
}

/// What a test adds to the command line and to the environment.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    pub args: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Process {
    /// Spawns a server with its data in `folder/data`. Whether it came up is for the caller to see.
    pub fn spawn(binary: &Path, folder: &Path, region: &str, extra: Extra) -> Self {
        let mut process = Process {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            ports: free_ports(),
            region: region.to_owned(),
            extra,
            child: None,
        };
        process.start();
        process
    }

    /// Starts it (again) on the same folder and ports.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "the server runs already");
        let [ingest, control, ops] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        let mut command = Command::new(&self.binary);
        command.arg(format!("--leash={}", self.folder.display()));
        command.args(["dev", "--region", &self.region, "--data"]).arg(self.data());
        command.args(["--listen", &ingest, "--control-listen", &control, "--ops-listen", &ops]);
        command.args(&self.extra.args);
        OWN_VARIABLES.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.envs(self.extra.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(self.log_file()).stderr(self.log_file());
        self.child = Some(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display())));
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("an own child can be killed");
            child.wait().expect("an own child can be waited for");
        }
    }

    /// SIGTERM, and waits until it is gone; whether it ended well.
    pub fn stop(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return true };
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill is there");
        assert!(told.success(), "the server had ended before it was told to");
        // Its standard input stays open while it drains: the leash must not end it first.
        let leash = child.stdin.take();
        let ended = child.wait().expect("an own child can be waited for");
        drop(leash);
        ended.success()
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().expect("an own child can be asked").is_some())
    }

    /// Everything that it and its earlier lives wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    fn log_file(&self) -> File {
        let path = self.folder.join("server.log");
        OpenOptions::new().create(true).append(true).open(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three ports that nobody listens on, below the range that outgoing connections are given: a client that calls
/// a server which is down must not be given that very port and talk to itself.
fn free_ports() -> [u16; 3] {
    let start = u16::from_be_bytes(random_bytes());
    let candidates = (0..20_000u16).map(|step| 12_000 + (start.wrapping_add(step) % 20_000));
    let mut free = candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    std::array::from_fn(|_| free.next().expect("three of twenty thousand ports are free"))
}
