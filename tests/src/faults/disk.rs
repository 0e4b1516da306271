//! The embedded data folder's disk is full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::Target;
use crate::process::Extra;
use crate::wait::eventually;

const SIZE: &str = "size=192m";
static CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];
const SOME: std::ops::Range<u64> = 40..120;
const LASTS: Duration = Duration::from_secs(5);
const REFUSES: Duration = Duration::from_secs(60);

/// A small file system in memory. It ends with this value.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// `None` where none can be mounted, which takes root.
    pub fn mounted() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("tidegate-disk-").tempdir().expect("a folder to mount on");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder.path()).output();
        mounted.expect("mount is there").status.success().then_some(Disk { folder })
    }

    /// The same for a fault, which must not be left out unnoticed.
    pub fn wanted() -> Self {
        Disk::mounted().expect("a small tmpfs can be mounted, which takes root; or leave it out by `--without NAME`")
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("a file");
        while ballast.write_all(&CHUNK).is_ok() {}
        while ballast.write_all(&[0]).is_ok() {}
    }

    /// Gives the room back.
    pub fn empty(&self) {
        std::fs::remove_file(self.ballast()).expect("a file of our own");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that is being ended may still hold files on it.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

pub async fn full(given: Given) {
    let disk = Disk::wanted();
    let target = Target::dev_on(&given.binary, &disk.path().join("data"), Extra::default()).await;
    let mut trial = Trial::begin(target.deployment(), Pace::BUSY, given.random, given.sheet.clone()).await;
    for _ in 0..3 {
        trial.acknowledge_some(SOME).await;
        let before = refused(&trial);
        disk.fill();
        eventually(REFUSES, "a full disk is told", async || {
            disk.fill();
            if refused(&trial) > before { Ok(()) } else { Err("everything is taken".to_owned()) }
        })
        .await;
        trial.lasts(LASTS).await;
        disk.empty();
        trial.recovers().await;
    }
    trial.ends().await;
}

fn refused(trial: &Trial) -> u64 {
    trial.load().ends().iter().filter(|(kind, _)| kind.starts_with("503")).map(|(_, count)| count).sum()
}
