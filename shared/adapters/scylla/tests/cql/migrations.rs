//! The schema: created once, by the first process, and checked before it is used.

use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::StoreError;
use tidegate_scylla::agentping::SCHEMA;
use tidegate_scylla::{
    Applied, Consistency, Cql, Migration, MigrationError, Replication, ScyllaOptions, compare, migrations,
};

use crate::support::{Keyspace, fresh_keyspace, options, session};

async fn connect(keyspace: &str) -> Result<(), StoreError> {
    Cql::connect(&options(keyspace), &SCHEMA).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_apply_each_migration_once() {
    let keyspace = Keyspace { name: fresh_keyspace() };
    let options = options(&keyspace.name);
    let replication = Replication::Simple(1);
    let versions = |migrations: &[Migration]| migrations.iter().map(|one| one.version).collect::<Vec<_>>();
    let pending = async || migrations::pending(&options, &replication, &SCHEMA).await.expect("asked");
    assert_eq!(versions(&pending().await.migrations), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(
        matches!(connect(&keyspace.name).await, Err(StoreError::Broken(text)) if text.contains("tidegate migrate"))
    );

    let (one, other) = tokio::join!(
        migrations::apply(&options, &replication, &SCHEMA),
        migrations::apply(&options, &replication, &SCHEMA)
    );
    let mut applied = versions(&one.expect("applied").migrations);
    applied.extend(versions(&other.expect("applied").migrations));
    assert_eq!(applied, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(pending().await, Applied::default());
    assert_eq!(migrations::apply(&options, &replication, &SCHEMA).await.expect("again"), Applied::default());
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
    let applied = migrations::apply(&options, &Replication::Simple(1), &SCHEMA).await.expect("applied");
    assert_eq!(applied.migrations.len(), 1);
    connect(name).await.expect("ready");

    run(format!("INSERT INTO {name}.schema_migrations (version, name, checksum) VALUES (10, 'later', '')")).await;
    let newer = MigrationError::Newer { keyspace: name.to_owned(), found: 10, known: 9 };
    assert_eq!(migrations::apply(&options, &Replication::Simple(1), &SCHEMA).await, Err(newer.clone()));
    assert_eq!(connect(name).await, Err(StoreError::Broken(newer.to_string().into())));

    run(format!("DELETE FROM {name}.schema_migrations WHERE version = 10")).await;
    run(format!("UPDATE {name}.schema_migrations SET checksum = 'other' WHERE version = 1")).await;
    let changed = migrations::pending(&options, &Replication::Simple(1), &SCHEMA).await;
    assert!(matches!(&changed, Err(MigrationError::Changed { version: 1, .. })), "{changed:?}");
    assert!(matches!(connect(name).await, Err(StoreError::Broken(text)) if text.contains("another text")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_is_one_regions_and_every_other_is_refused() {
    let keyspace = Keyspace::fresh().await;
    let (name, ours) = (keyspace.name.as_str(), options(&keyspace.name));
    let theirs = ScyllaOptions { region: Region::Us, ..ours.clone() };
    let one = Replication::Simple(1);
    let refused = MigrationError::OtherRegion { keyspace: name.to_owned(), found: Region::Eu, asked: Region::Us };
    let all_refuse = async || {
        assert_eq!(migrations::apply(&theirs, &one, &SCHEMA).await, Err(refused.clone()));
        assert_eq!(migrations::pending(&theirs, &one, &SCHEMA).await, Err(refused.clone()));
        assert_eq!(migrations::check_region(&theirs, &SCHEMA).await, Err(refused.clone()));
    };
    all_refuse().await;
    let connected = Cql::connect(&theirs, &SCHEMA).await.map(drop);
    assert_eq!(connected, Err(StoreError::Broken(refused.to_string().into())));
    let compared = compare::keyspaces(&theirs, &SCHEMA, [name, name], Timestamp::from_millis(0)).await.map(drop);
    assert_eq!(compared, Err(StoreError::Broken(refused.to_string().into())));
    for message in ["'eu'", "'us'", "region = \"eu\"", "scylla.keyspace"] {
        assert!(refused.to_string().contains(message), "{refused}");
    }

    // As a release of before left it: nothing recorded. What is in it says whose it is, and only its own adopt it.
    let session = session().await;
    let run = async |text: String| session.query_unpaged(text, ()).await.map(drop).expect("changed");
    let team =
        format!("INSERT INTO {name}.teams (team, name, plan) VALUES ('team_eu_{}', 't', '\"team\"')", "0".repeat(32));
    run(team).await;
    run(format!("DROP TABLE {name}.schema_region")).await;
    all_refuse().await;
    let lacking = connect(name).await;
    assert!(matches!(&lacking, Err(StoreError::Broken(text)) if text.contains("tidegate migrate")), "{lacking:?}");
    let adopted = Applied { region: true, ..Applied::default() };
    assert_eq!(migrations::pending(&ours, &one, &SCHEMA).await, Ok(adopted.clone()));
    assert_eq!(migrations::apply(&ours, &one, &SCHEMA).await, Ok(adopted));
    connect(name).await.expect("ready");
    all_refuse().await;

    // One that holds nothing becomes the region's that migrates it first.
    run(format!("TRUNCATE {name}.teams")).await;
    run(format!("DROP TABLE {name}.schema_region")).await;
    assert_eq!(migrations::check_region(&theirs, &SCHEMA).await, Ok(()));
    migrations::apply(&theirs, &one, &SCHEMA).await.expect("adopted");
    assert!(matches!(connect(name).await, Err(StoreError::Broken(text)) if text.contains("of region 'us', not 'eu'")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_replicated_otherwise_is_refused_and_left_as_it_is() {
    let keyspace = Keyspace::fresh().await;
    let (name, options) = (keyspace.name.as_str(), options(&keyspace.name));
    let session = session().await;
    let run = async |text: String| session.query_unpaged(text, ()).await.map(drop).expect("changed");
    // Also where there is something to apply.
    run(format!("DELETE FROM {name}.schema_migrations WHERE version = 2")).await;
    let three = Replication::Simple(3);
    for refused in
        [migrations::apply(&options, &three, &SCHEMA).await, migrations::pending(&options, &three, &SCHEMA).await]
    {
        let message = refused.expect_err("another replication").to_string();
        for part in
            ["has replication 1, configured is 3", "ALTER KEYSPACE", "'replication_factor': 3", "nodetool repair"]
        {
            assert!(message.contains(part), "{part} is not in {message}");
        }
    }
    let pending = migrations::pending(&options, &Replication::Simple(1), &SCHEMA).await.expect("asked");
    assert_eq!(pending.migrations.len(), 1, "nothing was applied");
    let alter = "{'class': 'SimpleStrategy', 'replication_factor': 3}";
    run(format!("ALTER KEYSPACE {name} WITH replication = {alter}")).await;
    // One node has one of three copies: enough to look at one.
    let options = ScyllaOptions { consistency: Consistency::LocalOne, ..options };
    migrations::pending(&options, &three, &SCHEMA).await.expect("as advised");
    assert!(migrations::pending(&options, &Replication::Simple(1), &SCHEMA).await.is_err());
}
