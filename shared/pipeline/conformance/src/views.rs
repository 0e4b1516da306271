//! The suite of the views port.

use std::sync::Arc;

use tidegate_kernel::command::{ViewChange, ViewKey};
use tidegate_kernel::{Position, SmolStr};
use tidegate_ports::{Scan, ScanOrder, ViewRow, ViewWrite, Views};

use crate::minted::{at, at_in_next, name};

const VIEW: &str = "conformance_things";

/// Runs every case.
pub async fn suite(views: &dyn Views) {
    rows_are_found_in_the_order_asked(views).await;
    of_two_writes_the_newer_one_stays(views).await;
    an_older_write_after_a_removal_loses(views).await;
    views_and_shards_do_not_mix(views).await;
    a_shard_is_scanned_in_both_orders_from_a_row_on(views).await;
    removed_rows_do_not_count_in_a_scan(views).await;
    many_rows_are_put_at_once(views).await;
}

fn key(shard: &str, row: &str) -> ViewKey {
    ViewKey { view: VIEW, shard: shard.into(), row: row.into() }
}

fn written(key: &ViewKey, position: Position, doc: &[u8]) -> ViewWrite {
    ViewWrite { change: ViewChange { key: key.clone(), doc: Some(doc.to_vec()) }, position }
}

fn removed(key: &ViewKey, position: Position) -> ViewWrite {
    ViewWrite { change: ViewChange { key: key.clone(), doc: None }, position }
}

async fn put(views: &dyn Views, rows: Vec<ViewWrite>) {
    views.put(Arc::new(rows)).await.expect("put");
}

async fn doc(views: &dyn Views, key: &ViewKey) -> Option<Vec<u8>> {
    views.get(std::slice::from_ref(key)).await.expect("found").pop().expect("one for each asked")
}

/// The names of the rows that a scan finds.
async fn rows(views: &dyn Views, shard: &str, order: ScanOrder, after: Option<&str>, limit: usize) -> Vec<String> {
    let scan = Scan { view: VIEW, shard: shard.into(), after: after.map(SmolStr::from), order, limit };
    views.scan(&scan).await.expect("scanned").into_iter().map(|row| row.row.to_string()).collect()
}

async fn rows_are_found_in_the_order_asked(views: &dyn Views) {
    let shard = name();
    let [one, two, unknown] = [key(&shard, "one"), key(&shard, "two"), key(&shard, "three")];
    assert_eq!(views.get(&[]).await, Ok(vec![]));
    assert_eq!(views.get(&[one.clone(), unknown.clone()]).await, Ok(vec![None, None]));
    put(views, vec![]).await;
    put(views, vec![written(&one, at(1), b"\x001\xff"), written(&two, at(2), b"")]).await;
    let found = views.get(&[two.clone(), unknown, one, two]).await;
    assert_eq!(found, Ok(vec![Some(vec![]), None, Some(b"\x001\xff".to_vec()), Some(vec![])]));
}

async fn of_two_writes_the_newer_one_stays(views: &dyn Views) {
    let key = key(&name(), "row");
    let [older, newer] = [written(&key, at(5), b"older"), written(&key, at(6), b"newer")];
    for write in [&older, &newer, &older, &newer, &newer] {
        put(views, vec![write.clone()]).await;
    }
    assert_eq!(doc(views, &key).await, Some(b"newer".to_vec()));
    put(views, vec![written(&key, at_in_next(0), b"next")]).await;
    put(views, vec![written(&key, at(7), b"older again")]).await;
    assert_eq!(doc(views, &key).await, Some(b"next".to_vec()));
}

async fn an_older_write_after_a_removal_loses(views: &dyn Views) {
    let shard = name();
    let [made, never_made] = [key(&shard, "made"), key(&shard, "never made")];
    put(views, vec![written(&made, at(1), b"there"), written(&never_made, at(9), b"there")]).await;
    // An older removal loses, too.
    put(views, vec![removed(&never_made, at(8))]).await;
    assert_eq!(doc(views, &never_made).await, Some(b"there".to_vec()));
    put(views, vec![removed(&never_made, at(10))]).await;
    // The removal of a row that is not there, or not yet, is remembered.
    let never_made = key(&shard, "not yet made");
    for write in [removed(&made, at(6)), removed(&never_made, at(6))] {
        put(views, vec![write.clone()]).await;
        put(views, vec![write]).await;
    }
    put(views, vec![written(&made, at(5), b"older"), written(&never_made, at(5), b"older")]).await;
    assert_eq!(views.get(&[made.clone(), never_made.clone()]).await, Ok(vec![None, None]));
    assert_eq!(rows(views, &shard, ScanOrder::Ascending, None, 10).await, [""; 0]);
    // A newer write makes the row again.
    put(views, vec![written(&made, at(7), b"again")]).await;
    put(views, vec![removed(&made, at(6))]).await;
    assert_eq!(doc(views, &made).await, Some(b"again".to_vec()));
    assert_eq!(rows(views, &shard, ScanOrder::Ascending, None, 10).await, ["made"]);
}

