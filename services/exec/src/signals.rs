//! Signals that the command gets through this process.
//!
//! At a terminal the command is in this process's group, so that it can read from the terminal and gets Ctrl-C from it:
//! then only what is sent to this process alone is passed on. Without a terminal the command has a group of its own, and
//! everything is passed on: no signal comes twice, also if it was sent to this process's whole group.

use std::io::IsTerminal;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

/// Signals that wait to be passed on.
const WAITING: usize = 16;

/// A signal that is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caught {
    signal: Signal,
    /// It asks the job to end: all of its processes get it.
    ends: bool,
    /// A terminal sends it to the whole group by itself.
    from_terminal: bool,
}

const CAUGHT: [Caught; 6] = [
    Caught { signal: Signal::TERM, ends: true, from_terminal: false },
    Caught { signal: Signal::INT, ends: true, from_terminal: true },
    Caught { signal: Signal::HUP, ends: true, from_terminal: true },
    Caught { signal: Signal::QUIT, ends: true, from_terminal: true },
    Caught { signal: Signal::USR1, ends: false, from_terminal: false },
    Caught { signal: Signal::USR2, ends: false, from_terminal: false },
];

/// The signals of this process, caught from its creation on.
pub struct Forwarded {
    signals: mpsc::Receiver<Caught>,
    is_at_terminal: bool,
}

impl Forwarded {
    /// Catches signals, except those that this process was started to ignore (`nohup`): the command ignores them, too.
    pub fn listen() -> Self {
        let (sender, signals) = mpsc::channel(WAITING);
        let ignored = ignored();
        for caught in CAUGHT {
            let number = caught.signal.as_raw();
            if ignored & (1 << (number - 1)) != 0 {
                continue;
            }
            // One that cannot be caught ends this process, and the command goes on.
            let Ok(mut stream) = unix::signal(SignalKind::from_raw(number)) else { continue };
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    // Of many signals of one kind the system keeps one as well.
                    let _ = sender.try_send(caught);
                }
            });
        }
        Forwarded { signals, is_at_terminal: std::io::stdin().is_terminal() }
    }

    pub const fn is_at_terminal(&self) -> bool {
        self.is_at_terminal
    }

    /// Passes signals on to the command whose process this is, until it is dropped.
    pub async fn pass_on(&mut self, job: Pid) {
        while let Some(caught) = self.signals.recv().await {
            // The command may have ended meanwhile.
            let _ = match (self.is_at_terminal, caught.ends) {
                (true, _) if caught.from_terminal => Ok(()),
                (false, true) => kill_process_group(job, caught.signal),
                _ => kill_process(job, caught.signal),
            };
        }
        std::future::pending().await
    }

    /// Resolves with the next signal that asks to end.
    pub async fn asked_to_end(&mut self) {
        while let Some(caught) = self.signals.recv().await {
            if caught.ends {
                return;
            }
        }
        std::future::pending().await
    }
}

/// A bit for each signal that this process ignores, the lowest for signal 1. Where the system does not say: none.
fn ignored() -> u64 {
    std::fs::read_to_string("/proc/self/status").map_or(0, |status| ignored_in(&status))
}

fn ignored_in(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_systems_page() {
        let status = "Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert_eq!(ignored_in(status), 1 | 1 << 12);
        assert_eq!(ignored_in("Name:\tx\n"), 0);
    }
}
