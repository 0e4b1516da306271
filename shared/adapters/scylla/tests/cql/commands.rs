//! The tables of a command API on a real cluster: the suites of its ports, and what a cell carries.

use std::sync::Arc;

use scylla::client::session::Session;
use tidegate_conformance::{accounts, books, deliveries, due, facts, owner_keys, releases, views, voids};
use tidegate_kernel::command::{Attempt, Delivery, FactId, ViewChange, ViewKey, VoidState};
use tidegate_kernel::{LogKey, Position, SmolStr, Timestamp};
use tidegate_ports::{
    BookWrite, Books, Clock, Deliveries, DeliveryWrite, Due, DueWrite, FactName, Facts, Ids, OwnerKeys, RandomIds,
    Scan, ScanOrder, SendProgress, SendState, StoreError, StoredBook, StoredFact, SystemClock, ViewWrite, Views, Void,
    VoidRequest, Voids,
};
use tidegate_scylla::{
    Consistency, Cql, MigrationError, OptionError, Replication, ScyllaOptions, agentping, commands, migrations,
};

use crate::support::{Keyspace, options, session};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_suite() {
    let keyspace = Keyspace::of_commands().await;
    let tables = keyspace.commands().await;
    voids::suite(&tables).await;
    releases::suite(&tables).await;
    books::suite(&tables).await;
    facts::suite(&tables).await;
    views::suite(&tables).await;
    due::suite(&tables).await;
    deliveries::suite(&tables).await;
    owner_keys::suite(&tables).await;
    accounts::suite(&tables).await;
}

/// A decision from a book that an acknowledged write has replaced would be another decision.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anything_but_quorums_is_refused() {
    let keyspace = Keyspace::of_commands().await;
    for consistency in [Consistency::One, Consistency::LocalOne, Consistency::All] {
        let options = ScyllaOptions { consistency, ..options(&keyspace.name) };
        let refusal = OptionError::NoQuorum { keyspace: keyspace.name.clone(), found: consistency };
        for part in [&keyspace.name, &consistency.to_string(), "scylla.consistency", "local_quorum"] {
            assert!(refusal.to_string().contains(part), "{refusal}");
        }
        let connected = Cql::connect(&options, &commands::SCHEMA).await.map(drop);
        assert_eq!(connected, Err(StoreError::Broken(refusal.to_string().into())));
        let applied = migrations::apply(&options, &Replication::Simple(1), &commands::SCHEMA).await;
        assert_eq!(applied, Err(MigrationError::Option(refusal)));
    }
    let options = ScyllaOptions { consistency: Consistency::Quorum, ..options(&keyspace.name) };
    Cql::connect(&options, &commands::SCHEMA).await.expect("a quorum, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_of_another_schema_is_refused_and_left_as_it_is() {
    let keyspace = Keyspace::of_commands().await;
    let (options, one) = (options(&keyspace.name), Replication::Simple(1));
    let refused = MigrationError::Changed { keyspace: keyspace.name.clone(), version: 1, name: "runs".to_owned() };
    let connected = Cql::connect(&options, &agentping::SCHEMA).await.map(drop);
    assert_eq!(connected, Err(StoreError::Broken(refused.to_string().into())));
    assert_eq!(migrations::apply(&options, &one, &agentping::SCHEMA).await, Err(refused));
    let applied = migrations::apply(&options, &one, &commands::SCHEMA).await.expect("up to date");
    assert!(applied.migrations.is_empty() && !applied.region, "{applied:?}");
}

const AT: Position = Position { generation: 1, partition: 3, offset: 900 };

fn owner() -> LogKey {
    let random = RandomIds.random();
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    LogKey::new(&random, &["owner_", &text])
}

fn row(shard: &str, row: &str) -> ViewKey {
    ViewKey { view: "things", shard: shard.into(), row: row.into() }
}

async fn put(views: &dyn Views, rows: Vec<(ViewKey, Option<&[u8]>, i64)>) {
    let write = |(key, doc, offset): (ViewKey, Option<&[u8]>, i64)| ViewWrite {
        change: ViewChange { key, doc: doc.map(<[u8]>::to_vec) },
        position: Position { offset, ..AT },
    };
    views.put(Arc::new(rows.into_iter().map(write).collect())).await.expect("put");
}

