//! Whether the store has what commands led to.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_conservation::LookUp;
use tidegate_decider::StoredDecisions;
use tidegate_kernel::command::OwnerId;
use tidegate_ports::{Again, Append, AppendAgain, Origin};

use crate::rig::{GROUP, Rig, Stores};
use crate::till::{Command, Till, Tills};

const TILL: Till = Till(5);
const DAY_MS: i64 = 24 * 3_600_000;

/// Whether each record that can be judged is found, by its offset.
async fn looked_up(rig: &Rig, stores: &Stores) -> Vec<(i64, bool)> {
    let (books, facts) = (Arc::new(stores.books.clone()), Arc::new(stores.facts.clone()));
    let decisions = StoredDecisions::<Tills>::new(books, facts, Arc::new(stores.voids.clone()), rig.clock.clone());
    let looked_up = decisions.look_up(rig.records()).await.expect("in memory");
    assert!(looked_up.iter().all(|one| one.about == [("owner", TILL.to_string())]), "{looked_up:?}");
    looked_up.into_iter().map(|one| (one.position.offset, one.found)).collect()
}

/// Stored, refused, a tick, and a replay of the first.
async fn decided() -> Rig {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Buy { price: 80 }).await;
    rig.append(TILL, Command::Tick).await;
    let first = rig.records().remove(0);
    let origin = Origin { position: first.position, attempt: 2 };
    let again = Again { key: Some(TILL.log_key()), payload: first.payload, origin };
    rig.log.append_again(again).await.expect("appended");
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    rig
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_is_found_and_what_the_store_has_lost_is_not() {
    let rig = decided().await;
    assert_eq!(looked_up(&rig, &rig.stores).await, [(0, true), (1, true), (2, true), (3, true)]);
    let without_books = Stores { books: Default::default(), ..rig.stores.clone() };
    assert_eq!(looked_up(&rig, &without_books).await, [(0, false), (1, false), (2, false), (3, false)]);
    // A tick has no attempt, and the fact of a replayed command may have ended.
    let without_facts = Stores { facts: Default::default(), ..rig.stores.clone() };
    assert_eq!(looked_up(&rig, &without_facts).await, [(0, false), (1, false), (2, true), (3, true)]);
    rig.clock.advance_ms(28 * DAY_MS);
    assert!(looked_up(&rig, &without_facts).await.contains(&(0, false)));
    rig.clock.advance_ms(2 * DAY_MS);
    assert_eq!(looked_up(&rig, &without_facts).await, [(0, true), (1, true), (2, true), (3, true)], "facts end");
}

#[tokio::test(start_paused = true)]
async fn what_was_never_decided_is_not_judged() {
    let rig = decided().await;
    rig.log.append(TILL.log_key(), Bytes::from_static(b"no command")).await.expect("appended");
    let aside = rig.append(TILL, Command::Fund { amount: 1 }).await;
    rig.void(aside).await;
    let offsets: Vec<i64> = looked_up(&rig, &rig.stores).await.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, [0, 1, 2, 3]);
}
