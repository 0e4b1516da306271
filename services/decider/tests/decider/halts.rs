//! A command that cannot be decided halts its partition. Nothing is skipped, but for what an operator has set aside.

use bytes::Bytes;
use tidegate_kernel::command::OwnerId;
use tidegate_ports::{Again, Append, AppendAgain, Origin};

use crate::rig::{GROUP, Rig, answered};
use crate::till::{Command, Till};

const TILL: Till = Till(5);

#[tokio::test(start_paused = true)]
async fn a_decision_that_panics_halts_its_partition_until_the_command_is_void() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(Till(6), Command::Fund { amount: 10 }).await;
    let panics = rig.append(TILL, Command::Panic).await;
    rig.append(TILL, Command::Buy { price: 3 }).await;
    let running = rig.start();
    rig.is_halted_at(panics).await;
    assert_eq!((rig.balance(TILL).await, rig.balance(Till(6)).await), (Some(10), Some(10)));
    rig.void(panics).await;
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(7));
    let account = rig.account(&rig.stores).await;
    assert_eq!((account.stored, account.dead, account.missing()), (3, 1, 0));
    let rebuilt = rig.rebuilt("rebuilt").await;
    assert_eq!(rig.snapshot(&rig.stores).await, rig.snapshot(&rebuilt).await);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_book_that_becomes_too_large_halts_its_partition() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Pad { bytes: 100_000 }).await;
    let too_large = rig.append(TILL, Command::Pad { bytes: 300_000 }).await;
    rig.append(TILL, Command::Buy { price: 3 }).await;
    let running = rig.start();
    rig.is_halted_at(too_large).await;
    assert_eq!(rig.balance(TILL).await, Some(10));
    rig.void(too_large).await;
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(7));
    running.stop().await;
}

/// What was set aside because this release could not decide it can be appended again for one that can.
#[tokio::test(start_paused = true)]
async fn the_replay_of_a_void_command_is_decided_once() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    let envelope = rig.envelope(TILL, Command::Buy { price: 3 });
    let void = rig.append_envelope(&envelope).await;
    rig.append(TILL, Command::Fund { amount: 1 }).await;
    rig.void(void).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    assert_eq!((rig.balance(TILL).await, rig.outcome(&envelope).await), (Some(11), None));
    let (key, payload) = (Some(TILL.log_key()), rig.log.records(0)[1].payload.clone());
    for attempt in [2, 3] {
        let again = Again { key, payload: payload.clone(), origin: Origin { position: void, attempt } };
        rig.log.append_again(again).await.expect("appended");
        rig.caught_up(GROUP).await;
        assert_eq!((rig.balance(TILL).await, rig.outcome(&envelope).await), (Some(8), answered(8)));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_of_later_rules_halts_its_partition() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    let later = br#"{"v":1,"rules":9,"owner":5,"received_at_ms":0,"body":{"haggle":{}}}"#;
    let position = rig.log.append(TILL.log_key(), Bytes::from_static(later)).await.expect("appended");
    let running = rig.start();
    rig.is_halted_at(position).await;
    assert_eq!(rig.balance(TILL).await, Some(10));
    running.stop().await;
}
