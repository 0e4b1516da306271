//! The suite of the due port.

use std::sync::Arc;

use tidegate_kernel::{LogKey, Position, Timestamp};
use tidegate_ports::{Due, DueOwner, DueWrite};

use crate::minted::{at, at_in_next, owner, owner_of_shard};

/// Runs every case.
pub async fn suite(due: &dyn Due) {
    a_shard_has_its_own_owners(due).await;
    of_two_writes_the_newer_one_stays(due).await;
    an_older_write_after_nothing_is_due_loses(due).await;
    many_are_put_at_once(due).await;
}

fn write(owner: LogKey, at_ms: Option<i64>, position: Position) -> DueWrite {
    DueWrite { owner, at: at_ms.map(Timestamp::from_millis), position }
}

async fn put(due: &dyn Due, writes: Vec<DueWrite>) {
    due.put(Arc::new(writes)).await.expect("put");
}

/// What is due of the owners, in their order. Others of the shard are not looked at.
async fn due_of(due: &dyn Due, shard: u16, owners: &[LogKey]) -> Vec<Option<i64>> {
    let read = due.read(shard).await.expect("read");
    let of = |owner: &LogKey| {
        let mut found = read.iter().filter(|due: &&DueOwner| due.owner == owner.text());
        let at_ms = found.next().map(|due| due.at.as_millis());
        assert_eq!(found.next(), None, "once for each owner");
        at_ms
    };
    owners.iter().map(of).collect()
}

async fn a_shard_has_its_own_owners(due: &dyn Due) {
    let one = owner();
    let [same, other] = [owner_of_shard(one.shard()), owner_of_shard((one.shard() + 1) % LogKey::SHARDS)];
    put(due, vec![]).await;
    put(
        due,
        vec![write(one, Some(-1), at(1)), write(same, Some(i64::MAX / 2_000), at(2)), write(other, Some(0), at(3))],
    )
    .await;
    assert_eq!(due_of(due, one.shard(), &[one, same, other]).await, [Some(-1), Some(i64::MAX / 2_000), None]);
    assert_eq!(due_of(due, other.shard(), &[one, same, other]).await, [None, None, Some(0)]);
}

async fn of_two_writes_the_newer_one_stays(due: &dyn Due) {
    let owner = owner();
    let [older, newer] = [write(owner, Some(700), at(5)), write(owner, Some(600), at(6))];
    for write in [older, newer, older, newer, newer] {
        put(due, vec![write]).await;
    }
    assert_eq!(due_of(due, owner.shard(), &[owner]).await, [Some(600)]);
    put(due, vec![write(owner, Some(100), at_in_next(0))]).await;
    put(due, vec![write(owner, Some(900), at(7))]).await;
    assert_eq!(due_of(due, owner.shard(), &[owner]).await, [Some(100)]);
}

async fn an_older_write_after_nothing_is_due_loses(due: &dyn Due) {
    let first = owner();
    let second = owner_of_shard(first.shard());
    put(due, vec![write(first, Some(500), at(1))]).await;
    put(due, vec![write(first, None, at(6)), write(second, None, at(6))]).await;
    put(due, vec![write(first, None, at(6)), write(second, None, at(6))]).await;
    put(due, vec![write(first, Some(400), at(5)), write(second, Some(400), at(5))]).await;
    assert_eq!(due_of(due, first.shard(), &[first, second]).await, [None, None]);
    put(due, vec![write(first, Some(300), at(7))]).await;
    put(due, vec![write(first, None, at(6))]).await;
    assert_eq!(due_of(due, first.shard(), &[first, second]).await, [Some(300), None]);
}

async fn many_are_put_at_once(due: &dyn Due) {
    let owners: Vec<LogKey> = (0..300).map(|_| owner()).collect();
    put(due, owners.iter().zip(0..).map(|(owner, at_ms)| write(*owner, Some(at_ms), at(1))).collect()).await;
    for (owner, at_ms) in owners.iter().zip(0..) {
        assert_eq!(due_of(due, owner.shard(), &[*owner]).await, [Some(at_ms)]);
    }
}
