//! The process table.

use std::fs;

/// The processes of a group that have not ended.
pub fn group(id: &str) -> Vec<i32> {
    let id: i32 = id.parse().unwrap();
    let is_member = |pid: &i32| fields(*pid).is_some_and(|(state, group)| group == id && state != "Z");
    pids().filter(is_member).collect()
}

/// Whether a process has not ended.
pub fn is_running(pid: &str) -> bool {
    fields(pid.parse().unwrap()).is_some_and(|(state, _)| state != "Z")
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// State and group of a process.
fn fields(pid: i32) -> Option<(String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Some((fields.first()?.to_string(), fields.get(2)?.parse().ok()?))
}
