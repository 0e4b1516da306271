//! Setting a command aside while two releases decide: it is never skipped by one and decided by the other.

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_decider::{Deciders, VoidError, Voided, set_aside, state_of};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_kernel::command::{Envelope, OwnerId, Registration, Release, Rules, VoidState};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Accounts, Append, Halt, Releases, StoreError, Voids};

use crate::rig::{GROUP, Rig, Stores, eventually, request};
use crate::till::{Command, Till, Tills};

const TILL: Till = Till(5);
const OLD: &str = "old";
const NEW: &str = "new";

/// A log on which the old release is halted at a command of newer rules.
async fn rollout() -> (Rig, Position) {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    let newer = Envelope { rules: Rules::new(2), ..rig.envelope(TILL, Command::Buy { price: 3 }) };
    let contested = rig.append_envelope(&newer).await;
    rig.append(TILL, Command::Fund { amount: 100 }).await;
    (rig, contested)
}

async fn voided(rig: &Rig, position: Position) -> Voided {
    voided_by(rig, &rig.stores.releases, position).await.expect("in memory")
}

async fn voided_by(rig: &Rig, releases: &dyn Releases, position: Position) -> Result<Voided, VoidError> {
    let record = rig.records().into_iter().find(|record| record.position == position).expect("on the log");
    set_aside(&rig.stores.voids, releases, request(position), &record, Deciders::Registered).await
}

async fn state(rig: &Rig, position: Position) -> Option<VoidState> {
    state_of(&rig.stores.voids, position).await.expect("in memory")
}

fn release<const KNOWN: u16>(name: &str) -> Release {
    Envelope::<Tills<KNOWN>>::release(name)
}

async fn register<const KNOWN: u16>(rig: &Rig, name: &str, position: Position) {
    let seen_at = rig.records().into_iter().find(|record| record.position == position).expect("there").appended_at;
    let registration = Registration { release: release::<KNOWN>(name), seen_at };
    rig.stores.releases.register(registration).await.expect("in memory");
}

fn in_force() -> Voided {
    Voided { state: VoidState::InForce, could_decide: Vec::new() }
}

fn withdrawn(could_decide: Release) -> Voided {
    Voided { state: VoidState::Withdrawn, could_decide: vec![could_decide] }
}

