//! The suite of the documents port.

use tidegate_kernel::Timestamp;
use tidegate_ports::{
    Clock, Document, DocumentList, DocumentWrite, Documents, Expected, MAX_DOCUMENT_BYTES, MAX_WRITES, ScanOrder,
    StoreError, SystemClock, Written,
};

use crate::minted::name;

/// Runs every case.
pub async fn suite(documents: &dyn Documents) {
    a_document_is_made_changed_and_removed(documents).await;
    a_step_is_whole_or_nothing(documents).await;
    conditions_are_judged_before_the_step(documents).await;
    documents_are_listed_in_both_orders(documents).await;
    spaces_and_kinds_do_not_mix(documents).await;
    changes_are_announced(documents).await;
    too_large_is_refused_and_leaves_no_trace(documents).await;
    a_document_that_has_ended_is_gone(documents).await;
}

/// The cases' own clock: real stores end documents by it.
fn now() -> Timestamp {
    SystemClock.now()
}

fn set(kind: &str, name: &str, expected: Expected, doc: &str) -> DocumentWrite {
    let doc = Some(doc.as_bytes().to_vec());
    DocumentWrite { kind: kind.into(), name: name.into(), expected, doc, ends_at: None }
}

fn remove(kind: &str, name: &str, expected: Expected) -> DocumentWrite {
    DocumentWrite { doc: None, ..set(kind, name, expected, "") }
}

async fn write(documents: &dyn Documents, space: &str, writes: &[DocumentWrite]) -> Written {
    documents.write(space, writes, now()).await.expect("written or not")
}

/// Version and text.
async fn get(documents: &dyn Documents, space: &str, kind: &str, name: &str) -> Option<(u64, String)> {
    let Document { version, doc, .. } = documents.get(space, kind, name).await.expect("read")?;
    Some((version, String::from_utf8(doc).expect("as it was written")))
}

async fn names(documents: &dyn Documents, list: DocumentList<'_>) -> Vec<String> {
    documents.list(&list).await.expect("listed").into_iter().map(|document| document.name.to_string()).collect()
}

fn all<'l>(space: &'l str, kind: &'l str) -> DocumentList<'l> {
    DocumentList { space, kind, prefix: "", after: None, order: ScanOrder::Ascending, limit: 1_000 }
}

async fn a_document_is_made_changed_and_removed(documents: &dyn Documents) {
    let space = name();
    let before = now();
    assert_eq!(get(documents, &space, "thing", "a").await, None);
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Absent, "1")]).await, Written::Done);
    assert_eq!(get(documents, &space, "thing", "a").await, Some((1, "1".to_owned())));
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Absent, "x")]).await, Written::Conflict(0));
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Version(2), "x")]).await, Written::Conflict(0));
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Version(1), "2")]).await, Written::Done);
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Anything, "3")]).await, Written::Done);
    assert_eq!(get(documents, &space, "thing", "a").await, Some((3, "3".to_owned())));
    let whole = documents.get(&space, "thing", "a").await.expect("read").expect("there");
    assert_eq!((whole.kind.as_str(), whole.name.as_str()), ("thing", "a"));
    assert!(before <= whole.written_at && whole.written_at <= now(), "{:?}", whole.written_at);
    assert_eq!(write(documents, &space, &[remove("thing", "a", Expected::Version(2))]).await, Written::Conflict(0));
    assert_eq!(write(documents, &space, &[remove("thing", "a", Expected::Version(3))]).await, Written::Done);
    assert_eq!(get(documents, &space, "thing", "a").await, None);
    assert_eq!(write(documents, &space, &[remove("thing", "a", Expected::Version(3))]).await, Written::Conflict(0));
    assert_eq!(write(documents, &space, &[remove("thing", "a", Expected::Anything)]).await, Written::Done);
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Absent, "again")]).await, Written::Done);
    assert_eq!(get(documents, &space, "thing", "a").await, Some((1, "again".to_owned())));
}

async fn a_step_is_whole_or_nothing(documents: &dyn Documents) {
    let space = name();
    assert_eq!(write(documents, &space, &[]).await, Written::Done);
    let first = [
        set("thing", "a", Expected::Absent, "a"),
        set("thing", "b", Expected::Absent, "b"),
        set("log", "1", Expected::Anything, "made"),
    ];
    assert_eq!(write(documents, &space, &first).await, Written::Done);
    let stale = [
        set("thing", "a", Expected::Version(1), "a2"),
        set("log", "2", Expected::Anything, "changed"),
        remove("thing", "b", Expected::Version(7)),
    ];
    assert_eq!(write(documents, &space, &stale).await, Written::Conflict(2));
    assert_eq!(get(documents, &space, "thing", "a").await, Some((1, "a".to_owned())));
    assert_eq!(names(documents, all(&space, "log")).await, ["1"]);
    let fresh = [stale[0].clone(), stale[1].clone(), remove("thing", "b", Expected::Version(1))];
    assert_eq!(write(documents, &space, &fresh).await, Written::Done);
    assert_eq!(get(documents, &space, "thing", "a").await, Some((2, "a2".to_owned())));
    assert_eq!(names(documents, all(&space, "thing")).await, ["a"]);
    assert_eq!(names(documents, all(&space, "log")).await, ["1", "2"]);
}

