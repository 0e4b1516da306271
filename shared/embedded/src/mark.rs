//! The mark beside a file: how much had been acknowledged, so that a file which lost its end is told from one that never
//! had it.
//!
//! SQLite ends a write-ahead log at the first frame whose checksum does not fit and takes no notice of what follows: right
//! after a power cut, when nothing there was acknowledged yet, and wrong after a bit flipped or a disk lied about a sync.
//! The mark is raised after the sync and before the answer, and not synced itself: it never says more than is on disk, a
//! killed process leaves it whole, and a power cut can only leave an earlier one.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tidegate_domain::free_json::text_hash;

use crate::sqlite::{SqliteError, private};

/// One number in a file, with its checksum: `00000000000000000042 9c1b6e0f7a3d2415`, and the end of the line.
pub(crate) struct Mark {
    path: PathBuf,
    /// Of what the file beside it holds; 0 while nothing is known.
    acknowledged: u64,
    /// Open once it was written.
    file: Option<File>,
}

impl Mark {
    /// The mark beside a file, `log.mark` for `log.db`. One that is not there, or empty, says nothing.
    ///
    /// # Errors
    /// [`SqliteError::Mark`] where it cannot be read, or its checksum does not fit.
    pub fn beside(path: &Path) -> Result<Self, SqliteError> {
        let path = path.with_extension("mark");
        let damaged = |cause: String| SqliteError::Mark { path: path.clone(), cause };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let acknowledged = match text.is_empty() {
            true => 0,
            false => parse(&text).ok_or_else(|| damaged("its checksum does not fit".to_owned()))?,
        };
        Ok(Mark { path, acknowledged, file: None })
    }

    pub const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Raises the mark. A mark that cannot be written stays where it is: it tells less, and nothing wrong.
    pub fn raise(&mut self, acknowledged: u64) {
        if acknowledged <= self.acknowledged {
            return;
        }
        match self.write(acknowledged) {
            Ok(()) => self.acknowledged = acknowledged,
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "the mark could not be raised"),
        }
    }

    fn write(&mut self, acknowledged: u64) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(private().create(true).truncate(false).write(true).open(&self.path)?),
        };
        write_at_begin(file, print(acknowledged).as_bytes())
    }
}

/// In one write, so that whoever reads meanwhile has one or the other.
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

fn print(acknowledged: u64) -> String {
    let number = format!("{acknowledged:020}");
    let sum = text_hash(&[number.as_bytes()]);
    format!("{number} {sum:016x}\n")
}

fn parse(text: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(text).ok()?.split(' ').next()?.parse().ok()?;
    (print(number).as_bytes() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_raised_and_never_sinks() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log.db");
        let read = || Mark::beside(&path).expect("readable").acknowledged();
        assert_eq!(read(), 0);
        let mut mark = Mark::beside(&path).expect("readable");
        for (to, stands) in [(42, 42), (41, 42), (u64::MAX, u64::MAX)] {
            mark.raise(to);
            assert_eq!((mark.acknowledged(), read()), (stands, stands));
        }
    }

    #[test]
    fn an_empty_mark_says_nothing_and_any_flipped_bit_is_noticed() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log.db");
        let mark = place.path().join("log.mark");
        fs::write(&mark, "").expect("written");
        assert_eq!(Mark::beside(&path).expect("readable").acknowledged(), 0);
        let whole = print(815).into_bytes();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&mark, flipped).expect("written");
            assert!(matches!(Mark::beside(&path), Err(SqliteError::Mark { .. })), "bit {bit}");
        }
        for cut in 1..whole.len() {
            fs::write(&mark, &whole[..cut]).expect("written");
            assert!(matches!(Mark::beside(&path), Err(SqliteError::Mark { .. })), "cut to {cut}");
        }
    }
}