#[tokio::test(start_paused = true)]
async fn what_no_registered_release_knows_is_void_for_a_later_release_too() {
    let (rig, contested) = rollout().await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(contested).await;
    assert_eq!(voided(&rig, contested).await, in_force());
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(110));
    // The same again changes nothing.
    assert_eq!(voided(&rig, contested).await, in_force());
    old.stop().await;
    let new = rig.start_release::<2>(NEW);
    rig.append(TILL, Command::Fund { amount: 1_000 }).await;
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(1_110));
    new.stop().await;
    let rebuilt = rig.rebuilt_by::<2>("rebuilt").await;
    assert_eq!(rig.snapshot(&rig.stores).await, rig.snapshot(&rebuilt).await);
    let account = rig.account(&rig.stores).await;
    assert_eq!((account.stored, account.dead, account.missing()), (3, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_registered_release_could_decide_is_not_void_and_that_release_decides_it() {
    let (rig, contested) = rollout().await;
    // It has read nothing of this partition, and may have been taken away from it: nothing in the store shows it.
    register::<2>(&rig, NEW, contested).await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(contested).await;
    assert_eq!(voided(&rig, contested).await, withdrawn(release::<2>(NEW)));
    assert_eq!(state(&rig, contested).await, Some(VoidState::Withdrawn));
    old.stop().await;
    let new = rig.start_release::<2>(NEW);
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(107));
    new.stop().await;
    let rebuilt = rig.rebuilt_by::<2>("rebuilt").await;
    assert_eq!(rig.snapshot(&rig.stores).await, rig.snapshot(&rebuilt).await);
}

/// Releases that cannot be read: the operator's command ends between asking and settling.
struct Unread;

#[async_trait]
impl Releases for Unread {
    async fn register(&self, _: Registration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn registered(&self) -> Result<Vec<Registration>, StoreError> {
        Ok(vec![Registration { release: release::<1>(OLD), seen_at: Timestamp::from_millis(0) }])
    }

    async fn cannot_decide(&self, _: Release, _: Position) -> Result<(), StoreError> {
        Ok(())
    }

    async fn inabilities(&self) -> Result<Vec<(Position, Release)>, StoreError> {
        Err(StoreError::Unavailable("as the test wants".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_could_decide_waits_while_a_void_is_asked_and_decides_once_it_is_withdrawn() {
    let (rig, contested) = rollout().await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(contested).await;
    assert!(matches!(voided_by(&rig, &Unread, contested).await, Err(VoidError::Store(_))));
    assert_eq!(state(&rig, contested).await, Some(VoidState::Asked));
    old.stop().await;

    let new = rig.start_release::<2>(NEW);
    let has_registered = async || {
        let registered = rig.stores.releases.registered().await.expect("in memory");
        registered.iter().any(|registration| registration.release == release::<2>(NEW))
    };
    eventually("the new release registers", has_registered).await;
    // It reads on behind what it waits at only after it is settled.
    assert_eq!((rig.balance(TILL).await, state(&rig, contested).await), (Some(10), Some(VoidState::Asked)));
    assert_eq!(voided(&rig, contested).await, withdrawn(release::<2>(NEW)));
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(107));
    new.stop().await;
    let rebuilt = rig.rebuilt_by::<2>("rebuilt").await;
    assert_eq!(rig.snapshot(&rig.stores).await, rig.snapshot(&rebuilt).await);
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_stopped_in_between_runs_the_same_again() {
    let (rig, contested) = rollout().await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(contested).await;
    for _ in 0..2 {
        assert!(matches!(voided_by(&rig, &Unread, contested).await, Err(VoidError::Store(_))));
        assert_eq!((state(&rig, contested).await, rig.balance(TILL).await), (Some(VoidState::Asked), Some(10)));
    }
    assert_eq!(voided(&rig, contested).await, in_force());
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(110));
    old.stop().await;
}

/// A command that every release reads and none can decide is void once each of them has met it.
#[tokio::test(start_paused = true)]
async fn a_release_says_itself_that_it_is_halted_at_the_command() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    let unknown = br#"{"v":1,"rules":1,"owner":5,"received_at_ms":0,"body":{"haggle":{}}}"#;
    let unknown = rig.log.append(TILL.log_key(), Bytes::from_static(unknown)).await.expect("appended");
    register::<1>(&rig, OLD, unknown).await;
    let new = rig.start_release::<1>(NEW);
    rig.is_halted_at(unknown).await;
    assert_eq!(voided(&rig, unknown).await, withdrawn(release::<1>(OLD)));
    // What is withdrawn is asked for again once the other one is halted there, too.
    new.stop().await;
    let old = rig.start_release::<1>(OLD);
    let both = [(unknown, release::<1>(NEW)), (unknown, release::<1>(OLD))];
    let inabilities = async || rig.stores.releases.inabilities().await.expect("in memory");
    eventually("the old release says so", async || inabilities().await == both).await;
    assert_eq!(voided(&rig, unknown).await, in_force());
    rig.caught_up(GROUP).await;
    old.stop().await;
}

/// The decision is a function of the book and the command: it panics in every decider of the release.
#[tokio::test(start_paused = true)]
async fn a_release_says_of_a_command_whose_decision_panics_that_it_is_halted_there() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    let panics = rig.append(TILL, Command::Panic).await;
    rig.append(TILL, Command::Fund { amount: 100 }).await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(panics).await;
    assert_eq!(rig.stores.releases.inabilities().await, Ok(vec![(panics, release::<1>(OLD))]));
    assert_eq!(voided(&rig, panics).await, in_force());
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(110));
    old.stop().await;
}

/// A book of newer rules halts an old release. What the book includes, that release may have decided itself.
#[tokio::test(start_paused = true)]
async fn a_release_says_nothing_of_a_record_that_the_book_includes() {
    let rig = Rig::new(1);
    let included = rig.append(TILL, Command::Fund { amount: 10 }).await;
    let newer = Envelope { rules: Rules::new(2), ..rig.envelope(TILL, Command::Buy { price: 3 }) };
    rig.append_envelope(&newer).await;
    let new = rig.start_release::<2>(NEW);
    rig.caught_up(GROUP).await;
    new.stop().await;

    // A group without offsets, and no accounts: the log is read again from its beginning.
    let stores = Stores { accounts: MemoryAccounts::default(), ..rig.stores.clone() };
    let again = rig.start_with("again", rig.ports(&stores), &stores);
    let halts = async |stores: &Stores| stores.accounts.halts().await.expect("in memory");
    let halt = |Position { generation, partition, offset }| Halt { generation, partition, offset };
    eventually("it is halted at the first record", async || halts(&stores).await == [halt(included)]).await;
    again.stop().await;
    assert_eq!(rig.stores.releases.inabilities().await, Ok(vec![]));

    // Above the book it says so.
    let above = rig.append(TILL, Command::Fund { amount: 100 }).await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(above).await;
    let stated = async || rig.stores.releases.inabilities().await == Ok(vec![(above, release::<1>(OLD))]);
    eventually("the old release says so", stated).await;
    old.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_gone_long_before_does_not_count_and_registers_before_it_decides_again() {
    let rig = Rig::new(1);
    let gone = rig.start_release::<2>(NEW);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.caught_up(GROUP).await;
    rig.clock.advance_ms(i64::try_from(Registration::GONE_AFTER_MS).unwrap());
    let newer = Envelope { rules: Rules::new(2), ..rig.envelope(TILL, Command::Buy { price: 3 }) };
    // It still runs: it registers again before it decides.
    let decided = rig.append_envelope(&newer).await;
    rig.caught_up(GROUP).await;
    assert_eq!(voided(&rig, decided).await, withdrawn(release::<2>(NEW)));
    gone.stop().await;

    rig.clock.advance_ms(i64::try_from(Registration::GONE_AFTER_MS).unwrap());
    let later = Envelope { rules: Rules::new(2), ..rig.envelope(Till(6), Command::Fund { amount: 3 }) };
    let later = rig.append_envelope(&later).await;
    let old = rig.start_release::<1>(OLD);
    rig.is_halted_at(later).await;
    assert_eq!(voided(&rig, later).await, in_force());
    rig.caught_up(GROUP).await;
    old.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_before_a_decider_has_registered() {
    let (rig, contested) = rollout().await;
    let refused = voided_by(&rig, &rig.stores.releases, contested).await;
    assert!(matches!(refused, Err(VoidError::NoRelease)), "{refused:?}");
    assert_eq!(rig.stores.voids.all().await, Ok(vec![]));
    // With all deciders stopped it is void at once, whatever releases there are.
    register::<2>(&rig, NEW, contested).await;
    let record = rig.records().remove(1);
    let (voids, releases) = (&rig.stores.voids, &rig.stores.releases);
    let done = set_aside(voids, releases, request(contested), &record, Deciders::Stopped).await;
    assert_eq!(done.expect("in memory"), in_force());
    let old = rig.start_release::<1>(OLD);
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(TILL).await, Some(110));
    old.stop().await;
}
