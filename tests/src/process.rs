//! A server process of the program under test.

mod limit;
mod streams;

use std::io::PipeReader;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::external::without_own_variables;
use crate::ids::random_bytes;

pub use limit::Limit;
pub use streams::{Stream, Streams};

/// A server process. It ends with this value, or with the test process, whatever happens to that.
#[derive(Debug)]
pub struct Process {
    name: String,
    binary: PathBuf,
    folder: PathBuf,
    arguments: Arguments,
    child: Option<Child>,
    /// Variables of its next lives.
    armed: Vec<(String, String)>,
    /// The other ends of its pipes that are not read.
    unread: Vec<PipeReader>,
}

/// What a process is started with.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub args: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub streams: Streams,
    /// How many files may be open; as the test's own process without one.
    pub limit: Option<Limit>,
}

/// What a test adds to the command line and to the environment.
pub type Extra = Arguments;

impl Process {
    /// One that is yet to be started. Its log is `folder/NAME.log`; the folder goes when the last holder of it does.
    pub fn new(name: &str, binary: &Path, folder: &Path, arguments: Arguments) -> Self {
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        Process { name: name.to_owned(), binary, folder, arguments, child: None, armed: Vec::new(), unread: Vec::new() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts it (again). Whether it came up is for the caller to see.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let limited = self.arguments.limit.map(|limit| limit.command(&self.binary));
        let mut command = limited.unwrap_or_else(|| Command::new(&self.binary));
        command.arg(format!("--leash={}", self.folder.display())).args(&self.arguments.args);
        without_own_variables(&mut command);
        // A stop continues for as long as clients keep connections, and those of tests do; what drains is tested with
        // more.
        command.envs([("TIDEGATE_INGEST__DRAIN_GRACE_MS", "100"), ("TIDEGATE_CONTROL__DRAIN_GRACE_MS", "100")]);
        command.envs(self.arguments.environment.iter().map(|(name, value)| (name, value)));
        command.envs(self.armed.iter().map(|(name, value)| (name, value)));
        let (output, errors) = (self.arguments.streams.output, self.arguments.streams.errors);
        let ((output, unread), (errors, unread_too)) = (output.open(&self.log_path()), errors.open(&self.log_path()));
        self.unread = unread.into_iter().chain(unread_too).collect();
        command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        self.child = Some(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display())));
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
        signal(&child, "TERM");
        // Its standard input stays open while it drains: the leash must not end it first.
        let leash = child.stdin.take();
        let ended = child.wait().expect("an own child can be waited for");
        drop(leash);
        ended.success()
    }

    /// Sets these variables for its next starts, in addition to its own.
    pub fn arm(&mut self, variables: &[(&str, &str)]) {
        self.armed = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Panics
    /// If it was ended.
    pub fn signal(&self, name: &str) {
        signal(self.child.as_ref().expect("it runs"), name);
    }

    /// The most memory that this life of it has held, in bytes; 0 if it does not run.
    pub fn peak_bytes(&self) -> u64 {
        let status = self.child.as_ref().map(|child| std::fs::read_to_string(format!("/proc/{}/status", child.id())));
        let Some(Ok(status)) = status else { return 0 };
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    /// Whether it aborted by itself.
    pub fn aborted(&mut self) -> bool {
        const ABORTED: i32 = 6;
        let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("an own child can be asked"));
        ended.is_some_and(|status| status.signal() == Some(ABORTED))
    }

    /// Whether it is suspended, as SIGSTOP does it.
    pub fn is_suspended(&self) -> bool {
        let stat = self.child.as_ref().map(|child| std::fs::read_to_string(format!("/proc/{}/stat", child.id())));
        let Some(Ok(stat)) = stat else { return false };
        // The state follows the name, which stands in parentheses.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// Whether it was started and not ended by us.
    pub const fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Whether it is not running: it ended by itself, or by us.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().expect("an own child can be asked").is_some())
    }

    /// Everything that it and its earlier lives wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal, by its name without `SIG`, to a child that has not been waited for.
pub fn signal(child: &Child, name: &str) {
    let told = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(told.expect("kill is there").success(), "process {} had ended before it was sent SIG{name}", child.id());
}

/// Ports without a listener, below the range that outgoing connections are given: a client that calls a server
/// which is down must not be given that very port and talk to itself. The ports of the real stack are left alone.
///
/// No two calls of a test process find the same port, so that tests which run side by side do not take each other's
/// before it is bound, or while its server is down.
pub fn free_ports<const N: usize>() -> [u16; N] {
    const BELOW: u16 = 4_000;
    const ABOVE: u16 = 12_000;
    static NEXT: LazyLock<AtomicUsize> =
        LazyLock::new(|| AtomicUsize::new(usize::from(u16::from_be_bytes(random_bytes()))));
    let places = (0..BELOW + ABOVE).map(|_| {
        let place = NEXT.fetch_add(1, Ordering::Relaxed) % usize::from(BELOW + ABOVE);
        u16::try_from(place).expect("it is below sixteen thousand")
    });
    let ours = places.map(|place| if place < BELOW { 12_000 + place } else { 20_000 - BELOW + place });
    let mut free = ours.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    std::array::from_fn(|_| free.next().expect("some of sixteen thousand ports are free"))
}
