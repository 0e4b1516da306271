//! The high-water mark of a file: how much the file had acknowledged, in a small file next to it. It distinguishes a
//! file that lost its end from one that never had more.
//!
//! SQLite ends a write-ahead log at the first frame whose checksum does not fit, and ignores what follows. That is right
//! after a power cut, when nothing there was acknowledged yet, and wrong after a bit flipped or a disk lied about a sync.
//! It is raised after the sync and before the answer, and not synced itself: it never says more than is on disk, a
//! killed process leaves it whole, and a power cut can only leave an earlier one.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_kernel::free_json::text_hash;

use crate::sqlite::{SqliteError, private};

/// How often a high-water mark whose checksum does not fit is read again, and after which pause.
const READS_AGAIN: u32 = 5;
const READ_AGAIN_AFTER: Duration = Duration::from_millis(2);

/// Two numbers about a file that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Records or changes acknowledged since the file was made; 0 where they are not counted.
    pub acknowledged: u64,
    /// Checkpoints begun since the file was made, see [`super::checkpoint_count`].
    pub checkpoints: u64,
}

impl Counts {
    fn max(self, other: Counts) -> Counts {
        Counts {
            acknowledged: self.acknowledged.max(other.acknowledged),
            checkpoints: self.checkpoints.max(other.checkpoints),
        }
    }
}

/// Both counts in a file, with their checksum, as one line of text.
pub(super) struct HighWaterMark {
    path: PathBuf,
    /// As in the file; 0 while nothing is known.
    counts: Counts,
    /// Open once it was written.
    file: Option<File>,
    /// The last write failed, and was reported: once is enough.
    failed: bool,
}

impl HighWaterMark {
    /// Reads the high-water mark of a file: `log.mark` for `log.db`. One that is missing or empty counts nothing.
    ///
    /// # Errors
    /// [`SqliteError::HighWaterMark`] where it cannot be read, or its checksum does not fit.
    pub fn of_file(path: &Path) -> Result<Self, SqliteError> {
        let path = path.with_extension("mark");
        let damaged = |cause: String| SqliteError::HighWaterMark { path: path.clone(), cause };
        let mut reads_again = 0;
        let counts = loop {
            match fs::read(&path).map(|text| parse(&text)) {
                Ok(Some(counts)) => break counts,
                Err(error) if error.kind() == ErrorKind::NotFound => break Counts::default(),
                Err(error) => return Err(damaged(error.to_string())),
                Ok(None) if reads_again == READS_AGAIN => return Err(damaged("its checksum does not fit".to_owned())),
                // Another process may be writing it at this moment.
                Ok(None) => std::thread::sleep(READ_AGAIN_AFTER),
            }
            reads_again += 1;
        };
        Ok(HighWaterMark { path, counts, file: None, failed: false })
    }

    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Raises the counts that are less. A high-water mark that cannot be written stays where it is, which is less than the
    /// truth and not wrong.
    pub fn raise(&mut self, counts: Counts) {
        let counts = counts.max(self.counts);
        if counts == self.counts {
            return;
        }
        match self.write(counts) {
            Ok(()) => (self.counts, self.failed) = (counts, false),
            Err(error) if !self.failed => {
                self.failed = true;
                tracing::warn!(path = %self.path.display(), %error, "the high-water mark of a file cannot be written");
            }
            Err(_) => {}
        }
    }

    pub fn raise_acknowledged(&mut self, acknowledged: u64) {
        self.raise(Counts { acknowledged, ..self.counts });
    }

    pub fn raise_checkpoints(&mut self, checkpoints: u64) {
        self.raise(Counts { checkpoints, ..self.counts });
    }

    fn write(&mut self, counts: Counts) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        write_at_begin(file, print(counts).as_bytes())
    }
}

/// Whoever makes the high-water mark, it belongs to the owner of the database file.
fn open(path: &Path) -> std::io::Result<File> {
    let file = private().create(true).truncate(false).write(true).open(path)?;
    #[cfg(unix)]
    if let Ok(database) = fs::metadata(path.with_extension("db")) {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only a superuser may, and no other user needs to.
        let _ = fchown(&file, Some(database.uid()), Some(database.gid()));
    }
    Ok(file)
}

/// In one write.
#[cfg(unix)]
fn write_at_begin(file: &mut File, text: &[u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, text, 0)
}

#[cfg(not(unix))]
fn write_at_begin(file: &mut File, text: &[u8]) -> std::io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text)
}

fn print(Counts { acknowledged, checkpoints }: Counts) -> String {
    let numbers = format!("{acknowledged:020} {checkpoints:020}");
    let sum = text_hash(&[numbers.as_bytes()]);
    format!("{numbers} {sum:016x}\n")
}

/// A text of zero bytes, as a power cut may leave a new file, counts nothing.
fn parse(text: &[u8]) -> Option<Counts> {
    if text.iter().all(|byte| *byte == 0) {
        return Some(Counts::default());
    }
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    let mut number = || words.next()?.parse().ok();
    let counts = Counts { acknowledged: number()?, checkpoints: number()? };
    (print(counts).as_bytes() == text).then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_raised_and_never_sinks() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log.db");
        let read = || HighWaterMark::of_file(&path).expect("readable").counts();
        assert_eq!(read(), Counts::default());
        let mut mark = HighWaterMark::of_file(&path).expect("readable");
        let held = |acknowledged, checkpoints| Counts { acknowledged, checkpoints };
        for (to, stands) in [
            (held(42, 1), held(42, 1)),
            (held(41, 3), held(42, 3)),
            (held(43, 0), held(43, 3)),
            (held(u64::MAX, u64::MAX), held(u64::MAX, u64::MAX)),
        ] {
            mark.raise(to);
            assert_eq!((mark.counts(), read()), (stands, stands));
        }
    }

    #[test]
    fn an_empty_mark_says_nothing_and_any_flipped_bit_is_noticed() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log.db");
        let mark = place.path().join("log.mark");
        for nothing in [&[][..], &[0; 59]] {
            fs::write(&mark, nothing).expect("written");
            assert_eq!(HighWaterMark::of_file(&path).expect("readable").counts(), Counts::default());
        }
        let whole = print(Counts { acknowledged: 815, checkpoints: 4 }).into_bytes();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&flipped), None, "bit {bit}");
        }
        for cut in 1..whole.len() {
            assert_eq!(parse(&whole[..cut]), None, "cut to {cut}");
        }
        fs::write(&mark, &whole[1..]).expect("written");
        assert!(matches!(HighWaterMark::of_file(&path), Err(SqliteError::HighWaterMark { .. })));
    }
}
