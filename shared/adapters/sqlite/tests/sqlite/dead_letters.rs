//! Dead letters: the port's suite in memory and on a folder, and across a restart.

use tidegate_conformance::dead_letters::suite;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{DeadLetters, LogError};
use tidegate_sqlite::DataFolder;
use tidegate_sqlite::dead_letters::{EmbeddedDeadLetters, EmbeddedReadDeadLetters};

#[tokio::test]
async fn in_memory() {
    suite(&MemoryDeadLetters::default()).await;
}

#[tokio::test]
async fn on_a_folder_and_after_a_restart() {
    let place = tempfile::tempdir().expect("a folder");
    let open = || {
        let folder = DataFolder::open_or_create(place.path(), Region::Eu, 1, Timestamp::from_millis(0)).expect("ours");
        EmbeddedDeadLetters::open(&folder.own().expect("owned")).expect("opened")
    };
    let letters = open();
    suite(&letters).await;
    let before = letters.list(None, 10).await.expect("letters");
    drop(letters);
    assert_eq!(open().list(None, 10).await, Ok(before));
}

#[tokio::test]
async fn they_are_read_beside_their_owner() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = DataFolder::open_or_create(place.path(), Region::Eu, 1, Timestamp::from_millis(0)).expect("ours");
    let beside = EmbeddedReadDeadLetters::open(&folder).expect("opened");
    assert_eq!(beside.list(None, 10).await, Ok(vec![]), "no service was ever started on it");
    let letters = EmbeddedDeadLetters::open(&folder.own().expect("owned")).expect("opened");
    suite(&letters).await;
    let all = letters.list(None, 10).await.expect("letters");
    assert_eq!(beside.list(None, 10).await, Ok(all.clone()));
    assert_eq!(beside.list(Some(all[0].position), 1).await, Ok(vec![all[1].clone()]));
    assert_eq!(beside.find(all[2].position).await, Ok(Some(all[2].clone())));
    assert!(matches!(beside.append(all[0].clone()).await, Err(LogError::Broken(_))), "that is the owner's");
}
