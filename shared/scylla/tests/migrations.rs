//! The schema: made once, by whoever comes first, and judged before it is used.

use tidegate_ports::StoreError;
use tidegate_scylla::{Cql, MigrationError, Replication, migrations};

mod support;

use support::{Keyspace, fresh_keyspace, options, session};

async fn connect(keyspace: &str) -> Result<(), StoreError> {
    Cql::connect(&options(keyspace)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_apply_each_migration_once() {
    let keyspace = Keyspace { name: fresh_keyspace() };
    let options = options(&keyspace.name);
    let replication = Replication::Simple(1);
    let versions = |migrations: &[migrations::Migration]| migrations.iter().map(|one| one.version).collect::<Vec<_>>();
    assert_eq!(versions(&migrations::pending(&options).await.expect("asked")), [1, 2, 3]);
    assert!(
        matches!(connect(&keyspace.name).await, Err(StoreError::Broken(text)) if text.contains("tidegate migrate"))
    );

    let (one, other) =
        tokio::join!(migrations::apply(&options, &replication), migrations::apply(&options, &replication));
    let mut applied = versions(&one.expect("applied").migrations);
    applied.extend(versions(&other.expect("applied").migrations));
    assert_eq!(applied, [1, 2, 3]);
    assert!(migrations::pending(&options).await.expect("asked").is_empty());
    assert!(migrations::apply(&options, &replication).await.expect("again").migrations.is_empty());
    connect(&keyspace.name).await.expect("ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_broken_off_is_taken_up_and_a_foreign_schema_is_refused() {
    let keyspace = Keyspace::fresh().await;
    let (name, options) = (keyspace.name.as_str(), options(&keyspace.name));
    let session = session().await;
    let run = async |text: String| session.query_unpaged(text, ()).await.map(drop).expect("changed");

    // Broken off: some of its tables are there, its row is not.
    run(format!("DROP TABLE {name}.rates")).await;
    run(format!("DELETE FROM {name}.schema_migrations WHERE version = 2")).await;
    let refused = connect(name).await.expect_err("behind");
    assert!(matches!(&refused, StoreError::Broken(text) if text.contains("2 (registry)")), "{refused}");
    let applied = migrations::apply(&options, &Replication::Simple(1)).await.expect("applied");
    assert_eq!(applied.migrations.len(), 1);
    connect(name).await.expect("ready");

    run(format!("INSERT INTO {name}.schema_migrations (version, name, checksum) VALUES (4, 'later', '')")).await;
    let newer = MigrationError::Newer { keyspace: name.to_owned(), found: 4 };
    assert_eq!(migrations::apply(&options, &Replication::Simple(1)).await, Err(newer.clone()));
    assert_eq!(connect(name).await, Err(StoreError::Broken(newer.to_string())));

    run(format!("DELETE FROM {name}.schema_migrations WHERE version = 4")).await;
    run(format!("UPDATE {name}.schema_migrations SET checksum = 'other' WHERE version = 1")).await;
    let changed = migrations::pending(&options).await;
    assert!(matches!(&changed, Err(MigrationError::Changed { version: 1, .. })), "{changed:?}");
    assert!(matches!(connect(name).await, Err(StoreError::Broken(text)) if text.contains("another text")));
}
