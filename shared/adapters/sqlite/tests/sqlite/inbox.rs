//! The inbox between an operator's process and the one that owns the folder.

use std::path::Path;

use bytes::Bytes;
use tidegate_kernel::{LogKey, Region, Timestamp};
use tidegate_sqlite::{DataFolder, FolderError, OperatorInbox, OperatorRoute};

fn folder(place: &Path) -> DataFolder {
    let now = Timestamp::from_millis(1_790_000_000_000);
    DataFolder::open_or_create_commands(place, "sample", Region::Eu, 4, now).expect("ours")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_waits_in_order_until_it_is_removed() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = folder(place.path());
    let owner = OperatorInbox::open(&folder).expect("an inbox");
    let operator = OperatorInbox::open(&folder).expect("an inbox");
    assert_eq!(owner.waiting(10).await, Ok(vec![]));
    for number in 0..3u8 {
        let command = Bytes::from(vec![0, 255, number]);
        operator.put(&[number; 16], &format!("owner_{number}"), command).await.expect("put");
    }
    let waiting = owner.waiting(10).await.expect("read");
    let expected: Vec<(LogKey, Bytes)> = (0..3u8)
        .map(|number| (LogKey::new(&[number; 16], &["owner_", &number.to_string()]), Bytes::from(vec![0, 255, number])))
        .collect();
    let found: Vec<_> = waiting.iter().map(|posted| (posted.key, posted.command.clone())).collect();
    assert_eq!(found, expected);
    assert_eq!(owner.waiting(2).await, Ok(waiting[..2].to_vec()));
    // As after a crash between the append and the removal.
    drop(owner);
    let owner = OperatorInbox::open(&folder).expect("an inbox");
    assert_eq!(owner.waiting(10).await, Ok(waiting.clone()));
    for _ in 0..2 {
        owner.remove(waiting[0].number).await.expect("removed");
        owner.remove(waiting[2].number).await.expect("removed");
    }
    assert_eq!(owner.waiting(10).await, Ok(waiting[1..2].to_vec()));
    // Numbers are not used again, so a late removal removes nothing else.
    operator.put(&[9; 16], "owner_9", Bytes::new()).await.expect("put");
    owner.remove(waiting[2].number).await.expect("removed");
    assert_eq!(owner.waiting(10).await.expect("read").len(), 2);
}

#[test]
fn who_finds_no_owner_owns_the_folder() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = folder(place.path());
    let OperatorRoute::Own(owned) = OperatorRoute::of(&folder).expect("ours") else { panic!("it had no owner") };
    assert!(matches!(OperatorRoute::of(&folder).expect("ours"), OperatorRoute::Inbox(_)));
    drop(owned);
    assert!(matches!(OperatorRoute::of(&folder).expect("ours"), OperatorRoute::Own(_)));
}

#[test]
fn a_folder_belongs_to_one_api() {
    let place = tempfile::tempdir().expect("a folder");
    let now = Timestamp::from_millis(1_790_000_000_000);
    let open = |path: &Path, api| DataFolder::open_or_create_commands(path, api, Region::Eu, 4, now);
    let (sample, other) = (place.path().join("sample"), place.path().join("other"));
    open(&sample, "sample").expect("made");
    open(&other, "other").expect("made");
    let refused = open(&sample, "other").map(drop).expect_err("refused");
    assert!(matches!(refused, FolderError::OtherApi { .. }), "{refused}");
    let refused = DataFolder::open_existing(&sample, None).map(drop).expect_err("refused");
    assert!(refused.to_string().contains("holds data of sample, not of agentping"), "{refused}");
    // They may be made before the folder that they are in.
    DataFolder::open_or_create(place.path(), Region::Eu, 4, now).expect("made");
    let refused = open(place.path(), "sample").map(drop).expect_err("refused");
    assert!(matches!(refused, FolderError::OtherApi { .. }), "{refused}");
    open(&sample, "sample").expect("there");
}
