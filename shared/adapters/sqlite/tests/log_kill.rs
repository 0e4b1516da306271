//! A process that appends is killed, again and again: every acknowledged record is there afterwards, in its place,
//! and nothing is there that was not sent. This program is both: the one that kills and, told so, the one killed.

mod log_support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use log_support::{key, open, read_all};
use tidegate_ports::Append;
use tidegate_sqlite::LogOptions;

const PARTITIONS: u32 = 2;
const PRODUCERS: u64 = 16;
const KILLS: u64 = 6;
/// Acknowledgements to wait for before the kill; another number each time.
const BEFORE_KILL: usize = 150;

/// Small, so that kills meet checkpoints too.
fn options() -> LogOptions {
    LogOptions { wal_checkpoint_bytes: 200_000, wal_restart_bytes: 800_000, ..LogOptions::default() }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match arguments.get(1..) {
        Some([role, place, round]) if role == "append-until-killed" => {
            runtime.block_on(append_until_killed(Path::new(place), round.parse().expect("a number")));
        }
        // Asked for a list of tests: this program is one, and has none inside.
        Some(asked) if asked.iter().any(|argument| argument == "--list") => {}
        _ => runtime.block_on(acknowledged_records_survive_kills()),
    }
}

fn payload(name: &str) -> Bytes {
    // Long and short ones, so that some span several pages.
    Bytes::from(format!("{name} {}", "x".repeat(name.len() * 97 % 9_000)))
}

/// Prints a line for each acknowledged record: its partition, offset and name.
async fn append_until_killed(place: &Path, round: u64) {
    let log = open(place, PARTITIONS, options());
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let log = log.clone();
            tokio::spawn(async move {
                for step in 0u64.. {
                    let name = format!("{round}/{producer}/{}{step}", "0".repeat((step % 60) as usize));
                    let position = log.append(key(producer), payload(&name)).await.expect("appended");
                    let line = format!("{} {} {name}\n", position.partition, position.offset);
                    std::io::stdout().write_all(line.as_bytes()).expect("someone listens");
                }
            })
        })
        .collect();
    for producer in producers {
        producer.await.expect("a producer");
    }
}

async fn acknowledged_records_survive_kills() {
    let place = tempfile::tempdir().expect("a folder");
    let mut acknowledged: BTreeMap<(u32, i64), String> = BTreeMap::new();
    for round in 0..KILLS {
        let before = acknowledged.len();
        let mut victim = Command::new(std::env::current_exe().expect("this program"))
            .args(["append-until-killed", &place.path().to_string_lossy(), &round.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(victim.stdout.take().expect("its output"));
        let mut line = String::new();
        let mut killed = false;
        while lines.read_line(&mut line).expect("readable") > 0 {
            // The kill may have torn the last line.
            if let Some([partition, offset, name]) = line.strip_suffix('\n').map(fields) {
                let place = (partition.parse().expect("a number"), offset.parse().expect("a number"));
                assert_eq!(acknowledged.insert(place, name.to_owned()), None, "a place is given once");
            }
            line.clear();
            if !killed && acknowledged.len() - before >= BEFORE_KILL * (round as usize + 1) {
                victim.kill().expect("killed");
                killed = true;
            }
        }
        assert!(!victim.wait().expect("ended").success() && killed, "it ended by the kill");
        check(place.path(), round, &acknowledged).await;
    }
}

fn fields(line: &str) -> [&str; 3] {
    let fields: Vec<&str> = line.split(' ').collect();
    fields.try_into().expect("three fields")
}

async fn check(place: &Path, round: u64, acknowledged: &BTreeMap<(u32, i64), String>) {
    let log = open(place, PARTITIONS, options());
    let stored: BTreeMap<(u32, i64), Bytes> = read_all(&log, &format!("after round {round}"))
        .await
        .into_iter()
        .map(|record| ((record.position.partition, record.position.offset), record.payload))
        .collect();
    for (place, name) in acknowledged {
        assert_eq!(stored.get(place), Some(&payload(name)), "{name} was acknowledged at {place:?}");
    }
    let mut next = BTreeMap::new();
    for ((partition, offset), bytes) in &stored {
        assert_eq!(*offset, *next.entry(*partition).or_insert(0), "no gaps");
        next.insert(*partition, offset + 1);
        let text = std::str::from_utf8(bytes).expect("a text");
        let name = text.split(' ').next().expect("a name");
        assert_eq!(*bytes, payload(name), "nothing is invented");
    }
    log.close().await;
}