async fn conditions_are_judged_before_the_step(documents: &dyn Documents) {
    let space = name();
    let swap = [set("thing", "new", Expected::Absent, "moved"), remove("thing", "old", Expected::Version(1))];
    assert_eq!(write(documents, &space, &swap).await, Written::Conflict(1));
    assert_eq!(get(documents, &space, "thing", "new").await, None);
    assert_eq!(write(documents, &space, &[set("thing", "old", Expected::Absent, "here")]).await, Written::Done);
    assert_eq!(write(documents, &space, &swap).await, Written::Done);
    assert_eq!(names(documents, all(&space, "thing")).await, ["new"]);
}

async fn documents_are_listed_in_both_orders(documents: &dyn Documents) {
    let space = name();
    let in_order = ["0001", "A", "a", "a/1", "a/2", "ab", "é", "字"];
    let mixed = [3, 7, 0, 5, 2, 4, 1, 6].map(|index: usize| set("thing", in_order[index], Expected::Absent, "x"));
    assert_eq!(write(documents, &space, &mixed).await, Written::Done);
    let mut reversed = in_order;
    reversed.reverse();
    let down = DocumentList { order: ScanOrder::Descending, ..all(&space, "thing") };
    assert_eq!(names(documents, all(&space, "thing")).await, in_order);
    assert_eq!(names(documents, down).await, reversed);
    assert_eq!(names(documents, DocumentList { limit: 3, ..all(&space, "thing") }).await, in_order[..3]);
    assert_eq!(
        names(documents, DocumentList { limit: 3, after: Some("a"), ..all(&space, "thing") }).await,
        ["a/1", "a/2", "ab"]
    );
    assert_eq!(names(documents, DocumentList { limit: 2, after: Some("a/2"), ..down }).await, ["a/1", "a"]);
    assert_eq!(names(documents, DocumentList { prefix: "a", ..all(&space, "thing") }).await, ["a", "a/1", "a/2", "ab"]);
    assert_eq!(names(documents, DocumentList { prefix: "a/", limit: 1, ..down }).await, ["a/2"]);
    assert_eq!(
        names(documents, DocumentList { prefix: "a/", after: Some("a/1"), ..all(&space, "thing") }).await,
        ["a/2"]
    );
    assert_eq!(names(documents, DocumentList { prefix: "b", ..all(&space, "thing") }).await, [""; 0]);
}

async fn spaces_and_kinds_do_not_mix(documents: &dyn Documents) {
    let [space, other] = [name(), name()];
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Absent, "1")]).await, Written::Done);
    assert_eq!(write(documents, &other, &[set("thing", "a", Expected::Absent, "2")]).await, Written::Done);
    assert_eq!(write(documents, &space, &[set("thing2", "a", Expected::Absent, "3")]).await, Written::Done);
    assert_eq!(write(documents, &space, &[remove("thing", "a", Expected::Version(1))]).await, Written::Done);
    assert_eq!(get(documents, &other, "thing", "a").await, Some((1, "2".to_owned())));
    assert_eq!(names(documents, all(&space, "thing")).await, [""; 0]);
    assert_eq!(names(documents, all(&space, "thing2")).await, ["a"]);
}

async fn changes_are_announced(documents: &dyn Documents) {
    let [space, other] = [name(), name()];
    let before = now();
    assert_eq!(write(documents, &space, &[set("thing", "a", Expected::Absent, "1")]).await, Written::Done);
    let changed = documents.changed_since(before).await.expect("read");
    assert!(changed.iter().any(|changed| *changed == space), "{changed:?}");
    assert!(changed.iter().all(|changed| *changed != other), "{changed:?}");
    assert!(documents.spaces().await.expect("read").iter().any(|there| *there == space));
    let later = documents.changed_since(now().plus_millis(3_600_000)).await.expect("read");
    assert!(later.iter().all(|changed| *changed != space), "{later:?}");
}

async fn too_large_is_refused_and_leaves_no_trace(documents: &dyn Documents) {
    let space = name();
    let large = "x".repeat(MAX_DOCUMENT_BYTES);
    assert_eq!(write(documents, &space, &[set("thing", "largest", Expected::Absent, &large)]).await, Written::Done);
    let over = [set("thing", "a", Expected::Absent, "1"), set("thing", "b", Expected::Absent, &format!("{large}x"))];
    let refused = documents.write(&space, &over, now()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    let many = vec![remove("thing", "c", Expected::Anything); MAX_WRITES + 1];
    let refused = documents.write(&space, &many, now()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(names(documents, all(&space, "thing")).await, ["largest"]);
}

async fn a_document_that_has_ended_is_gone(documents: &dyn Documents) {
    let space = name();
    let mut brief = set("log", "1", Expected::Anything, "x");
    brief.ends_at = Some(now().plus_millis(-1));
    let mut lasting = set("log", "2", Expected::Anything, "x");
    lasting.ends_at = Some(now().plus_millis(3_600_000));
    assert_eq!(write(documents, &space, &[brief, lasting]).await, Written::Done);
    assert_eq!(names(documents, all(&space, "log")).await, ["2"]);
    assert_eq!(get(documents, &space, "log", "1").await, None);
    assert_eq!(write(documents, &space, &[set("log", "1", Expected::Absent, "again")]).await, Written::Done);
    while documents.purge_documents(now(), 10).await.expect("purged") > 0 {}
    assert_eq!(names(documents, all(&space, "log")).await, ["1", "2"]);
}
