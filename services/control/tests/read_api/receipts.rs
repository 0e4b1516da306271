//! What became of a record, by its receipt.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use tidegate_agentping::{Receipt, RunKey, TeamId};
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::{Partition, Position, Region, Timestamp};
use tidegate_ports::{Account, Accounts, Append, Clock, Fate, Halt, StoreError};

use crate::house::*;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn path(receipt: Receipt) -> String {
    format!("/v1/receipts/{receipt}")
}

/// Partition 3 is settled from 10 to 15: stored, then one of each other fate, then stored; all of them are of team A.
async fn settled(house: &House) {
    let mut account = Account::opened(1, 3, 10);
    let fates = [Fate::Stored, Fate::Duplicate, Fate::Conflict, Fate::Dead, Fate::Stored];
    for (offset, fate) in (10..).zip(fates) {
        account.count(offset, fate);
        if fate != Fate::Stored {
            // What could not be decoded says nothing of whose it was.
            let key = (fate != Fate::Dead).then(|| RunKey { team: team(1), run: run_id(offset as u128) });
            house.note(offset, key, fate).await;
        }
    }
    house.accounts.settle(account).await.unwrap();
}

impl House {
    async fn note(&self, offset: i64, key: Option<RunKey>, fate: Fate) {
        let position = Position { generation: 1, partition: 3, offset };
        let note = Note { position, appended_at: self.clock.now(), key, fate };
        self.accounts.note(Arc::new(vec![note])).await.unwrap();
    }
}

#[tokio::test]
async fn every_state_is_told() {
    let house = House::open().await;
    settled(&house).await;
    let (run_11, run_12) = (run_id(11).to_string(), run_id(12).to_string());
    for (offset, state, run, says) in [
        (10, "stored", None, None),
        (11, "duplicate", Some(&run_11), Some("stored before")),
        (12, "conflict", Some(&run_12), Some("contradicts")),
        (13, "dead", None, Some("dead letters")),
        (14, "stored", None, None),
        (15, "queued", None, None),
        (4_711, "queued", None, None),
    ] {
        let receipt = receipt(team(1), 3, offset);
        let told = house.get(&path(receipt)).await.ok();
        let position = json!({"generation": 1, "partition": 3, "offset": offset});
        assert_eq!(
            (&told["receipt"], &told["state"], &told["position"]),
            (&json!(receipt.to_string()), &json!(state), &position)
        );
        assert_eq!(told.get("run"), run.map(|run| json!(run)).as_ref(), "{told}");
        let reason = told.get("reason").map(|reason| reason.as_str().unwrap());
        assert_eq!(reason.is_some(), says.is_some(), "{told}");
        assert!(reason.unwrap_or_default().contains(says.unwrap_or_default()), "{told}");
    }
}

/// The persister continues, and the answer with it.
#[tokio::test]
async fn a_queued_record_becomes_a_settled_one() {
    let house = House::open().await;
    let path = path(receipt(team(1), 0, 2));
    let state = async || house.get(&path).await.ok()["state"].clone();
    assert_eq!(state().await, "queued");
    let mut account = Account::opened(1, 0, 0);
    for offset in 0..3 {
        account.count(offset, Fate::Stored);
        house.accounts.settle(account).await.unwrap();
        assert_eq!(state().await, if offset < 2 { "queued" } else { "stored" });
    }
}

#[tokio::test]
async fn another_teams_receipt_is_as_unknown_as_none() {
    let house = House::open().await;
    settled(&house).await;
    let foreign_region = TeamId::from_bits(Region::Us, team(1).bits());
    for receipt in [receipt(team(2), 3, 10), receipt(team(3), 3, 4_711), receipt(foreign_region, 3, 10)] {
        let answer = house.get(&path(receipt)).await;
        assert_refusal(&answer, 404, "not_found", None);
        assert_eq!(answer.message(), "There is no record of this team with this receipt.");
    }
    // Whoever makes up a receipt of their own team for another's record learns nothing of it either.
    for offset in [11, 12] {
        assert_refusal(&house.get_as(Some(KEY_B), &path(receipt(team(2), 3, offset))).await, 404, "not_found", None);
    }
}

