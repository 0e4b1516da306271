//! The suite of the rows port.

use std::sync::Arc;

use tidegate_kernel::Timestamp;
use tidegate_ports::{
    Clock, KeptRow, Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError, SystemClock,
};

use crate::minted::name;

const RANKED: RowTable = RowTable { name: "conformance_ranked", keep_days: 30, meeting: Meeting::HigherRank };
const OTHERS: RowTable = RowTable { name: "conformance_others", keep_days: 30, meeting: Meeting::HigherRank };
const FIRST: RowTable = RowTable { name: "conformance_first", keep_days: 30, meeting: Meeting::First };

/// Runs every case.
pub async fn suite(rows: &dyn Rows) {
    rows_are_found_in_the_order_asked(rows).await;
    of_two_writes_the_higher_rank_stays(rows).await;
    an_older_write_after_a_removal_loses(rows).await;
    the_first_insertion_stays(rows).await;
    tables_and_shards_do_not_mix(rows).await;
    a_shard_is_scanned_in_both_orders_from_a_row_on(rows).await;
    many_rows_are_put_at_once(rows).await;
    a_table_is_written_in_one_way(rows).await;
    rows_end_after_their_days(rows).await;
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn key(table: &'static RowTable, shard: &str, row: &str) -> RowKey {
    RowKey { table, shard: shard.into(), row: row.into() }
}

fn written(key: &RowKey, rank: u64, doc: &[u8]) -> RowWrite {
    RowWrite { key: key.clone(), rank, doc: Some(doc.to_vec()) }
}

fn removed(key: &RowKey, rank: u64) -> RowWrite {
    RowWrite { key: key.clone(), rank, doc: None }
}

async fn put(rows: &dyn Rows, writes: Vec<RowWrite>) {
    rows.put(Arc::new(writes), now()).await.expect("put");
}

async fn insert(rows: &dyn Rows, writes: Vec<RowWrite>) -> Vec<bool> {
    rows.insert(Arc::new(writes), now()).await.expect("inserted")
}

async fn doc(rows: &dyn Rows, key: &RowKey) -> Option<Vec<u8>> {
    rows.get(std::slice::from_ref(key)).await.expect("found").pop().expect("one for each asked")
}

async fn names(rows: &dyn Rows, shard: &str, order: ScanOrder, after: Option<&str>, limit: usize) -> Vec<String> {
    let scan = RowScan { table: &RANKED, shard: shard.into(), after: after.map(Into::into), order, limit };
    rows.scan(&scan).await.expect("scanned").into_iter().map(|row| row.row.to_string()).collect()
}

async fn rows_are_found_in_the_order_asked(rows: &dyn Rows) {
    let shard = name();
    let [one, two, unknown] = ["one", "two", "three"].map(|row| key(&RANKED, &shard, row));
    assert_eq!(rows.get(&[]).await, Ok(vec![]));
    assert_eq!(rows.get(&[one.clone(), unknown.clone()]).await, Ok(vec![None, None]));
    put(rows, vec![]).await;
    put(rows, vec![written(&one, 1, b"\x001\xff"), written(&two, 2, b"")]).await;
    let found = rows.get(&[two.clone(), unknown, one, two]).await;
    assert_eq!(found, Ok(vec![Some(vec![]), None, Some(b"\x001\xff".to_vec()), Some(vec![])]));
}

async fn of_two_writes_the_higher_rank_stays(rows: &dyn Rows) {
    let key = key(&RANKED, &name(), "row");
    let [older, newer] = [written(&key, 5, b"older"), written(&key, 1_800_000_000_000, b"newer")];
    for write in [&older, &newer, &older, &newer, &newer] {
        put(rows, vec![write.clone()]).await;
    }
    assert_eq!(doc(rows, &key).await, Some(b"newer".to_vec()));
}

async fn an_older_write_after_a_removal_loses(rows: &dyn Rows) {
    let shard = name();
    let [made, not_yet] = [key(&RANKED, &shard, "made"), key(&RANKED, &shard, "not yet made")];
    put(rows, vec![written(&made, 1, b"there")]).await;
    for write in [removed(&made, 6), removed(&not_yet, 6)] {
        put(rows, vec![write.clone()]).await;
        put(rows, vec![write]).await;
    }
    put(rows, vec![written(&made, 5, b"older"), written(&not_yet, 5, b"older")]).await;
    assert_eq!(rows.get(&[made.clone(), not_yet]).await, Ok(vec![None, None]));
    assert_eq!(names(rows, &shard, ScanOrder::Ascending, None, 10).await, [""; 0]);
    put(rows, vec![written(&made, 7, b"again")]).await;
    assert_eq!(names(rows, &shard, ScanOrder::Ascending, None, 10).await, ["made"]);
}

async fn the_first_insertion_stays(rows: &dyn Rows) {
    let shard = name();
    let [one, two] = ["one", "two"].map(|row| key(&FIRST, &shard, row));
    assert_eq!(insert(rows, vec![]).await, [true; 0]);
    assert_eq!(insert(rows, vec![written(&one, 5, b"first")]).await, [true]);
    assert_eq!(insert(rows, vec![written(&two, 1, b"first"), written(&one, 9, b"second")]).await, [true, false]);
    assert_eq!(insert(rows, vec![written(&one, 9, b"third")]).await, [false]);
    assert_eq!(rows.get(&[one, two]).await, Ok(vec![Some(b"first".to_vec()), Some(b"first".to_vec())]));
}

async fn tables_and_shards_do_not_mix(rows: &dyn Rows) {
    let [shard, other_shard] = [name(), name()];
    let keys = [key(&RANKED, &shard, "row"), key(&RANKED, &other_shard, "row"), key(&OTHERS, &shard, "row")];
    put(rows, keys.iter().zip(*b"123").map(|(key, doc)| written(key, 1, &[doc])).collect()).await;
    put(rows, vec![removed(&keys[1], 2)]).await;
    assert_eq!(rows.get(&keys).await, Ok(vec![Some(b"1".to_vec()), None, Some(b"3".to_vec())]));
    let scan = RowScan { table: &RANKED, shard: shard.into(), after: None, order: ScanOrder::Ascending, limit: 10 };
    assert_eq!(rows.scan(&scan).await, Ok(vec![KeptRow { row: "row".into(), doc: b"1".to_vec() }]));
}

async fn a_shard_is_scanned_in_both_orders_from_a_row_on(rows: &dyn Rows) {
    let shard = name();
    let in_order = ["0001", "A", "Z", "a", "a/1", "ab", "b", "é", "字"];
    let mixed = [3, 8, 0, 5, 2, 7, 4, 1, 6].map(|at: usize| written(&key(&RANKED, &shard, in_order[at]), 1, b"x"));
    put(rows, mixed.to_vec()).await;
    let up = async |after, limit| names(rows, &shard, ScanOrder::Ascending, after, limit).await;
    let down = async |after, limit| names(rows, &shard, ScanOrder::Descending, after, limit).await;
    let mut reversed = in_order;
    reversed.reverse();
    assert_eq!(up(None, 100).await, in_order);
    assert_eq!(down(None, 100).await, reversed);
    assert_eq!(up(None, 4).await, in_order[..4]);
    assert_eq!(up(Some("a"), 2).await, ["a/1", "ab"]);
    assert_eq!(down(Some("a"), 2).await, ["Z", "A"]);
    assert_eq!(up(Some("aa"), 2).await, ["ab", "b"]);
    assert_eq!(down(Some("0001"), 2).await, [""; 0]);
    put(rows, in_order[..7].iter().map(|row| removed(&key(&RANKED, &shard, row), 2)).collect()).await;
    assert_eq!(up(None, 1).await, ["é"], "removed rows do not count");
}

async fn many_rows_are_put_at_once(rows: &dyn Rows) {
    let shard = name();
    let keys: Vec<RowKey> = (0..1_000).map(|number| key(&RANKED, &shard, &format!("{number:05}"))).collect();
    put(rows, keys.iter().map(|key| written(key, 1, &[b'x'; 300])).collect()).await;
    assert_eq!(names(rows, &shard, ScanOrder::Ascending, None, 2_000).await.len(), 1_000);
    assert_eq!(names(rows, &shard, ScanOrder::Ascending, None, 999).await.len(), 999);
    let large = key(&RANKED, &shard, "large");
    put(rows, vec![written(&large, 1, &[b'y'; 300_000])]).await;
    assert_eq!(doc(rows, &large).await.map(|doc| doc.len()), Some(300_000));
}

async fn a_table_is_written_in_one_way(rows: &dyn Rows) {
    let shard = name();
    let [ranked, first] = [key(&RANKED, &shard, "row"), key(&FIRST, &shard, "row")];
    let refused = rows.put(Arc::new(vec![written(&ranked, 1, b"x"), written(&first, 1, b"x")]), now()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    let refused = rows.insert(Arc::new(vec![written(&first, 1, b"x"), removed(&first, 1)]), now()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(rows.get(&[ranked, first]).await, Ok(vec![None, None]), "nothing of a refused write is stored");
}

async fn rows_end_after_their_days(rows: &dyn Rows) {
    let shard = name();
    let [old, kept] = ["old", "kept"].map(|row| key(&RANKED, &shard, row));
    let long_ago = now().plus_millis(-31 * 86_400_000);
    rows.put(Arc::new(vec![written(&old, 1, b"x")]), long_ago).await.expect("put");
    put(rows, vec![written(&kept, 1, b"x")]).await;
    while rows.purge_rows(now(), 10).await.expect("purged") > 0 {}
    assert_eq!(rows.get(&[old, kept]).await, Ok(vec![None, Some(b"x".to_vec())]));
}
