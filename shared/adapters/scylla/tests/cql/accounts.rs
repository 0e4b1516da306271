//! Accounts and notes on a real cluster: many at once, late ones, and what `compare` makes of them.

use std::sync::Arc;

use tidegate_agentping::{RunId, RunKey, TeamId};
use tidegate_agentping_ports::notes::NOTES_KEPT_MS;
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{Account, Accounts, Clock, Fate, Ids, RandomIds, SystemClock};
use tidegate_scylla::ScyllaStore;

use crate::support::{Keyspace, compared, session};

fn position(offset: i64) -> Position {
    Position { generation: 1, partition: 3, offset }
}

/// Of every second record, with and without a key, over several of the table's partitions.
fn notes_of(offsets: impl Iterator<Item = i64>) -> Vec<Note> {
    let now = SystemClock.now();
    let key = RunKey {
        team: TeamId::mint(Region::Eu, now, &RandomIds.random()),
        run: RunId::mint(Region::Eu, now, &RandomIds.random()),
    };
    let note = |offset: i64| {
        let (key, fate) = if offset % 4 == 0 { (None, Fate::Dead) } else { (Some(key), Fate::Duplicate) };
        Note { position: position(offset), appended_at: Timestamp::from_millis(now.as_millis() - offset), key, fate }
    };
    offsets.filter(|offset| offset % 2 == 0).map(note).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_notes_are_found_by_their_offsets() {
    let keyspace = Keyspace::shared().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let notes = notes_of(8_500..11_500);
    assert_eq!(notes.len(), 1_500);
    store.note(Arc::new(notes.clone())).await.expect("noted");
    let asked: Vec<Position> = (8_400..11_600).rev().map(position).collect();
    let found = store.notes(&asked).await.expect("read");
    assert_eq!(found.len(), asked.len());
    for (asked, found) in asked.iter().zip(&found) {
        let expected = notes.iter().find(|note| note.position == *asked);
        assert_eq!(found.as_ref(), expected, "{asked:?}");
    }
    assert_eq!(store.forget_notes(SystemClock.now(), 10).await, Ok(0), "they end by themselves");
}

/// A note ends about 30 days after it was written, whatever timestamp it was written at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_end_by_themselves() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    store.note(Arc::new(notes_of(2..3))).await.expect("noted");
    let text = format!("SELECT TTL(fate), WRITETIME(fate) FROM {}.notes", keyspace.name);
    let rows = session().await.query_unpaged(text, ()).await.expect("read").into_rows_result().expect("rows");
    let (left_s, written) = rows.single_row::<(i32, i64)>().expect("one");
    assert_eq!(written, position(2).write_timestamp());
    let kept_s = i32::try_from(NOTES_KEPT_MS / 1_000).expect("small");
    assert!((kept_s - 3_600..=kept_s).contains(&left_s), "{left_s} s");
}

/// Each of them reaches further than the one before, and they arrive in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_that_reaches_furthest_stays() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    let mut account = Account::opened(2, 7, 40);
    let mut accounts = Vec::new();
    for offset in 40..72 {
        account.count(offset, if offset % 3 == 0 { Fate::Conflict } else { Fate::Stored });
        accounts.push(account);
    }
    let settling: Vec<_> = accounts
        .iter()
        .rev()
        .map(|account| {
            let (store, account) = (store.clone(), *account);
            tokio::spawn(async move { store.settle(account).await })
        })
        .collect();
    for settled in settling {
        assert_eq!(settled.await.expect("ran"), Ok(()));
    }
    assert_eq!(store.account(2, 7).await, Ok(Some(account)));
    assert_eq!(store.accounts().await, Ok(vec![account]));
}

/// Two keyspaces may hold the same runs and have met the log from different places on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_and_notes_are_not_compared() {
    let (one, other) = (Keyspace::fresh().await, Keyspace::fresh().await);
    let store = ScyllaStore::new(one.connect().await);
    let mut account = Account::opened(1, 0, 0);
    account.count(0, Fate::Dead);
    store.settle(account).await.expect("settled");
    store.note(Arc::new(notes_of(0..1))).await.expect("noted");
    let comparison = compared(&one.name, &other.name).await;
    assert!(comparison.are_equal(), "{comparison:#?}");
    let tables: Vec<&str> = comparison.tables.iter().map(|table| table.table).collect();
    assert!(!tables.contains(&"accounts") && !tables.contains(&"notes"), "{tables:?}");
}