#[tokio::test]
async fn what_is_no_receipt_is_told_why() {
    let house = House::open().await;
    let good = receipt(team(1), 3, 10).to_string();
    for (text, code, says) in [
        ("x".to_owned(), "invalid_id", "must match pattern rcp_(eu|us)_[0-9a-f]{86}"),
        ("%ff".to_owned(), "invalid_id", "must match pattern"),
        (run_id(1).to_string(), "invalid_id", "must match pattern"),
        (good.to_uppercase(), "invalid_id", "must match pattern"),
        (good.replace("_eu_", "_fr_"), "unknown_region", "'fr'"),
        (good.replace("_eu_01", "_eu_02"), "invalid_id", "version 2"),
        (good.replace("_eu_", "_us_"), "invalid_id", "a character was changed"),
    ] {
        let answer = house.get(&format!("/v1/receipts/{text}")).await;
        assert_refusal(&answer, 400, code, Some("receipt"));
        assert!(answer.message().contains(says), "{}", answer.text);
    }
    assert_refusal(&house.get(&format!("/v1/receipts/{good}?x=1")).await, 400, "unknown_field", Some("x"));
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_gone() {
    let house = House::open().await;
    settled(&house).await;
    let before_the_accounts = house.get(&path(receipt(team(1), 3, 9))).await;
    assert_refusal(&before_the_accounts, 410, "gone", None);
    let received = |at: Timestamp| path(Receipt { received_at: at, ..receipt(team(1), 3, 10) });
    let young = at(NOON).plus_millis(-30 * DAY_MS);
    assert_eq!(house.get(&received(young)).await.ok()["state"], "stored");
    let old = house.get(&received(young.plus_millis(-1))).await;
    assert_refusal(&old, 410, "gone", None);
    assert!(old.message().contains("30 days"), "{}", old.text);
    for at in [i64::MIN, i64::MAX] {
        let answer = house.get(&received(Timestamp::from_millis(at))).await;
        assert_eq!(answer.status.as_u16(), if at < 0 { 410 } else { 200 }, "{}", answer.text);
    }
}

/// A record that was never read has no note either, and must not be reported as stored.
#[tokio::test]
async fn where_records_are_missing_nothing_is_guessed() {
    let house = House::open().await;
    let mut account = Account::opened(1, 3, 10);
    account.count(10, Fate::Stored);
    account.count(14, Fate::Duplicate);
    house.note(14, Some(RunKey { team: team(1), run: run_id(1) }), Fate::Duplicate).await;
    house.accounts.settle(account).await.unwrap();
    for offset in [10, 12] {
        assert_refusal(&house.get(&path(receipt(team(1), 3, offset))).await, 410, "gone", None);
    }
    assert_eq!(house.get(&path(receipt(team(1), 3, 14))).await.ok()["state"], "duplicate");
    assert_eq!(house.get(&path(receipt(team(1), 3, 15))).await.ok()["state"], "queued");
}

/// Where no account says that a partition is one, the log does; and without a log the receipt is believed.
#[tokio::test]
async fn a_record_that_cannot_be_is_unknown() {
    let clock = Arc::new(tidegate_inproc::clock::TestClock::at(at(NOON)));
    let log = MemoryLog::new(MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() }, clock);
    let key = RunKey { team: team(1), run: run_id(1) };
    log.append(key.log_key(), Bytes::from_static(b"{}")).await.unwrap();
    let house = House::opened_with(|control| control.with_log(Some(Arc::new(log)))).await;
    assert_eq!(house.get(&path(receipt(team(1), 0, 0))).await.ok()["state"], "queued");
    let older = Receipt { position: Position { generation: 9, partition: 0, offset: 0 }, ..receipt(team(1), 0, 0) };
    for receipt in [receipt(team(1), 0, 1), receipt(team(1), 1, 0), receipt(team(1), 0, -1), older] {
        assert_refusal(&house.get(&path(receipt)).await, 404, "not_found", None);
    }
    let blind = House::open().await;
    assert_eq!(blind.get(&path(receipt(team(1), 1, 0))).await.ok()["state"], "queued");
}

/// Counts what is asked, and never answers.
#[derive(Default)]
struct Mute(AtomicUsize);

#[async_trait]
impl Accounts for Mute {
    async fn settle(&self, _: Account) -> Result<(), StoreError> {
        unreachable!("control writes nothing")
    }

    async fn account(&self, _: u16, _: Partition) -> Result<Option<Account>, StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        std::future::pending().await
    }

    async fn halt(&self, _: Halt) -> Result<(), StoreError> {
        unreachable!("control writes nothing")
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        unreachable!("control does not read where partitions stand still")
    }
}

#[async_trait]
impl NotedAccounts for Mute {
    async fn note(&self, _: Arc<Vec<Note>>) -> Result<(), StoreError> {
        unreachable!("control writes nothing")
    }

    async fn notes(&self, _: &[Position]) -> Result<Vec<Option<Note>>, StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }

    async fn forget_notes(&self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
        unreachable!("control writes nothing")
    }
}

#[tokio::test]
async fn only_a_receipt_of_the_callers_is_looked_up_and_not_for_ever() {
    let mute = Arc::new(Mute::default());
    let house =
        House::on_accounts(mute.clone(), |control| control.with_store_deadline(Duration::from_millis(20))).await;
    let elsewhere = TeamId::from_bits(Region::Us, 1);
    for receipt in [receipt(team(2), 3, 10), receipt(elsewhere, 3, 10)] {
        assert_refusal(&house.get(&path(receipt)).await, 404, "not_found", None);
    }
    assert_eq!(mute.0.load(Ordering::SeqCst), 0);
    assert_refusal(&house.get(&path(receipt(team(1), 3, 10))).await, 503, "unavailable", None);
    assert_eq!(mute.0.load(Ordering::SeqCst), 1);
}
