//! The progress file, by which an interrupted replay continues where it was.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;

use crate::plan::ReplayPlan;
use crate::selection::Selection;

const FORMAT: u32 = 1;

/// How far a replay is, with the product's counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress<C> {
    format: u32,
    /// [`Selection::name`].
    replay: String,
    /// The selection in words, for error messages.
    selection: String,
    #[serde(with = "iso")]
    pub begun_at: Timestamp,
    pub plan: ReplayPlan,
    pub counts: C,
}

/// Why a progress file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgressFileError {
    #[error("cannot {doing} the progress file {}: {source}; give another place with --progress FILE", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is no progress file of this release: {why}; give another one with --progress FILE, or remove it to begin again", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{} belongs to another replay: {theirs}; give another one with --progress FILE", path.display())]
    Another { path: PathBuf, theirs: String },
}

impl<C: Default> Progress<C> {
    /// Nothing is done yet.
    pub fn new<F: Display>(selection: &Selection<F>, plan: ReplayPlan, begun_at: Timestamp) -> Self {
        let (replay, in_words) = (selection.name(), selection.to_string());
        Progress { format: FORMAT, replay, selection: in_words, begun_at, plan, counts: C::default() }
    }
}

/// The place of a progress file.
#[derive(Clone, Debug)]
pub struct ProgressFile(PathBuf);

impl ProgressFile {
    /// `given`, or a file in the working folder that is named after the selection.
    pub fn of<F: Display>(selection: &Selection<F>, given: Option<PathBuf>) -> Self {
        ProgressFile(given.unwrap_or_else(|| PathBuf::from(format!("./tidegate-replay-{}.json", selection.name()))))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The progress of this selection; `None` without a file.
    ///
    /// # Errors
    /// [`ProgressFileError`]: another replay's file, or none at all, is never overwritten.
    pub fn load<C: DeserializeOwned, F: Display>(
        &self,
        selection: &Selection<F>,
    ) -> Result<Option<Progress<C>>, ProgressFileError> {
        let text = match fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io("read", source)),
        };
        let damaged = |why: String| ProgressFileError::Damaged { path: self.0.clone(), why };
        let progress: Progress<C> = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if progress.format != FORMAT {
            return Err(damaged(format!("it has format {}, this release reads {FORMAT}", progress.format)));
        }
        if progress.replay != selection.name() {
            return Err(ProgressFileError::Another { path: self.0.clone(), theirs: progress.selection });
        }
        Ok(Some(progress))
    }

    /// Replaces the file whole or not at all: a kill in between leaves the one before.
    ///
    /// # Errors
    /// [`ProgressFileError::Io`].
    pub fn save<C: Serialize>(&self, progress: &Progress<C>) -> Result<(), ProgressFileError> {
        let mut new = self.0.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = || {
            let mut file = File::create(&new)?;
            serde_json::to_writer_pretty(&mut file, progress)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&new, &self.0)
        };
        written().map_err(|source| self.io("write", source))
    }

    /// Removes the file: the replay is whole.
    ///
    /// # Errors
    /// [`ProgressFileError::Io`].
    pub fn remove(&self) -> Result<(), ProgressFileError> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io("remove", error)),
            _ => Ok(()),
        }
    }

    fn io(&self, doing: &'static str, source: io::Error) -> ProgressFileError {
        ProgressFileError::Io { doing, path: self.0.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stretch;
    use crate::samples::{Fates, NOW, OfWord};
    use crate::selection::SelectionRange;

    fn selection() -> Selection<OfWord> {
        Selection { log: "a log".to_owned(), range: SelectionRange::DeadLetters, filters: OfWord::default() }
    }

    fn progress() -> Progress<Fates> {
        let stretch = Stretch { partition: 3, from: 10, until: 90, next: 40 };
        Progress::new(&selection(), ReplayPlan::Stretches(vec![stretch]), NOW)
    }

    #[test]
    fn it_comes_back_as_it_was_saved_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProgressFile::of(&selection(), Some(folder.path().join("p.json")));
        assert_eq!(file.load::<Fates, _>(&selection()).unwrap(), None);
        let mut progress = progress();
        file.save(&progress).unwrap();
        progress.counts.gone = 4;
        file.save(&progress).unwrap();
        assert_eq!(file.load(&selection()).unwrap(), Some(progress));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
        file.remove().unwrap();
        file.remove().unwrap();
        assert_eq!(file.load::<Fates, _>(&selection()).unwrap(), None);
    }

    #[test]
    fn another_file_in_its_place_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        let file = ProgressFile::of(&selection(), Some(path.clone()));
        file.save(&progress()).unwrap();
        let other = Selection { log: "another log".to_owned(), ..selection() };
        let text = file.load::<Fates, _>(&other).unwrap_err().to_string();
        assert!(text.contains("dead letters in a log") && text.contains("--progress"), "{text}");
        for damaged in ["{", "{}", "a shopping list"] {
            fs::write(&path, damaged).unwrap();
            let text = file.load::<Fates, _>(&selection()).unwrap_err().to_string();
            assert!(text.contains("p.json") && text.contains("--progress"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        let newer = serde_json::to_string(&progress()).unwrap().replace("\"format\":1", "\"format\":2");
        fs::write(&path, newer).unwrap();
        assert!(file.load::<Fates, _>(&selection()).unwrap_err().to_string().contains("format 2"));
        let nowhere = ProgressFile::of(&selection(), Some(folder.path().join("no/such/p.json")));
        assert!(nowhere.save(&progress()).unwrap_err().to_string().contains("no/such/p.json"));
    }

    #[test]
    fn its_usual_name_is_the_selections() {
        let name = selection().name();
        let file = ProgressFile::of(&selection(), None);
        assert_eq!(file.path(), Path::new(&format!("./tidegate-replay-{name}.json")));
    }
}
