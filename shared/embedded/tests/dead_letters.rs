//! Dead letters: the port's suite in memory and on a folder, and across a restart.

use tidegate_domain::{Region, Timestamp};
use tidegate_embedded::DataFolder;
use tidegate_embedded::dead_letters::EmbeddedDeadLetters;
use tidegate_ports::DeadLetters;
use tidegate_ports::conformance::dead_letters::suite;
use tidegate_ports::memory::dead_letters::MemoryDeadLetters;

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
