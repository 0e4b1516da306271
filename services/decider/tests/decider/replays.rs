//! A log that is read again, records that are appended again, and another log.

use tidegate_kernel::command::OwnerId;
use tidegate_ports::{Again, AppendAgain, Origin};

use crate::rig::{GROUP, Rig, Stores};
use crate::till::{Command, Till};

const TILL: Till = Till(5);

async fn funded() -> Rig {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append_with_key(TILL, Command::Buy { price: 3 }, 1, 1).await;
    rig.append(TILL, Command::Buy { price: 8 }).await;
    rig
}

#[tokio::test(start_paused = true)]
async fn records_appended_again_change_nothing() {
    let rig = funded().await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    for (n, record) in rig.records().into_iter().enumerate() {
        let origin = Origin { position: record.position, attempt: 2 };
        // A second replay, long after, of the first one.
        let key = Some(TILL.log_key());
        let position =
            rig.log.append_again(Again { key, payload: record.payload.clone(), origin }).await.expect("appended");
        rig.clock.advance_ms(3_600_000 * n as i64);
        let origin = Origin { position, attempt: 3 };
        rig.log.append_again(Again { key, payload: record.payload, origin }).await.expect("appended");
    }
    rig.append(TILL, Command::Fund { amount: 100 }).await;
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(107));
    let account = rig.account(&rig.stores).await;
    assert_eq!((account.stored, account.conflict, account.duplicate), (3, 1, 6));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_begins_again_decides_nothing_again() {
    let rig = funded().await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    let before = rig.snapshot(&rig.stores).await;
    // Its accounts are lost, too.
    let reset = Stores { accounts: Default::default(), ..rig.stores.clone() };
    let running = rig.start_with("reset", rig.ports(&reset), &reset);
    rig.caught_up("reset").await;
    assert_eq!(rig.snapshot(&rig.stores).await, before);
    assert_eq!(rig.account(&reset).await, rig.account(&rig.stores).await, "the fates are those of then");
    running.stop().await;
}

/// A rig of another log over the same stores, whose attempts are others.
fn with_another_log(rig: &Rig, partitions: u32) -> Rig {
    let mut other = Rig::new(partitions);
    other.stores = Stores { accounts: Default::default(), ..rig.stores.clone() };
    (0..50).for_each(|_| _ = other.envelope(TILL, Command::Tick));
    other
}

#[tokio::test(start_paused = true)]
async fn another_log_is_not_decided() {
    let rig = funded().await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    let other = with_another_log(&rig, 1);
    let position = other.append(TILL, Command::Fund { amount: 1 }).await;
    let running = other.start();
    other.is_halted_at(position).await;
    running.stop().await;
    assert_eq!(rig.balance(TILL).await, Some(7));
}

/// Positions of different partitions cannot be compared.
#[tokio::test(start_paused = true)]
async fn a_log_with_other_partitions_is_not_decided() {
    let rig = funded().await;
    let till = (0..).map(Till).find(|till| till.log_key().partition(3) == 2).expect("one");
    rig.append(till, Command::Fund { amount: 1 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    let other = with_another_log(&rig, 3);
    let position = other.append(till, Command::Fund { amount: 1 }).await;
    let running = other.start();
    other.is_halted_at(position).await;
    running.stop().await;
}

/// Facts of clients expire after 30 days: no client looks for them then.
#[tokio::test(start_paused = true)]
async fn an_old_log_may_be_read_again_without_its_facts() {
    let rig = funded().await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    rig.clock.advance_ms(40 * 24 * 3_600_000);
    let without_facts = Stores { accounts: Default::default(), facts: Default::default(), ..rig.stores.clone() };
    let running = rig.start_with("reset", rig.ports(&without_facts), &without_facts);
    rig.caught_up("reset").await;
    assert_eq!(rig.balance(TILL).await, Some(7));
    running.stop().await;
}
