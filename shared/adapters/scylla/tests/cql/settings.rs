//! Settings and derived rows on a real cluster.

use std::sync::Arc;

use tidegate_conformance::{documents, rows};
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, SystemClock, Written};
use tidegate_scylla::ScyllaSettings;

use crate::support::Keyspace;

async fn settings_in(keyspace: &Keyspace) -> ScyllaSettings {
    ScyllaSettings::new(keyspace.connect().await, Arc::new(SystemClock))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suites() {
    let keyspace = Keyspace::fresh().await;
    let settings = settings_in(&keyspace).await;
    documents::suite(&settings).await;
    rows::suite(&settings).await;
}

/// Of many who write one document from the same version on, one succeeds each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writes_at_once_one_is_applied() {
    let keyspace = Keyspace::fresh().await;
    let settings = settings_in(&keyspace).await;
    let set = |name: &str, expected, doc: &str| DocumentWrite {
        kind: "k".into(),
        name: name.into(),
        expected,
        doc: Some(doc.as_bytes().to_vec()),
        ends_at: None,
    };
    let now = SystemClock.now();
    assert_eq!(settings.write("s", &[set("a", Expected::Absent, "0")], now).await, Ok(Written::Done));
    for version in 1..4 {
        let writers = (0..4).map(|writer| {
            let settings = settings.clone();
            let log = set(&format!("{version}-{writer}"), Expected::Absent, "x");
            let writes = [set("a", Expected::Version(version), &writer.to_string()), log];
            tokio::spawn(async move { settings.write("s", &writes, now).await.expect("written or not") })
        });
        let mut done = 0;
        for writer in writers.collect::<Vec<_>>() {
            done += usize::from(writer.await.expect("ends") == Written::Done);
        }
        assert_eq!(done, 1, "version {version}");
    }
    let whole = settings.get("s", "k", "a").await.expect("read").expect("there");
    assert_eq!(whole.version, 4);
    let list = tidegate_ports::DocumentList {
        space: "s",
        kind: "k",
        prefix: "",
        after: None,
        order: tidegate_ports::ScanOrder::Ascending,
        limit: 100,
    };
    assert_eq!(settings.list(&list).await.expect("listed").len(), 4, "the other steps left nothing");
}
