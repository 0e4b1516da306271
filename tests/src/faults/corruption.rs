//! The embedded files after a crash: a write that was torn, bits that flipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::catalogue::Given;
use super::runner::caught;
use super::trial::{Pace, Trial};
use crate::durability::verdict::{self, Fault as Wrong};
use crate::durability::{Phase, Random};
use crate::servers::{Server, is_ready};
use crate::wait::eventually;

const TIMES: u64 = 4;
const SOME: std::ops::Range<u64> = 40..160;
const FLIPS: u64 = 24;
/// Of one file's damage.
const TIMES_EACH: u64 = 3;
const SETTLES: Duration = Duration::from_secs(120);
/// Where SQLite's write-ahead log has its first frame, and how long a frame's head is.
const FIRST_FRAME: usize = 32;
const FRAME_HEAD: usize = 24;

/// The process crashes in the middle of an unacknowledged write: half a frame is at the end.
pub async fn torn_tail(given: Given) {
    let mut trial = Trial::begin(given.deployment().await, Pace::BUSY, given.random, given.sheet.clone()).await;
    let server = trial.server("server");
    let mut torn = 0;
    for _ in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        server.kill();
        trial.tell(Phase::Hold);
        for file in files(trial.deployment.data_folder(), |name| name.ends_with("-wal")) {
            torn += u64::from(tear(&file, &mut trial.random));
        }
        server.start().await;
        trial.tell(Phase::Send);
        trial.recovers().await;
    }
    assert!(torn >= TIMES, "only {torn} files had a tail to be torn");
    given.sheet.note(format!("{torn} tails torn"));
    trial.ends().await;
}

/// Appends what looks like a frame of this life of the log and breaks off, or whose sum is wrong.
fn tear(file: &Path, random: &mut Random) -> bool {
    let content = fs::read(file).expect("a file of the data folder");
    let Some(head) = content.get(FIRST_FRAME..FIRST_FRAME + FRAME_HEAD) else { return false };
    let length = random.within(1..6_000);
    let page = (0..length).map(|_| random.draw().to_le_bytes()[0]);
    let torn: Vec<u8> = head.iter().copied().chain(page).collect();
    fs::File::options().append(true).open(file).and_then(|mut file| file.write_all(&torn)).expect("it is ours");
    true
}

/// What came of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did not start.
    Refused,
    /// An answer said that something is wrong.
    Told,
    /// It serves what is right.
    Right,
    /// It serves something else: a fault of ours, and in the sheet.
    Silent,
}

/// Bits flip while it is down. It says so, or what it serves is right; and it works again on a copy from before.
pub async fn bit_flips(given: Given) {
    let mut trial = Trial::begin(given.deployment().await, Pace::BUSY, given.random, given.sheet.clone()).await;
    let (mut noticed, mut right) = (0, 0);
    for _ in 0..TIMES {
        match damaged(&mut trial, |copies, random| flip(copies, FLIPS, random)).await {
            Outcome::Refused | Outcome::Told => noticed += 1,
            Outcome::Right => right += 1,
            Outcome::Silent => {}
        }
    }
    given.sheet.note(format!("{noticed} times noticed, {right} times all that is served was right"));
    trial.ends().await;
}

/// One bit flips in one write-ahead log, which SQLite then reads up to there only. What the store lost is read from the log
/// again; a log or a registry that lost what it had acknowledged is refused.
pub async fn wal_flips(given: Given) {
    let mut trial = Trial::begin(given.deployment().await, Pace::BUSY, given.random, given.sheet.clone()).await;
    for of in ["store.db-wal", "log.db-wal", "registry.db-wal"] {
        let (mut refused, mut right) = (0, 0);
        for _ in 0..TIMES_EACH {
            let one = |copies: &[(PathBuf, Vec<u8>)], random: &mut Random| {
                let wal = copies.iter().find(|(path, _)| path.ends_with(of)).expect("it has one").clone();
                flip(&[wal], 1, random);
            };
            match damaged(&mut trial, one).await {
                Outcome::Refused => refused += 1,
                Outcome::Right => right += 1,
                Outcome::Silent => {}
                Outcome::Told => panic!("{of}: it started without what it had: {}", trial.server("server").log()),
            }
        }
        // The load is too small for a checkpoint of the store.
        assert!(of != "store.db-wal" || refused == 0, "the store did not heal: {}", trial.server("server").log());
        given.sheet.note(format!("{of}: {refused} times refused, {right} times all that is served was right"));
    }
    trial.ends().await;
}

