//! The descendants of this process, also those that have left the command's group.

use std::io;

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;
    use std::io;

    use rustix::process::{Signal, getpid, kill_process, set_child_subreaper};

    use crate::process_table::pids;

    pub fn adopt_orphans() -> io::Result<()> {
        Ok(set_child_subreaper(Some(getpid()))?)
    }

    pub fn kill_children() {
        for pid in pids() {
            let is_child = fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| super::parent(&stat) == Some(getpid().as_raw_nonzero().get()));
            if is_child {
                // It may have ended meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;

    pub fn adopt_orphans() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn kill_children() {}
}

/// Makes orphans among the descendants children of this process, so that it sees them and waits for them.
pub fn adopt_orphans() -> io::Result<()> {
    platform::adopt_orphans()
}

/// Kills the children of this process. Their own children become this process's, and need another call.
pub fn kill_children() {
    platform::kill_children();
}

/// The parent in a line of `/proc/PID/stat`. The name before it is in brackets and may hold anything.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn parent(stat: &str) -> Option<i32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_stands_after_the_name() {
        assert_eq!(parent("12 (sh) S 7 12 12 0"), Some(7));
        assert_eq!(parent("12 (a) S 9 (b)) R 8 12"), Some(8));
        assert_eq!(parent("12 (sh"), None);
    }
}
