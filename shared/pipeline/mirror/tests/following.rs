//! A copy follows what others write, and goes on with what it knows.
#![allow(clippy::unwrap_used, reason = "a test panics where it is wrong")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_mirror::{Mirror, Mirrored};
use tidegate_ports::{Clock, Document, DocumentList, DocumentWrite, Documents, Expected, StoreError, Written};
use tokio::time::{interval, timeout};

/// The texts of a space's documents.
struct Texts(Vec<String>);

impl Mirrored for Texts {
    const KINDS: &'static [&'static str] = &["one", "two"];

    fn of(_: &str, documents: Vec<Document>) -> Self {
        Texts(documents.into_iter().map(|document| String::from_utf8(document.doc).unwrap()).collect())
    }
}

fn set(kind: &str, doc: Option<&str>) -> DocumentWrite {
    let doc = doc.map(|doc| doc.as_bytes().to_vec());
    DocumentWrite { kind: kind.into(), name: "name".into(), expected: Expected::Anything, doc, ends_at: None }
}

fn texts(mirror: &Mirror<Texts>, space: &str) -> Option<Vec<String>> {
    mirror.get(space).map(|texts| texts.0.clone())
}

/// Waits until a space has these texts, for a second of the paused clock at most.
async fn follows(mirror: &Mirror<Texts>, space: &str, expected: Option<&[&str]>) {
    let following = async {
        let mut look = interval(Duration::from_millis(50));
        while texts(mirror, space).as_deref().map(|found| found.iter().map(String::as_str).collect::<Vec<_>>())
            != expected.map(<[&str]>::to_vec)
        {
            look.tick().await;
        }
    };
    timeout(Duration::from_secs(1), following).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_anywhere_holds_within_a_second() {
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_800_000_000_000)));
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    let write = async |space: &str, write| documents.write(space, &[write], clock.now()).await.unwrap();
    write("before", set("one", Some("a"))).await;
    let mirror: Mirror<Texts> = Mirror::read(documents.clone(), clock.clone()).await.unwrap();
    assert_eq!(texts(&mirror, "before"), Some(vec!["a".to_owned()]));
    assert_eq!(mirror.as_of(), clock.now());
    let following = tokio::spawn(mirror.clone().follow(pending()));
    write("before", set("two", Some("b"))).await;
    write("before", set("three", Some("of no kind that is asked for"))).await;
    write("new", set("two", Some("c"))).await;
    follows(&mirror, "before", Some(&["a", "b"])).await;
    follows(&mirror, "new", Some(&["c"])).await;
    assert_eq!(mirror.all().len(), 2);
    write("new", set("two", None)).await;
    follows(&mirror, "new", None).await;
    write("before", set("one", Some("a2"))).await;
    mirror.refresh("before").await.unwrap();
    assert_eq!(texts(&mirror, "before"), Some(vec!["a2".to_owned(), "b".to_owned()]));
    following.abort();
}

/// Documents of which the first read of a kind is followed by a move to another name.
struct Moving {
    documents: Arc<MemoryDocuments>,
    clock: Arc<TestClock>,
    moves: AtomicBool,
}

/// The texts with their names.
struct Named(Vec<(String, String)>);

impl Mirrored for Named {
    const KINDS: &'static [&'static str] = &["moves", "one"];
    const MOVES: Option<&'static str> = Some("moves");

    fn of(_: &str, documents: Vec<Document>) -> Self {
        let text = |document: Document| (document.name.to_string(), String::from_utf8(document.doc).unwrap());
        Named(documents.into_iter().map(text).collect())
    }
}

fn named(kind: &str, name: &str, doc: Option<&str>) -> DocumentWrite {
    DocumentWrite { name: name.into(), ..set(kind, doc) }
}

#[async_trait]
impl Documents for Moving {
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        self.documents.get(space, kind, name).await
    }

    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
        let found = self.documents.list(list).await?;
        if list.kind == "moves" && self.moves.swap(false, Ordering::SeqCst) {
            let writes = [named("moves", "", Some("1")), named("one", "old", None), named("one", "new", Some("a"))];
            self.documents.write(list.space, &writes, self.clock.now()).await?;
        }
        Ok(found)
    }

    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
        self.documents.write(space, writes, now).await
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
        self.documents.changed_since(since).await
    }

    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
        self.documents.spaces().await
    }

    async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.documents.purge_documents(now, limit).await
    }
}

#[tokio::test]
async fn what_moves_while_it_is_read_is_seen_in_one_place_with_its_move() {
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_800_000_000_000)));
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    documents.write("space", &[named("one", "old", Some("a"))], clock.now()).await.unwrap();
    let moving = Moving { documents, clock: clock.clone(), moves: AtomicBool::new(true) };
    let mirror: Mirror<Named> = Mirror::read(Arc::new(moving), clock).await.unwrap();
    let found = mirror.get("space").unwrap().0.clone();
    assert_eq!(found, [(String::new(), "1".to_owned()), ("new".to_owned(), "a".to_owned())]);
}