/// One row of three numbers, of which each may be null.
async fn numbers(session: &Session, text: String) -> (Option<i64>, Option<i64>, Option<i64>) {
    let rows = session.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
    rows.single_row().expect("one row")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_cell_is_written_at_its_position_and_a_removal_is_no_tombstone() {
    let keyspace = Keyspace::of_commands().await;
    let (tables, session, name) = (keyspace.commands().await, session().await, &keyspace.name);
    let (owner, at) = (owner(), AT.write_timestamp());
    let book = StoredBook { doc: b"{}".to_vec(), decided_to: AT };
    tables.save(Arc::new(vec![BookWrite { owner, book }])).await.expect("saved");
    let written = format!("SELECT WRITETIME(doc), WRITETIME(decided_to), CAST(TTL(doc) AS bigint) FROM {name}.books");
    assert_eq!(numbers(&session, written).await, (Some(at), Some(at), None));

    // Made and removed in one batch, in either order of the rows.
    put(&tables, vec![(row("s", "r"), None, 900), (row("s", "r"), Some(b"{}"), 899)]).await;
    let written = format!("SELECT WRITETIME(doc), WRITETIME(is_removed), CAST(TTL(doc) AS bigint) FROM {name}.views");
    assert_eq!(numbers(&session, written).await, (Some(at), Some(at), None));
    assert_eq!(tables.get(&[row("s", "r")]).await, Ok(vec![None]));

    Due::put(&tables, Arc::new(vec![DueWrite { owner, at: None, position: AT }])).await.expect("put");
    let written =
        format!("SELECT WRITETIME(due_at), CAST(shard AS bigint), CAST(TTL(due_at) AS bigint) FROM {name}.due");
    assert_eq!(numbers(&session, written).await, (Some(at), Some(i64::from(owner.shard())), None));

    for wrapped in [b"one", b"two"] {
        tables.create(owner, wrapped.to_vec()).await.expect("created");
    }
    assert_eq!(OwnerKeys::find(&tables, owner).await, Ok(Some(b"two".to_vec())), "the same on every replica");
    tables.erase(owner).await.expect("erased");
    let text = format!("SELECT wrapped FROM {name}.owner_keys");
    let rows = session.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
    assert_eq!(rows.single_row::<(Option<Vec<u8>>,)>().expect("one row"), (Some(Vec::new()),), "a value");
}

/// The pages that a scan reads may hold nothing but removed rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_goes_past_pages_of_removed_rows() {
    let keyspace = Keyspace::of_commands().await;
    let tables = keyspace.commands().await;
    let names: Vec<String> = (0..1_300).map(|number| format!("{number:05}")).collect();
    put(&tables, names.iter().map(|name| (row("s", name), Some(&b"{}"[..]), 1)).collect()).await;
    put(&tables, names[10..1_290].iter().map(|name| (row("s", name), None, 2)).collect()).await;
    let scanned = async |after: &str, order, limit| {
        let scan = Scan { view: "things", shard: "s".into(), after: Some(after.into()), order, limit };
        let rows = tables.scan(&scan).await.expect("scanned");
        rows.into_iter().map(|row| row.row).collect::<Vec<SmolStr>>()
    };
    assert_eq!(scanned("00009", ScanOrder::Ascending, 2).await, ["01290", "01291"]);
    assert_eq!(scanned("01290", ScanOrder::Descending, 2).await, ["00009", "00008"]);
    assert_eq!(scanned("00000", ScanOrder::Ascending, 100).await.len(), 19);
    assert_eq!(scanned("", ScanOrder::Ascending, 0).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_end_when_they_expire_and_deliveries_after_days() {
    let keyspace = Keyspace::of_commands().await;
    let (tables, session, name) = (keyspace.commands().await, session().await, &keyspace.name);
    let owner = owner();
    let now = SystemClock.now();
    let fact = |bits: u128, expires_at: Option<Timestamp>| {
        let name = FactName { owner, id: FactId::Attempt(Attempt::from_bits(bits)) };
        StoredFact { name, position: AT, doc: b"{}".to_vec(), expires_at }
    };
    let in_30_days = now.plus_millis(30 * 86_400_000);
    let over = fact(2, Some(now.plus_millis(-1)));
    let facts = vec![fact(0, None), fact(1, Some(in_30_days)), over.clone()];
    for _ in 0..2 {
        tables.add(Arc::new(facts.clone())).await.expect("added");
    }
    let left_s = async |fact: &StoredFact| {
        let hex: String = fact.name.id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!(
            "SELECT WRITETIME(doc), CAST(TTL(doc) AS bigint), CAST(TTL(expires_at) AS bigint) FROM {name}.facts \
             WHERE owner = '{}' AND fact = 0x{hex}",
            owner.text()
        );
        numbers(&session, text).await
    };
    assert_eq!(left_s(&facts[0]).await, (Some(AT.write_timestamp()), None, None));
    let (written, of_doc, of_end) = left_s(&facts[1]).await;
    assert_eq!((written, of_doc), (Some(AT.write_timestamp()), of_end));
    assert!(of_doc.is_some_and(|left_s| (2_588_400..=2_592_000).contains(&left_s)), "{of_doc:?}");
    assert_eq!(Facts::find(&tables, &[over.name]).await, Ok(vec![vec![]]));

    let delivery = Delivery { id: "d".into(), body: b"{}".to_vec() };
    let write = DeliveryWrite { owner, delivery, position: AT };
    Deliveries::put(&tables, Arc::new(vec![write])).await.expect("put");
    let progress = SendProgress { tries: 1, state: SendState::Sent, last: "200".to_owned(), at: now };
    tables.note(owner, "d", progress).await.expect("noted");
    let text =
        format!("SELECT WRITETIME(body), CAST(TTL(body) AS bigint), CAST(TTL(owner) AS bigint) FROM {name}.deliveries");
    let (written, left_s, _) = numbers(&session, text).await;
    assert_eq!(written, Some(AT.write_timestamp()));
    assert!(left_s.is_some_and(|left_s| (255_600..=259_200).contains(&left_s)), "{left_s:?}");
    let text = format!(
        "SELECT WRITETIME(progress), CAST(TTL(progress) AS bigint), CAST(shard AS bigint) FROM {name}.delivery_progress"
    );
    let (written, left_s, _) = numbers(&session, text).await;
    assert_eq!(written, Some(now.as_millis() * 1_000 + 1));
    assert!(left_s.is_some_and(|left_s| (601_200..=604_800).contains(&left_s)), "{left_s:?}");
}

/// A void of a former build has no request, and one of this build is where former builds read it once it is in force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_of_a_former_build_is_in_force_and_former_builds_skip_what_is_in_force() {
    let keyspace = Keyspace::of_commands().await;
    let (tables, session, name) = (keyspace.commands().await, session().await, &keyspace.name);
    let insert = format!(
        "INSERT INTO {name}.voids (lane, generation, log_partition, log_offset, reason, voided_at) \
         VALUES (0, 1, 3, 900, 'garbage', 7) USING TIMESTAMP 999999999999993"
    );
    session.query_unpaged(insert, ()).await.expect("inserted");
    let former = VoidRequest { position: AT, reason: "garbage".to_owned(), asked_at: Timestamp::from_millis(7) };
    let void = Void { request: former.clone(), state: VoidState::InForce };
    assert_eq!(tables.all().await, Ok(vec![void.clone()]));
    // Whatever is asked or settled of it now.
    let round = tables.ask(former).await.expect("asked");
    tables.settle(AT, round, VoidState::Withdrawn).await.expect("settled");
    assert_eq!(tables.all().await, Ok(vec![void]));

    let count = async || {
        let text = format!("SELECT COUNT(*), MAX(log_offset), MIN(log_offset) FROM {name}.voids");
        numbers(&session, text).await.0
    };
    let later = VoidRequest {
        position: Position { offset: 901, ..AT },
        reason: "garbage".to_owned(),
        asked_at: Timestamp::from_millis(8),
    };
    let round = tables.ask(later.clone()).await.expect("asked");
    assert_eq!(count().await, Some(1));
    tables.settle(later.position, round, VoidState::InForce).await.expect("settled");
    assert_eq!(count().await, Some(2));
}
