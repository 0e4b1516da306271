//! A command in progress: its supervisor's process and pipes.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::api::Lease;
use crate::log::LogSource;
use crate::options::WorkerOptions;
use crate::orphans::{MARK, kill_marked, new_mark};
use crate::output::{Lines, OutputLine};
use crate::supervise::Order;

/// Lines that wait to be handled. A command that writes faster has to wait.
const WAITING_LINES: usize = 64;
/// How long the pipes may stay open after the supervisor has ended.
const PIPES_DEADLINE: Duration = Duration::from_secs(2);

/// What a command did.
#[derive(Debug)]
pub enum CommandEvent {
    Wrote(LogSource, OutputLine),
    /// The command and its descendants have ended. `None`: the supervisor died, or could not be waited for.
    Ended(Option<i32>),
}

/// A running command. Dropping it stops it.
pub struct Running {
    /// Open for as long as the command may run. `None` once it was stopped.
    stdin: Option<ChildStdin>,
    events: mpsc::Receiver<CommandEvent>,
}

impl Running {
    /// Starts the command of `options` for `lease`.
    ///
    /// # Errors
    /// The supervisor cannot be started.
    pub async fn start(options: &WorkerOptions, lease: &Lease) -> io::Result<Self> {
        // With the end of a line, so that a shell's `read` is content.
        let work_order = format!("{}\n", lease.work_order.get());
        let order = Order {
            command: options.command.clone(),
            grace_ms: u64::try_from(options.stop_grace.as_millis()).unwrap_or(u64::MAX),
            work_order_bytes: work_order.len(),
        };
        let input = [serde_json::to_vec(&order)?, b"\n".to_vec(), work_order.into_bytes()].concat();
        let mark = new_mark()?;
        let mut child = spawn(options, lease, &mark)?;
        let (sender, events) = mpsc::channel(WAITING_LINES);
        let (closed, all_closed) = blocking::channel();
        if let Some(pipe) = child.stdout.take() {
            forward(pipe, LogSource::CommandOutput, sender.clone(), closed.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            forward(pipe, LogSource::CommandErrors, sender.clone(), closed);
        }
        let stdin = child.stdin.take();
        thread::spawn(move || wait(child, &mark, &all_closed, &sender));
        Ok(Running { stdin: feed(stdin, input).await, events })
    }

    /// The next event. After [`CommandEvent::Ended`] there is none.
    pub async fn next(&mut self) -> CommandEvent {
        self.events.recv().await.unwrap_or(CommandEvent::Ended(None))
    }

    /// Has the supervisor end the command. [`CommandEvent::Ended`] follows.
    pub fn stop(&mut self) {
        self.stdin = None;
    }
}

fn spawn(options: &WorkerOptions, lease: &Lease, mark: &str) -> io::Result<Child> {
    let ids = [("AGENTGATE_RUN_ID", Some(&lease.run)), ("AGENTGATE_WORK_ORDER_ID", lease.work_order_id.as_ref())];
    let ids = ids.into_iter().filter_map(|(name, id)| Some((OsStr::new(name), OsStr::new(id?))));
    let inherited = options.keyless_environment().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    Command::new(&options.supervisor.program)
        .args(&options.supervisor.arguments)
        .env_clear()
        .envs(inherited.chain(ids))
        .env(MARK, mark)
        // Ctrl-C in a terminal is for the worker alone: it stops its commands in order.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Writes `input` and gives the pipe back, open. `None`: the supervisor is gone, which its end will say.
async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) -> Option<ChildStdin> {
    let mut stdin = stdin?;
    let (sender, fed) = oneshot::channel();
    thread::spawn(move || {
        let written = stdin.write_all(&input);
        // There is no reader any more: the pipe closes.
        let _ = sender.send(written.map(|()| stdin));
    });
    fed.await.ok()?.ok()
}

/// Sends the lines of a pipe. `closed` is dropped at its end.
fn forward(
    pipe: impl Read + Send + 'static,
    source: LogSource,
    sender: mpsc::Sender<CommandEvent>,
    closed: blocking::Sender<()>,
) {
    thread::spawn(move || {
        for line in Lines::new(pipe) {
            if sender.blocking_send(CommandEvent::Wrote(source, line)).is_err() {
                break;
            }
        }
        drop(closed);
    });
}

/// Sends the end of the command after its last line.
fn wait(mut child: Child, mark: &str, all_closed: &blocking::Receiver<()>, sender: &mpsc::Sender<CommandEvent>) {
    let exit_code = child.wait().ok().and_then(|status| status.code());
    if exit_code.is_none() {
        // A signal has ended the supervisor, and its command goes on.
        kill_marked(mark);
    }
    // Nothing is sent on it: this waits until both pipes are closed. A process that cannot be killed may hold one open.
    let _ = all_closed.recv_timeout(PIPES_DEADLINE);
    let _ = sender.blocking_send(CommandEvent::Ended(exit_code));
}
