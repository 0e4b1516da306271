//! What a command leaves running when its supervisor is killed. A supervisor that SIGKILL ends, as the kernel sends it
//! when memory is short, has not ended its command.
//!
//! The worker finds the processes by their environment: it starts each supervisor with a mark there that no other
//! supervisor has, and descendants inherit it. So it kills the processes of the command only, whoever their parent is.
//! It holds each by a descriptor before it looks at the mark again, since a number may be used anew.
//! It does not find processes that were started without the environment, that have overwritten theirs, or whose
//! environment only another user may read. Elsewhere than on Linux it finds none.

use std::io;

/// The variable with the mark.
pub const MARK: &str = "AGENTGATE_COMMAND_MARK";

/// A mark for one supervisor.
///
/// # Errors
/// The system gives no random number.
pub fn new_mark() -> io::Result<String> {
    let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{random:016x}"))
}

/// Kills the processes with this mark, until none is left or a few seconds have passed. The supervisor has ended.
pub fn kill_marked(mark: &str) {
    platform::kill_with(&format!("{MARK}={mark}"));
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;
    use std::thread;

    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, pidfd_send_signal, waitpid};

    use crate::kill_rounds::{KILL_ROUNDS, SETTLE};
    use crate::process_table::pids;

    /// Rounds in a row that must find nothing: a process that is starting a program shows no environment for a moment.
    const EMPTY_ROUNDS: u32 = 2;

    /// Kills the processes whose environment has this entry.
    pub fn kill_with(entry: &str) {
        let (mut killed, mut empty_rounds) = (Vec::new(), 0);
        for _ in 0..KILL_ROUNDS {
            let found = find(entry);
            empty_rounds = if found.is_empty() { empty_rounds + 1 } else { 0 };
            if empty_rounds == EMPTY_ROUNDS {
                break;
            }
            for pid in found {
                kill(pid, entry);
                killed.push(pid);
            }
            thread::sleep(SETTLE);
        }
        for pid in killed {
            // They are this process's children where it is the first of its container, and else the system's. No other
            // child is waited for: supervisors have threads that do.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }

    /// Kills a process, unless it has ended meanwhile and its number is another process's, without the entry.
    pub fn kill(pid: Pid, entry: &str) {
        // Opened first: the signal then goes to the process that had the number before the look at its environment, or
        // to none if that has ended since.
        let process = pidfd_open(pid, PidfdFlags::empty());
        if !is_in_environment(pid, entry) {
            return;
        }
        // It may have ended meanwhile.
        let _ = match process {
            Ok(process) => pidfd_send_signal(process, Signal::KILL),
            Err(Errno::SRCH) => Ok(()),
            // A kernel before 5.3, a sandbox that refuses the call, or no descriptor is left.
            Err(_) => kill_process(pid, Signal::KILL),
        };
    }

    fn find(entry: &str) -> Vec<Pid> {
        pids().filter(|pid| is_in_environment(*pid, entry)).collect()
    }

    /// A process that has ended, and is not waited for yet, has no environment.
    fn is_in_environment(pid: Pid, entry: &str) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ"));
        environment.is_ok_and(|environment| super::has(&environment, entry.as_bytes()))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    pub fn kill_with(_: &str) {}
}

/// Whether an environment, as `/proc/PID/environ` shows it, has this entry.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn has(environment: &[u8], entry: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|one| one == entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_entry_counts() {
        let cases: [(&[u8], bool); 6] = [
            (b"PATH=/bin\0MARK=12\0", true),
            (b"MARK=12", true),
            (b"MARK=123\0", false),
            (b"MY_MARK=12\0", false),
            (b"TEXT=MARK=12\0", false),
            (b"", false),
        ];
        for (environment, expected) in cases {
            assert_eq!(has(environment, b"MARK=12"), expected, "{}", String::from_utf8_lossy(environment));
        }
    }

    #[test]
    fn no_two_marks_are_the_same() {
        assert_ne!(new_mark().unwrap(), new_mark().unwrap());
    }

    #[cfg(target_os = "linux")]
    mod linux {
        use std::io::Read;
        use std::process::{Child, Command, Stdio};

        use rustix::process::Pid;

        use super::super::{MARK, platform};

        /// A shell that ends with code 7 once its input is closed. It is running.
        fn waiting_shell(mark: &str) -> Child {
            let mut command = Command::new("sh");
            command.args(["-c", "echo up; read -r line; exit 7"]).env(MARK, mark);
            let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            shell.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
            shell
        }

        #[test]
        fn a_number_that_belongs_to_a_process_without_the_mark_is_not_killed() {
            for (mark, expected) in [("12", None), ("123", Some(7))] {
                let mut shell = waiting_shell(mark);
                platform::kill(Pid::from_child(&shell), &format!("{MARK}=12"));
                // Closes its input first. A shell that is killed has no code.
                assert_eq!(shell.wait().unwrap().code(), expected, "{mark}");
            }
        }
    }
}
