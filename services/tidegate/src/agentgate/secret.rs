//! The key of an embedded deployment: a file of its folder, which only its user can read. Whoever has AgentGate's folder
//! without it can read no free content, and no credential works any more; whoever has AgentPing's can read no route.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tidegate_commands::sealing::DeploymentKey;
use tidegate_ports::{Ids, RandomIds};
use tidegate_sqlite::DataFolder;

use crate::config::key_of;
use crate::failure::Failure;

/// The file's name.
const FILE: &str = "secret";
/// What is lost with AgentGate's, and what to do.
pub const AGENTGATE: &str = "put it back from a backup: without it no credential works and no content can be read";
/// The same of AgentPing's.
pub const AGENTPING: &str = "put it back from a backup: without it the targets of alert routes cannot be read";

/// Whether a folder has its file.
pub fn is_there(folder: &DataFolder) -> bool {
    folder.path().join(FILE).exists()
}

/// Reads the key of a folder. A folder `without_records` that has none gets one; for others `put_back` says what to do.
///
/// # Errors
/// The file cannot be read or made, is gone, or holds no key.
pub fn of_folder(folder: &DataFolder, without_records: bool, put_back: &'static str) -> Result<DeploymentKey, Failure> {
    let path = folder.path().join(FILE);
    let failed = |error: std::io::Error| {
        Failure::unavailable(format!("the secret {} cannot be read or made: {error}", path.display())).caused_by(error)
    };
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !without_records => {
            return Err(Failure::broken(format!("{} is gone", path.display())).or_else(put_back));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(folder.path(), &path).map_err(failed)?;
            fs::read_to_string(&path).map_err(failed)?
        }
        read => read.map_err(failed)?,
    };
    key_of(&text)
        .ok_or_else(|| Failure::broken(format!("{} does not hold 64 hex digits", path.display())).or_else(put_back))
}

/// Makes the file whole, or not at all. Where two processes make it, one of them wins.
fn make(folder: &Path, path: &Path) -> std::io::Result<()> {
    let random = [RandomIds.random(), RandomIds.random(), RandomIds.random(), RandomIds.random()].concat();
    let hex: String = random.iter().take(DeploymentKey::BYTES).map(|byte| format!("{byte:02x}")).collect();
    let unfinished = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(hex.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tidegate_kernel::{Region, Timestamp};

    use super::*;

    #[test]
    fn a_folder_has_one_secret_that_only_its_user_can_read() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open_or_create(place.path(), Region::Eu, 1, Timestamp::from_millis(0)).unwrap();
        let [first, again] =
            [of_folder(&folder, true, AGENTGATE).unwrap(), of_folder(&folder, false, AGENTGATE).unwrap()];
        assert_eq!(first.hash("test", &[]), again.hash("test", &[]));
        let path = place.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(place.path())
                .unwrap()
                .filter(|entry| {
                    entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(FILE))
                })
                .count(),
            1
        );
        fs::rename(&path, place.path().join("moved")).unwrap();
        assert!(of_folder(&folder, false, AGENTGATE).unwrap_err().to_string().contains("secret is gone"));
        fs::write(&path, "0f").unwrap();
        assert!(of_folder(&folder, true, AGENTGATE).unwrap_err().to_string().contains("64 hex digits"));
    }
}
