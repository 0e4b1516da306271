//! The command while it runs.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::sync::oneshot;

use crate::options::ExecOptions;
use crate::output::{Copied, Copies};
use crate::signals::Forwarded;
use crate::status::JobStatus;

/// A command that was started.
pub struct Job {
    child: Child,
    output: Option<Copied>,
}

impl Job {
    /// Starts the command of `options`, with `variable` in its environment.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(options: &ExecOptions, variable: (&str, &str), is_at_terminal: bool) -> io::Result<Self> {
        let mut command = command(&options.command);
        command.env(variable.0, variable.1);
        if !is_at_terminal {
            command.process_group(0);
        }
        if options.tail_bytes.is_some() {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let copies = options.tail_bytes.map(Copies::ready).transpose()?;
        let mut child = command.spawn()?;
        let output = copies.map(|copies| copies.start(child.stdout.take(), child.stderr.take()));
        Ok(Job { child, output })
    }

    /// Waits for the end and passes signals on until then. With the last bytes of the output, if they were asked for.
    pub async fn end(mut self, signals: &mut Forwarded) -> (JobStatus, Option<Vec<u8>>) {
        let pid = Pid::from_child(&self.child);
        let (sender, ended) = oneshot::channel();
        thread::spawn(move || sender.send(wait(pid)));
        let status = tokio::select! {
            biased;
            status = ended => status.unwrap_or(JobStatus::Exited(u8::MAX)),
            () = signals.pass_on(pid) => JobStatus::Exited(u8::MAX),
        };
        // From here on the number may be another process's: nothing is sent to it any more.
        let _ = self.child.wait();
        let tail = match self.output {
            Some(output) => Some(output.end().await),
            None => None,
        };
        (status, tail)
    }
}

/// Waits for the end of a child. It stays a zombie, so that no signal meets another process of its number.
fn wait(pid: Pid) -> JobStatus {
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(Some(status)) => return JobStatus::of(&status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return JobStatus::Exited(u8::MAX),
        }
    }
}

fn command(words: &[OsString]) -> Command {
    let mut command = Command::new(words.first().map_or("".as_ref(), OsString::as_os_str));
    command.args(words.get(1..).unwrap_or_default());
    command
}

/// Puts the command in this process's place. It returns only if that fails.
pub fn replace(words: &[OsString]) -> io::Error {
    command(words).exec()
}