/// Kills the server, damages copies of its files, sees what comes of it, and puts the files back.
async fn damaged(trial: &mut Trial, damage: impl Fn(&[(PathBuf, Vec<u8>)], &mut Random)) -> Outcome {
    let server = trial.server("server");
    trial.acknowledge_some(SOME).await;
    server.kill();
    trial.tell(Phase::Hold);
    let folder = trial.deployment.data_folder().to_owned();
    let all = |_: &str| true;
    let copies: Vec<(PathBuf, Vec<u8>)> =
        files(&folder, all).into_iter().map(|file| (file.clone(), fs::read(&file).expect("it is ours"))).collect();
    damage(&copies, &mut trial.random);
    let outcome = match starts(&server).await {
        true => told(trial).await,
        false => Outcome::Refused,
    };
    server.kill();
    for file in files(&folder, all) {
        fs::remove_file(file).expect("it is ours");
    }
    for (file, content) in copies {
        fs::write(file, content).expect("it is ours");
    }
    server.start().await;
    trial.tell(Phase::Send);
    trial.recovers().await;
    outcome
}

/// Flips bits of files that hold something, anywhere in them.
fn flip(files: &[(PathBuf, Vec<u8>)], flips: u64, random: &mut Random) {
    let whole: Vec<_> = files.iter().filter(|(_, content)| !content.is_empty()).collect();
    for _ in 0..flips {
        let (file, _) = whole[usize::try_from(random.within(0..whole.len() as u64)).expect("it is small")];
        let mut content = fs::read(file).expect("it is ours");
        let at = usize::try_from(random.within(0..content.len() as u64)).expect("files are small");
        content[at] ^= 1 << random.within(0..8);
        fs::write(file, content).expect("it is ours");
    }
}

/// Whether it gets ready; if not, it says why and ends.
async fn starts(server: &Server) -> bool {
    server.begin();
    eventually(SETTLES, "it starts or says why not", async || {
        if server.has_ended() {
            return Ok(false);
        }
        is_ready(server.ops()).await.map(|()| true)
    })
    .await
}

/// Whether what is served is right, or says that it is not.
async fn told(trial: &Trial) -> Outcome {
    let load = trial.load();
    let read = caught(verdict::judge_now(&load.team, &load.book.all())).await;
    let mut row = trial.sheet.open();
    match read {
        Ok(Ok(_)) => Outcome::Right,
        // What cannot be read is an error in the answer.
        Err(panicked) => {
            row.notes.push(format!("noticed while it served: {}", panicked.chars().take(120).collect::<String>()));
            Outcome::Told
        }
        Ok(Err(Wrong::Missing(sent))) => {
            row.lost += sent.len() as u64;
            row.notes.push(format!("missing without a word: {:?}", &sent[..sent.len().min(2)]));
            Outcome::Silent
        }
        Ok(Err(other)) => {
            row.doubled += 1;
            row.notes.push(format!("served without a word: {other:?}"));
            Outcome::Silent
        }
    }
}

/// The files of a folder whose names are so, in order.
fn files(folder: &Path, which: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the data folder").map(|entry| entry.expect("an entry").path());
    let named = |path: &PathBuf| path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(&which);
    let mut found: Vec<PathBuf> = entries.filter(named).collect();
    found.sort();
    found
}