async fn views_and_shards_do_not_mix(views: &dyn Views) {
    let [shard, other_shard] = [name(), name()];
    let keys =
        [key(&shard, "row"), key(&other_shard, "row"), ViewKey { view: "conformance_others", ..key(&shard, "row") }];
    put(views, keys.iter().zip(*b"123").map(|(key, doc)| written(key, at(1), &[doc])).collect()).await;
    put(views, vec![removed(&keys[1], at(2))]).await;
    assert_eq!(views.get(&keys).await, Ok(vec![Some(b"1".to_vec()), None, Some(b"3".to_vec())]));
    let scan = Scan { view: VIEW, shard: shard.into(), after: None, order: ScanOrder::Ascending, limit: 10 };
    assert_eq!(views.scan(&scan).await, Ok(vec![ViewRow { row: "row".into(), doc: b"1".to_vec() }]));
}

async fn a_shard_is_scanned_in_both_orders_from_a_row_on(views: &dyn Views) {
    let shard = name();
    for order in [ScanOrder::Ascending, ScanOrder::Descending] {
        assert_eq!(rows(views, &shard, order, None, 10).await, [""; 0], "an empty shard");
        assert_eq!(rows(views, &shard, order, Some("b"), 10).await, [""; 0]);
    }
    // By bytes: capitals come first, and what begins another name comes before it.
    let in_order = ["0001", "A", "Z", "a", "a/1", "ab", "b", "é", "字"];
    let mixed = [3, 8, 0, 5, 2, 7, 4, 1, 6].map(|index| written(&key(&shard, in_order[index]), at(1), b"x"));
    put(views, mixed.to_vec()).await;
    let up = async |after, limit| rows(views, &shard, ScanOrder::Ascending, after, limit).await;
    let down = async |after, limit| rows(views, &shard, ScanOrder::Descending, after, limit).await;
    let mut reversed = in_order;
    reversed.reverse();
    assert_eq!(up(None, 100).await, in_order);
    assert_eq!(down(None, 100).await, reversed);
    assert_eq!(up(None, 4).await, in_order[..4]);
    assert_eq!(down(None, 4).await, reversed[..4]);
    assert_eq!(up(Some("a"), 2).await, ["a/1", "ab"]);
    assert_eq!(down(Some("a"), 2).await, ["Z", "A"]);
    // From a row that is not there.
    assert_eq!(up(Some("aa"), 2).await, ["ab", "b"]);
    assert_eq!(down(Some("aa"), 2).await, ["a/1", "a"]);
    assert_eq!(up(Some("字"), 2).await, [""; 0]);
    assert_eq!(down(Some("0001"), 2).await, [""; 0]);
}

async fn removed_rows_do_not_count_in_a_scan(views: &dyn Views) {
    let shard = name();
    let keys: Vec<ViewKey> = (0..60).map(|number| key(&shard, &format!("{number:03}"))).collect();
    put(views, keys.iter().map(|key| written(key, at(1), b"x")).collect()).await;
    put(views, keys[..50].iter().map(|key| removed(key, at(2))).collect()).await;
    assert_eq!(rows(views, &shard, ScanOrder::Ascending, None, 2).await, ["050", "051"]);
    assert_eq!(rows(views, &shard, ScanOrder::Descending, Some("052"), 5).await, ["051", "050"]);
}

async fn many_rows_are_put_at_once(views: &dyn Views) {
    let shard = name();
    let keys: Vec<ViewKey> = (0..1_000).map(|number| key(&shard, &format!("{number:05}"))).collect();
    put(views, keys.iter().map(|key| written(key, at(1), &[b'x'; 300])).collect()).await;
    assert_eq!(rows(views, &shard, ScanOrder::Ascending, None, 2_000).await.len(), 1_000);
    assert_eq!(rows(views, &shard, ScanOrder::Ascending, None, 999).await.len(), 999);
    assert!(views.get(&keys).await.expect("found").iter().all(Option::is_some));
    let large = key(&shard, "large");
    put(views, vec![written(&large, at(1), &[b'y'; 300_000])]).await;
    assert_eq!(doc(views, &large).await.map(|doc| doc.len()), Some(300_000));
}
