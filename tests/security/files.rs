//! The data folder holds what teams sent, and hashes of their credentials: only the process's own user can read it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::{caught_up, loud, team_of};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_data_folder_is_its_owners_alone() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    team.heartbeat(&json!({"agent": "a"})).await.expect(202);
    caught_up(&target, &team).await;
    let folder = target.data_folder();
    assert_eq!(mode(folder), 0o700, "{folder:?} is {:o}", mode(folder));
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for name in ["log.db", "store.db", "registry.db", "dead_letters.db", "tidegate.json", "LOCK"] {
        assert!(files.contains(&folder.join(name)), "{name} is not in {files:?}");
    }
    for file in &files {
        let wanted = if file.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(file), wanted, "{file:?} is {:o}", mode(file));
    }
    // AgentGate's folder in it, with the secret of the deployment.
    let files: Vec<_> = fs::read_dir(folder.join("agentgate")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().any(|file| file.ends_with("secret")), "{files:?}");
    for file in &files {
        assert_eq!(mode(file), 0o600, "{file:?} is {:o}", mode(file));
    }
}
