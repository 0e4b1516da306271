//! A copy follows what others write, and goes on with what it knows.
#![allow(clippy::unwrap_used, reason = "a test panics where it is wrong")]

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::Timestamp;
use tidegate_mirror::{Mirror, Mirrored};
use tidegate_ports::{Clock, Document, DocumentWrite, Documents, Expected};
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
