//! The supervisor: a small process between the worker and one command. It ends the command with all its descendants
//! when the worker closes the pipe to it, which also happens when the worker dies, however it dies.
//!
//! The pipe is the supervisor's standard input. The worker writes an [`Order`] as one line of JSON and the work order,
//! and then keeps the pipe open for as long as the command may run. The command writes to the supervisor's standard
//! output and standard error. The exit code is the command's, or 128 plus the number of the signal that ended it.

mod command;
mod descendants;
mod order;

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, wait};
use tidegate_lifecycle::signals::Signals;

pub use self::order::Order;
use crate::kill_rounds::{KILL_ROUNDS, SETTLE};

/// From SIGTERM to SIGKILL for the processes that a command leaves running at its own end.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// The exit code for an order that is not understood or a command that cannot be started, as in a shell.
const NOT_STARTED: u8 = 126;

/// What happens while a command runs.
enum Event {
    /// The worker has closed the pipe, or a signal ends the supervisor.
    Stop,
    /// The command has ended, with this exit code.
    Ended(u8),
    /// No descendant is left.
    NoneLeft,
}

/// Runs one command below this process. The whole program of the hidden subcommand that
/// [`SupervisorCommand`](crate::SupervisorCommand) names.
pub fn supervise() -> ExitCode {
    match supervised() {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            // Standard error goes to the worker's log.
            let _ = writeln!(io::stderr(), "the command could not be started: {why}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

fn supervised() -> Result<u8, String> {
    let (order, work_order) = read_order().map_err(|error| format!("the order cannot be read: {error}"))?;
    let (sender, events) = mpsc::sync_channel(8);
    stop_on_signals(sender.clone())?;
    // If this fails, descendants that leave the command's group are not found. The group still ends.
    let _ = descendants::adopt_orphans();
    let mut child = command::start(&order.command).map_err(|error| format!("{}: {error}", order.command))?;
    let group = Pid::from_child(&child);
    if let Some(mut stdin) = child.stdin.take() {
        // The command may leave its input unread: then the write fails once the command has ended.
        thread::spawn(move || stdin.write_all(&work_order));
    }
    stop_on_closed_pipe(sender.clone());
    thread::spawn(move || reap(group, &sender));
    Ok(watch(&events, group, Duration::from_millis(order.grace_ms)))
}

fn read_order() -> io::Result<(Order, Vec<u8>)> {
    let mut stdin = io::stdin().lock();
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let mut work_order = vec![0; order.work_order_bytes];
    stdin.read_exact(&mut work_order)?;
    Ok((order, work_order))
}

/// SIGTERM and SIGINT stop the command as the worker does: a service's stop may signal all of its processes.
fn stop_on_signals(sender: SyncSender<Event>) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(|error| error.to_string())?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen().map_err(|error| error.to_string())?
    };
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                signals.next().await;
                // A full channel holds a stop already.
                let _ = sender.try_send(Event::Stop);
            }
        });
    });
    Ok(())
}

fn stop_on_closed_pipe(sender: SyncSender<Event>) {
    thread::spawn(move || {
        // Nothing is expected but the end of the pipe. An error counts as the end.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(Event::Stop);
    });
}

/// Waits for every descendant that ends, until none is left.
fn reap(leader: Pid, sender: &SyncSender<Event>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == leader => {
                let _ = sender.send(Event::Ended(exit_code(status)));
            }
            Ok(_) | Err(Errno::INTR) => {}
            // No child: the end.
            Err(_) => break,
        }
    }
    let _ = sender.send(Event::NoneLeft);
}

fn exit_code(status: WaitStatus) -> u8 {
    let of_signal = || status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or_else(of_signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Lets the command run until it ends or is stopped, then ends what is left. Returns the command's exit code.
fn watch(events: &Receiver<Event>, group: Pid, grace: Duration) -> u8 {
    let mut code = u8::MAX;
    let grace = match events.recv() {
        Ok(Event::Ended(its)) => {
            code = its;
            if none_left(events, SETTLE, &mut code) {
                return code;
            }
            LEFTOVER_GRACE
        }
        Ok(Event::Stop) => grace,
        Ok(Event::NoneLeft) | Err(_) => return code,
    };
    // An error means that the group is empty: the remaining processes have left it.
    let _ = kill_process_group(group, Signal::TERM);
    if none_left(events, grace, &mut code) {
        return code;
    }
    // Killed processes leave children that have to be killed in turn.
    for _ in 0..KILL_ROUNDS {
        let _ = kill_process_group(group, Signal::KILL);
        descendants::kill_children();
        if none_left(events, SETTLE, &mut code) {
            break;
        }
    }
    code
}

/// Waits until no descendant is left, at most for `longest`.
fn none_left(events: &Receiver<Event>, longest: Duration, code: &mut u8) -> bool {
    let deadline = Instant::now() + longest;
    loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(its)) => *code = its,
            Ok(Event::Stop) => {}
            Ok(Event::NoneLeft) | Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}
