//! The marker file: that a folder is ours, and what was fixed when it was made.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidegate_kernel::{Region, Timestamp};

use super::contents::AGENTPING;
use super::{FolderError, MAX_PARTITIONS};
use crate::sqlite::private;

/// The layout that this build writes and reads.
pub const FORMAT_VERSION: u64 = 1;

const NAME: &str = "tidegate.json";
/// The marker while the rest of the folder is being made.
pub(super) const DRAFT: &str = "tidegate.json.draft";

/// What the marker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    pub format: u64,
    /// The API that the folder belongs to. AgentPing's folders do not name it.
    #[serde(default = "agentping", skip_serializing_if = "is_agentping")]
    pub api: String,
    pub region: Region,
    /// Of the log; 1 to [`MAX_PARTITIONS`].
    pub partitions: u32,
    #[serde(with = "tidegate_kernel::timestamp::iso")]
    pub created_at: Timestamp,
}

fn agentping() -> String {
    AGENTPING.to_owned()
}

fn is_agentping(api: &str) -> bool {
    api == AGENTPING
}

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

pub(super) fn draft_path(folder: &Path) -> PathBuf {
    folder.join(DRAFT)
}

impl Marker {
    pub(super) fn new(api: &str, region: Region, partitions: u32, created_at: Timestamp) -> Self {
        Marker { format: FORMAT_VERSION, api: api.to_owned(), region, partitions, created_at }
    }

    pub(super) fn read(folder: &Path) -> Result<Self, FolderError> {
        #[derive(Deserialize)]
        struct Versioned {
            format: u64,
        }
        let file = path(folder);
        let unreadable = |cause: String| FolderError::Marker { path: file.clone(), cause };
        let text = fs::read(&file).map_err(|error| unreadable(error.to_string()))?;
        // The version is judged before the rest, which another version may have in another form.
        let Versioned { format } = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if format != FORMAT_VERSION {
            return Err(FolderError::Format { path: folder.into(), found: format });
        }
        let marker: Marker = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if (1..=MAX_PARTITIONS).contains(&marker.partitions) {
            Ok(marker)
        } else {
            Err(unreadable(format!("it says {} partitions", marker.partitions)))
        }
    }

    /// Writes and syncs the draft, over an older one.
    pub(super) fn draft(&self, folder: &Path) -> Result<(), FolderError> {
        let io = |source| FolderError::Io { path: draft_path(folder), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| io(error.into()))?;
        let mut file = private().create(true).write(true).truncate(true).open(draft_path(folder)).map_err(io)?;
        file.write_all(&text).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all()).map_err(io)
    }

    /// Makes the draft the marker.
    pub(super) fn publish(folder: &Path) -> Result<(), FolderError> {
        fs::rename(draft_path(folder), path(folder)).map_err(|source| FolderError::Io { path: path(folder), source })
    }
}
