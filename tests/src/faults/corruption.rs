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
const SETTLES: Duration = Duration::from_secs(120);
/// Where SQLite's write-ahead log has its first frame, and how long a frame's head is.
const FIRST_FRAME: usize = 32;
const FRAME_HEAD: usize = 24;

/// The process dies in the middle of a write that nobody was told of: half a frame stands at the end.
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

/// Bits flip while it is down. It says so, or what it serves is right; and it works again on a copy from before.
pub async fn bit_flips(given: Given) {
    let mut trial = Trial::begin(given.deployment().await, Pace::BUSY, given.random, given.sheet.clone()).await;
    let server = trial.server("server");
    let (mut noticed, mut harmless) = (0, 0);
    for _ in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        server.kill();
        trial.tell(Phase::Hold);
        let folder = trial.deployment.data_folder().to_owned();
        let all = |_: &str| true;
        let copies: Vec<(PathBuf, Vec<u8>)> =
            files(&folder, all).into_iter().map(|file| (file.clone(), fs::read(&file).expect("it is ours"))).collect();
        flip(&copies, &mut trial.random);
        if starts(&server).await {
            match told(&trial).await {
                Ok(()) => harmless += 1,
                Err(Some(why)) => {
                    noticed += 1;
                    given.sheet.note(format!("noticed while it served: {why}"));
                }
                Err(None) => {}
            }
        } else {
            noticed += 1;
        }
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
    }
    given.sheet.note(format!("{noticed} times noticed, {harmless} times nothing that is served was touched"));
    trial.ends().await;
}

/// Flips bits of files that hold something, anywhere in them.
fn flip(files: &[(PathBuf, Vec<u8>)], random: &mut Random) {
    let whole: Vec<_> = files.iter().filter(|(_, content)| !content.is_empty()).collect();
    for _ in 0..FLIPS {
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

/// Whether what is served is right; `Some` says how it told that something is not, `None` is silence: a fault of ours.
async fn told(trial: &Trial) -> Result<(), Option<String>> {
    let load = trial.load();
    let read = caught(verdict::judge_now(&load.team, &load.book.all())).await;
    let mut row = trial.sheet.open();
    match read {
        Ok(Ok(_)) => Ok(()),
        // What cannot be read is told by its answer.
        Err(panicked) => Err(Some(panicked.chars().take(120).collect())),
        Ok(Err(Wrong::Missing(sent))) => {
            row.lost += sent.len() as u64;
            row.notes.push(format!("missing without a word: {:?}", &sent[..sent.len().min(2)]));
            Err(None)
        }
        Ok(Err(other)) => {
            row.doubled += 1;
            row.notes.push(format!("served without a word: {other:?}"));
            Err(None)
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
