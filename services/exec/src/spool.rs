//! Reports that could not be sent, each in a file of its own.
//!
//! A file has the report and the front door's URL, and no credential: it is sent with that of the next run of the same
//! agent. Files are private to the user. A report that is sent twice is one report to the server.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidegate_kernel::free_json::text_hash_128;

use crate::report::Report;

/// Reports of one agent that are kept. The oldest ones make room.
const MOST_REPORTS: usize = 500;
/// The largest file that is read.
const MOST_BYTES: u64 = 1 << 20;
const ENDING: &str = "json";

/// The waiting reports of one agent to one front door.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
    url: String,
    agent: String,
    most: usize,
}

/// What a file has.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    report: Report,
}

impl Spool {
    /// The part of `folder` that belongs to this agent and front door.
    pub fn new(folder: &Path, url: &str, agent: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let name = format!("{:032x}", text_hash_128(&[url.as_bytes(), b"\n", agent.as_bytes()]));
        Spool { folder: folder.join(name), url, agent: agent.to_owned(), most: MOST_REPORTS }
    }

    /// Keeps a report, and returns how many older ones were dropped for it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, report: &Report) -> io::Result<usize> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let name = format!("{:015}-{}", report.started_at.as_millis().max(0), report.id);
        let unfinished = self.folder.join(format!("{name}.tmp"));
        let written = self.write(&unfinished, report);
        let kept = written.and_then(|()| fs::rename(&unfinished, self.folder.join(name).with_extension(ENDING)));
        if kept.is_err() {
            // Nothing more can be done about it.
            let _ = fs::remove_file(&unfinished);
        }
        kept?;
        let waiting = self.waiting();
        let over = waiting.len().saturating_sub(self.most);
        waiting[..over].iter().for_each(|file| self.remove(file));
        Ok(over)
    }

    fn write(&self, path: &Path, report: &Report) -> io::Result<()> {
        let text = serde_json::to_vec(&Kept { url: self.url.clone(), report: report.clone() })?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(&text)?;
        file.sync_all()
    }

    /// The files, the oldest run first.
    pub fn waiting(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect();
        files.sort();
        files
    }

    /// The report in a file; `None`: it is gone, or is no report of this agent.
    pub fn read(&self, file: &Path) -> Option<Report> {
        let opened = File::open(file).ok()?;
        if opened.metadata().ok()?.len() > MOST_BYTES {
            return None;
        }
        let kept: Kept = serde_json::from_reader(io::BufReader::new(opened)).ok()?;
        (kept.url == self.url && kept.report.agent == self.agent).then_some(kept.report)
    }

    /// Removes a file. Another run may have done so.
    #[allow(clippy::unused_self, reason = "only files of a spool are removed")]
    pub fn remove(&self, file: &Path) {
        let _ = fs::remove_file(file);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tidegate_agentping::{RunId, Slug};
    use tidegate_kernel::{Region, Timestamp};

    use super::*;

    fn report(agent: &str, second: i64) -> Report {
        let at = Timestamp::from_millis(second * 1_000);
        Report::start(RunId::mint(Region::Eu, at, &[7; 10]), &Slug::sent(agent).unwrap(), at)
    }

    #[test]
    fn reports_wait_in_order_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(&folder.path().join("below"), "http://a/", "one");
        for second in [5, 3, 4] {
            assert_eq!(spool.keep(&report("one", second)).unwrap(), 0);
        }
        let read: Vec<i64> =
            spool.waiting().iter().map(|file| spool.read(file).unwrap().started_at.as_millis() / 1_000).collect();
        assert_eq!(read, [3, 4, 5]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&spool.waiting()[0]), mode(&spool.folder)), (0o600, 0o700));
        for (url, agent) in [("http://b", "one"), ("http://a", "two")] {
            assert!(Spool::new(&folder.path().join("below"), url, agent).waiting().is_empty());
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool { most: 2, ..Spool::new(folder.path(), "http://a", "one") };
        assert_eq!([1, 2, 3, 4].map(|second| spool.keep(&report("one", second)).unwrap()), [0, 0, 1, 1]);
        let read: Vec<Report> = spool.waiting().iter().map(|file| spool.read(file).unwrap()).collect();
        assert_eq!(read, [report("one", 3), report("one", 4)]);
    }

    #[test]
    fn a_file_that_is_no_report_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path(), "http://a", "one");
        spool.keep(&report("two", 1)).unwrap();
        fs::write(spool.folder.join("1.json"), b"{").unwrap();
        fs::write(spool.folder.join("2.tmp"), b"{").unwrap();
        let waiting = spool.waiting();
        assert_eq!(waiting.len(), 2);
        assert!(waiting.iter().all(|file| spool.read(file).is_none()));
    }
}
