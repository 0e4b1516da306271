//! Settings and derived rows on a folder.

use std::path::Path;
use std::sync::Arc;

use tidegate_conformance::{documents, rows};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{DocumentWrite, Documents, Expected, SystemClock, Written};
use tidegate_sqlite::{DataFolder, EmbeddedDocuments, EmbeddedRows, OwnedFolder, SqliteError};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn owned(place: &Path) -> OwnedFolder {
    DataFolder::open_or_create(place, Region::Eu, 1, NOW).expect("ours").own().expect("owned")
}

fn documents_in(folder: &OwnedFolder) -> Result<EmbeddedDocuments, SqliteError> {
    EmbeddedDocuments::open(folder, Arc::new(SystemClock))
}

async fn set(documents: &EmbeddedDocuments, name: &str) {
    let doc = Some(b"{}".to_vec());
    let write = DocumentWrite { kind: "k".into(), name: name.into(), expected: Expected::Absent, doc, ends_at: None };
    assert_eq!(documents.write("s", &[write], NOW).await, Ok(Written::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_rows_pass_the_suites() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = owned(place.path());
    documents::suite(&documents_in(&folder).expect("opened")).await;
    rows::suite(&EmbeddedRows::open(&folder, Arc::new(SystemClock)).expect("opened")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_there_after_a_restart() {
    let place = tempfile::tempdir().expect("a folder");
    for name in ["a", "b"] {
        let folder = owned(place.path());
        let documents = documents_in(&folder).expect("opened");
        set(&documents, name).await;
    }
    let folder = owned(place.path());
    let documents = documents_in(&folder).expect("opened");
    for name in ["a", "b"] {
        assert!(documents.get("s", "k", name).await.expect("read").is_some(), "{name}");
    }
}

/// A file that lost changes which it had acknowledged, or is gone, is not used.
#[tokio::test(flavor = "multi_thread")]
async fn lost_settings_are_noticed() {
    let place = tempfile::tempdir().expect("a folder");
    let path = |name: &str| place.path().join(name);
    {
        let folder = owned(place.path());
        set(&documents_in(&folder).expect("opened"), "a").await;
    }
    std::fs::copy(path("settings.db"), path("earlier")).expect("copied");
    {
        let folder = owned(place.path());
        set(&documents_in(&folder).expect("opened"), "b").await;
    }
    for name in ["settings.db-wal", "settings.db-shm"] {
        let _ = std::fs::remove_file(path(name));
    }
    std::fs::copy(path("earlier"), path("settings.db")).expect("copied");
    let folder = owned(place.path());
    let refused = documents_in(&folder).err().expect("refused");
    assert!(matches!(refused, SqliteError::Short { acknowledged: 2, found: 1, .. }), "{refused}");
    std::fs::remove_file(path("settings.db")).expect("removed");
    let refused = documents_in(&folder).err().expect("refused");
    assert!(matches!(refused, SqliteError::Missing { .. }), "{refused}");
    std::fs::remove_file(path("settings.mark")).expect("removed");
    documents_in(&folder).expect("an operator has decided to go on without");
}
