//! A process that ends between any two writes, or in the middle of one, and one that continues though its partition is
//! another's: the store is what the log makes of it.

use std::collections::BTreeMap;

use tidegate_kernel::command::{CommandOutcome, Envelope};
use tidegate_ports::{Accounts, Again, AppendAgain, Origin};

use crate::dying::{Fuse, dying};
use crate::rig::{GROUP, Rig, Stores, answered, eventually, refused};
use crate::till::{Command, Till, Tills};

const A: Till = Till(1);
const B: Till = Till(2);
const C: Till = Till(3);

/// Every kind of decision, several batches of them.
async fn write_log(rig: &Rig) -> Vec<Envelope<Tills>> {
    let mut envelopes = Vec::new();
    let mut append = async |envelope: Envelope<Tills>| {
        let position = rig.append_envelope(&envelope).await;
        envelopes.push(envelope);
        position
    };
    let with_key = |envelope, key, content| Envelope { key: Some(crate::rig::key(key, content)), ..envelope };
    append(rig.envelope(A, Command::Fund { amount: 100 })).await;
    append(rig.envelope(B, Command::Fund { amount: 50 })).await;
    let bought = append(with_key(rig.envelope(A, Command::Buy { price: 30 }), 7, 1)).await;
    append(with_key(rig.envelope(A, Command::Buy { price: 30 }), 7, 1)).await;
    append(with_key(rig.envelope(A, Command::Buy { price: 31 }), 7, 2)).await;
    append(rig.envelope(A, Command::Hold { amount: 20, for_ms: 35 })).await;
    append(rig.envelope(A, Command::Send { to: C, amount: 9 })).await;
    append(rig.envelope(B, Command::Send { to: C, amount: 5 })).await;
    append(rig.envelope(B, Command::Buy { price: 1_000 })).await;
    let late = rig.envelope(B, Command::Buy { price: 1 });
    rig.clock.advance_ms(61_000);
    append(late).await;
    append(Envelope { attempt: None, ..rig.envelope(A, Command::Tick) }).await;
    append(rig.envelope(B, Command::Hold { amount: 1, for_ms: 3_600_000 })).await;
    let records = rig.records();
    let again = records.iter().find(|record| record.position == bought).expect("it is there").clone();
    let key = Some(tidegate_kernel::command::OwnerId::log_key(&A));
    let origin = Origin { position: bought, attempt: 2 };
    rig.log.append_again(Again { key, payload: again.payload, origin }).await.expect("appended");
    envelopes
}

fn rig(partitions: u32) -> Rig {
    let mut rig = Rig::new(partitions);
    rig.config.poll_bytes = 500;
    rig
}

async fn sums(stores: &Stores) -> BTreeMap<u32, (u64, u64, u64, u64, i64)> {
    let accounts = stores.accounts.accounts().await.expect("in memory");
    let sum = |one: &tidegate_ports::Account| (one.stored, one.duplicate, one.conflict, one.dead, one.missing());
    accounts.iter().map(|account| (account.partition, sum(account))).collect()
}

async fn is_function_of_the_log(rig: &Rig, envelopes: &[Envelope<Tills>], run: &str) {
    let rebuilt = rig.rebuilt(&format!("rebuilt {run}")).await;
    assert_eq!(rig.snapshot(&rig.stores).await, rig.snapshot(&rebuilt).await, "{run}");
    assert_eq!(sums(&rig.stores).await, sums(&rebuilt).await, "{run}: the accounts are exact");
    let mut outcomes = Vec::new();
    for envelope in envelopes {
        outcomes.push(if envelope.attempt.is_some() { rig.outcome(envelope).await } else { None });
    }
    let repeated = Some(CommandOutcome::Repeated(crate::till::Balance(70)));
    let expected = [
        answered(100),
        answered(50),
        answered(70),
        repeated,
        Some(CommandOutcome::Mismatched),
        answered(50),
        answered(41),
        answered(45),
        refused(),
        Some(CommandOutcome::Expired),
        None,
        answered(44),
    ];
    assert_eq!(outcomes, expected, "{run}");
    let balances = [rig.balance(A).await, rig.balance(B).await, rig.balance(C).await];
    assert_eq!(balances, [Some(61), Some(44), Some(14)], "{run}: each effect counts once");
}

#[tokio::test(start_paused = true)]
async fn whatever_is_decided_is_a_function_of_the_log() {
    let rig = rig(1);
    let envelopes = write_log(&rig).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    is_function_of_the_log(&rig, &envelopes, "in one go").await;
    let account = rig.account(&rig.stores).await;
    // Two effects came, and were answered.
    assert_eq!((account.stored, account.duplicate, account.conflict, account.dead), (10, 2, 3, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_at_any_write_changes_nothing() {
    for halves in [false, true] {
        let mut kills = 0;
        for writes in 1.. {
            let rig = rig(1);
            let envelopes = write_log(&rig).await;
            let fuse = Fuse::after(writes, halves);
            let first = rig.start_with(GROUP, dying(rig.ports(&rig.stores), &fuse), &rig.stores);
            let behind = async || tidegate_ports::ReadLag::read(&rig.log.lag(GROUP)).await.expect("a reading").records;
            eventually("it is dead or done", async || fuse.is_burnt() || behind().await == 0).await;
            let is_killed = fuse.is_burnt();
            kills += usize::from(is_killed);
            first.kill().await;
            let second = rig.start();
            rig.caught_up(GROUP).await;
            is_function_of_the_log(&rig, &envelopes, &format!("killed at write {writes}, halves: {halves}")).await;
            second.stop().await;
            if !is_killed {
                break;
            }
        }
        assert!(kills > 15, "{kills} kills");
    }
}

/// It was suspended in the middle of a write; others have decided everything meanwhile; it continues.
#[tokio::test(start_paused = true)]
async fn a_zombie_changes_nothing() {
    for writes in (1..).step_by(3) {
        let rig = rig(1);
        let envelopes = write_log(&rig).await;
        let fuse = Fuse::after(writes, false);
        let zombie_stores = Stores { accounts: Default::default(), ..rig.stores.clone() };
        let zombie = rig.start_with("zombies", dying(rig.ports(&rig.stores), &fuse), &zombie_stores);
        let behind = async || tidegate_ports::ReadLag::read(&rig.log.lag("zombies")).await.expect("a reading").records;
        eventually("it is suspended or done", async || fuse.is_burnt() || behind().await == 0).await;
        let is_suspended = fuse.is_burnt();
        let owner = rig.start();
        rig.caught_up(GROUP).await;
        fuse.revive();
        rig.caught_up("zombies").await;
        // The zombie's effects are on the log again.
        rig.caught_up(GROUP).await;
        is_function_of_the_log(&rig, &envelopes, &format!("suspended at write {writes}")).await;
        owner.stop().await;
        zombie.stop().await;
        if !is_suspended {
            break;
        }
    }
}
