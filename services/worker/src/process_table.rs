//! The processes of this machine, as Linux lists them.

use std::fs;

use rustix::process::Pid;

/// All of them, or none where they cannot be listed.
pub fn pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}
