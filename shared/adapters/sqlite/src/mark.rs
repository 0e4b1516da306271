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
use std::time::Duration;

use tidegate_kernel::free_json::text_hash;

use crate::sqlite::{SqliteError, private};

/// How often a mark that does not read is looked at again, and when.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What a file holds, as numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// What it has acknowledged: records, or changes; 0 where that is not counted.
    pub acknowledged: u64,
    /// Checkpoints begun, see [`crate::checkpoints`].
    pub checkpoints: u64,
}

impl Held {
    fn max(self, other: Held) -> Held {
        Held {
            acknowledged: self.acknowledged.max(other.acknowledged),
            checkpoints: self.checkpoints.max(other.checkpoints),
        }
    }
}

/// Both numbers in a file, with their checksum, as one line of text.
pub(crate) struct Mark {
    path: PathBuf,
    /// Of what the file beside it holds; 0 while nothing is known.
    held: Held,
    /// Open once it was written.
    file: Option<File>,
    /// Whether it was told that it cannot be written: once is enough.
    failed: bool,
}

impl Mark {
    /// The mark beside a file, `log.mark` for `log.db`. One that is not there, or empty, says nothing.
    ///
    /// # Errors
    /// [`SqliteError::Mark`] where it cannot be read, or its checksum does not fit.
    pub fn beside(path: &Path) -> Result<Self, SqliteError> {
        let path = path.with_extension("mark");
        let damaged = |cause: String| SqliteError::Mark { path: path.clone(), cause };
        let mut looks = 0;
        let held = loop {
            match fs::read(&path).map(|text| parse(&text)) {
                Ok(Some(held)) => break held,
                Err(error) if error.kind() == ErrorKind::NotFound => break Held::default(),
                Err(error) => return Err(damaged(error.to_string())),
                Ok(None) if looks == LOOKS => return Err(damaged("its checksum does not fit".to_owned())),
                // Another process may be writing it at this moment.
                Ok(None) => std::thread::sleep(LOOK_AGAIN),
            }
            looks += 1;
        };
        Ok(Mark { path, held, file: None, failed: false })
    }

    pub const fn held(&self) -> Held {
        self.held
    }

    /// Raises what is less. A mark that cannot be written stays where it is: it tells less, and nothing wrong.
    pub fn raise(&mut self, held: Held) {
        let held = held.max(self.held);
        if held == self.held {
            return;
        }
        match self.write(held) {
            Ok(()) => (self.held, self.failed) = (held, false),
            Err(error) if !self.failed => {
                self.failed = true;
                tracing::warn!(path = %self.path.display(), %error, "the mark of what is acknowledged cannot be written");
            }
            Err(_) => {}
        }
    }

    pub fn raise_acknowledged(&mut self, acknowledged: u64) {
        self.raise(Held { acknowledged, ..self.held });
    }

    pub fn raise_checkpoints(&mut self, checkpoints: u64) {
        self.raise(Held { checkpoints, ..self.held });
    }

    fn write(&mut self, held: Held) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        write_at_begin(file, print(held).as_bytes())
    }
}

/// As the file beside it belongs to its owner, so does its mark, whoever makes it.
fn open(path: &Path) -> std::io::Result<File> {
    let file = private().create(true).truncate(false).write(true).open(path)?;
    #[cfg(unix)]
    if let Ok(beside) = fs::metadata(path.with_extension("db")) {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only a superuser may, and nobody else needs to.
        let _ = fchown(&file, Some(beside.uid()), Some(beside.gid()));
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

fn print(Held { acknowledged, checkpoints }: Held) -> String {
    let numbers = format!("{acknowledged:020} {checkpoints:020}");
    let sum = text_hash(&[numbers.as_bytes()]);
    format!("{numbers} {sum:016x}\n")
}

/// A text of nothing, as a power cut may leave a new file, says nothing.
fn parse(text: &[u8]) -> Option<Held> {
    if text.iter().all(|byte| *byte == 0) {
        return Some(Held::default());
    }
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    let mut number = || words.next()?.parse().ok();
    let held = Held { acknowledged: number()?, checkpoints: number()? };
    (print(held).as_bytes() == text).then_some(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_raised_and_never_sinks() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log.db");
        let read = || Mark::beside(&path).expect("readable").held();
        assert_eq!(read(), Held::default());
        let mut mark = Mark::beside(&path).expect("readable");
        let held = |acknowledged, checkpoints| Held { acknowledged, checkpoints };
        for (to, stands) in [
            (held(42, 1), held(42, 1)),
            (held(41, 3), held(42, 3)),
            (held(43, 0), held(43, 3)),
            (held(u64::MAX, u64::MAX), held(u64::MAX, u64::MAX)),
        ] {
            mark.raise(to);
            assert_eq!((mark.held(), read()), (stands, stands));
        }
    }

    #[test]
    fn an_empty_mark_says_nothing_and_any_flipped_bit_is_noticed() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log.db");
        let mark = place.path().join("log.mark");
        for nothing in [&[][..], &[0; 59]] {
            fs::write(&mark, nothing).expect("written");
            assert_eq!(Mark::beside(&path).expect("readable").held(), Held::default());
        }
        let whole = print(Held { acknowledged: 815, checkpoints: 4 }).into_bytes();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&flipped), None, "bit {bit}");
        }
        for cut in 1..whole.len() {
            assert_eq!(parse(&whole[..cut]), None, "cut to {cut}");
        }
        fs::write(&mark, &whole[1..]).expect("written");
        assert!(matches!(Mark::beside(&path), Err(SqliteError::Mark { .. })));
    }
}
