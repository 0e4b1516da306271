//! The store across restarts, together with a second process's registry, and on damaged files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tidegate_agentping::{CredentialHash, FinishStatus, Id, KeyAccess, Limits, Plan, RunKey, TeamId};
use tidegate_agentping_ports::{
    Agents, Credentials, KeyRow, Registry, RegistryError, RunQueries, RunWrite, Runs, StoredSummary, Team, TokenRow,
};
use tidegate_agentping_testkit::{NOON as NOW, finish, folded, record, slug, start};
use tidegate_kernel::{Position, Region};
use tidegate_sqlite::{DataFolder, EmbeddedRegistry, EmbeddedStore, SqliteError};

fn folder(place: &Path) -> DataFolder {
    DataFolder::open_or_create(place, Region::Eu, 1, NOW).expect("ours")
}

fn open(place: &Path) -> Result<EmbeddedStore, SqliteError> {
    let folder = folder(place);
    EmbeddedStore::open(&folder.own().expect("owned"), EmbeddedRegistry::open(&folder)?)
}

fn id<K: tidegate_agentping::id::IdKind>(number: u8) -> Id<K> {
    Id::mint(Region::Eu, NOW, &[number; 10])
}

fn write(team: TeamId, number: u8, agent: &str) -> RunWrite {
    let key = RunKey { team, run: id(number) };
    let records = [record(key, NOW, start(agent)), record(key, NOW, finish(FinishStatus::Success))];
    let position = Position { generation: 0, partition: 0, offset: 7 };
    RunWrite { key, run: folded(&records).run, new_events: Vec::new(), feed: Vec::new(), position, again: None }
}

#[tokio::test]
async fn what_was_saved_is_there_after_a_restart_and_still_guarded() {
    let place = tempfile::tempdir().expect("a folder");
    let saved = write(id(1), 2, "a");
    let store = open(place.path()).expect("opened");
    store.save(Arc::new(vec![saved.clone()])).await.expect("saved");
    drop(store);

    let store = open(place.path()).expect("opened again");
    assert_eq!(store.run(saved.key).await, Ok(Some(saved.run.clone())));
    let mut stale = write(id(1), 2, "stale");
    stale.position.offset = 6;
    store.save(Arc::new(vec![stale])).await.expect("lost, silently");
    assert_eq!(store.run(saved.key).await, Ok(Some(saved.run)));
    let month = tidegate_kernel::Month::of(NOW);
    assert_eq!(store.usage(id(1), month).await, Ok(2));
}

#[tokio::test]
async fn saves_from_many_callers_are_all_there() {
    let place = tempfile::tempdir().expect("a folder");
    let store = open(place.path()).expect("opened");
    let saving: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.save(Arc::new(vec![write(id(1), number, "a")])).await })
        })
        .collect();
    for saved in saving {
        assert_eq!(saved.await.expect("ran"), Ok(()));
    }
    for number in 0..200 {
        let wanted =
            tidegate_agentping_ports::RunWanted { key: RunKey { team: id(1), run: id(number) }, events: Vec::new() };
        assert!(store.stored(wanted).await.expect("read").run.is_some(), "run {number}");
    }
}

#[tokio::test]
async fn a_damaged_or_foreign_file_is_refused_and_left_as_it_is() {
    let place = tempfile::tempdir().expect("a folder");
    drop(open(place.path()).expect("made"));
    let file = place.path().join("store.db");
    let whole = fs::read(&file).expect("read");
    let mut torn = whole.clone();
    // Page 3 onwards: the header stays ours.
    torn[8_192..].fill(0x5a);
    let foreign = b"not a database, but somebody's notes".repeat(300);
    for damaged in [torn, foreign] {
        fs::write(&file, &damaged).expect("damaged");
        assert!(open(place.path()).is_err(), "refused");
        assert_eq!(fs::read(&file).expect("read"), damaged, "not a byte was changed");
    }
    fs::write(&file, whole).expect("restored");
    open(place.path()).expect("whole again");
}

#[tokio::test]
async fn a_second_process_changes_the_registry_of_a_running_one() {
    let place = tempfile::tempdir().expect("a folder");
    let running = EmbeddedRegistry::open(&folder(place.path())).expect("opened");
    let beside = EmbeddedRegistry::open(&folder(place.path())).expect("opened beside it");
    let team = Team { id: id(1), name: "t".into(), plan: Plan::Team, created_at: NOW, archived_at: None };
    beside.create_team(team.clone()).await.expect("created");
    let hash = CredentialHash([9; 32]);
    let key =
        KeyRow { id: id(3), team: team.id, access: KeyAccess::Read, created_at: NOW, revoked_at: None, label: None };
    running.create_key(key.clone(), hash).await.expect("created");
    assert_eq!(beside.list_keys(team.id).await, Ok(vec![key.clone()]));
    beside.revoke_key(key.id, NOW).await.expect("revoked");
    assert_eq!(running.find(&hash).await, Ok(None));
}

#[tokio::test]
async fn agents_with_runs_count_towards_the_cap_of_a_new_token() {
    let place = tempfile::tempdir().expect("a folder");
    let store = open(place.path()).expect("opened");
    let registry = EmbeddedRegistry::open(&folder(place.path())).expect("opened beside it");
    let plan = Plan::Enterprise(Limits { agents: Some(2), ..Limits::default() });
    registry
        .create_team(Team { id: id(1), name: "t".into(), plan, created_at: NOW, archived_at: None })
        .await
        .expect("created");
    store.save(Arc::new(vec![write(id(1), 2, "one"), write(id(1), 3, "two")])).await.expect("saved");
    let token = |number, agent: &str| TokenRow {
        id: id(number),
        team: id(1),
        agent: slug(agent),
        created_at: NOW,
        revoked_at: None,
        expires_at: None,
    };
    let refused = Err(RegistryError::AgentCap { cap: 2, slug: "three".into() });
    assert_eq!(registry.create_token(token(1, "three"), CredentialHash([1; 32])).await, refused);
    assert_eq!(registry.create_token(token(2, "two"), CredentialHash([2; 32])).await, Ok(()));
    assert_eq!(store.slugs(id(1)).await.map(|slugs| slugs.len()), Ok(2));
}

#[tokio::test]
async fn a_registry_that_lost_a_change_is_refused_and_says_so() {
    let place = tempfile::tempdir().expect("a folder");
    let registry = EmbeddedRegistry::open(&folder(place.path())).expect("opened");
    for number in 1..=3 {
        let team = Team {
            id: id(number),
            name: format!("t{number}"),
            plan: Plan::Starter,
            created_at: NOW,
            archived_at: None,
        };
        registry.create_team(team).await.expect("made");
    }
    // As a kill leaves it, but for the write-ahead log.
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["tidegate.json", "registry.db", "registry.mark", "log.db", "store.db", "dead_letters.db"] {
        fs::copy(place.path().join(name), copy.path().join(name)).expect("copied");
    }
    let told = EmbeddedRegistry::open(&folder(copy.path())).map(drop).expect_err("refused").to_string();
    assert!(told.contains("registry.db has lost its end: it had 3 changes and knows of 0;"), "{told}");
    assert!(told.ends_with("or remove registry.mark to go on without what is missing"), "{told}");
    let wal = place.path().join("registry.db-wal");
    fs::copy(&wal, copy.path().join("registry.db-wal")).expect("copied");
    let whole = EmbeddedRegistry::open(&folder(copy.path())).expect("opened");
    assert_eq!(whole.list_teams().await.expect("listed").len(), 3);
}
