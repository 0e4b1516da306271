//! From a submission to its outcome, with a decider in the same process.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tidegate_kernel::command::{CommandOutcome, Envelope};

use crate::rig::{Rig, answered, key, refused};
use crate::submitting::{Class, submitter};
use crate::till::{Command, Till};

const BOUND: Duration = Duration::from_secs(10);
const A: Till = Till(1);
const B: Till = Till(2);

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_with_its_outcome_and_what_it_made_can_be_read() {
    let rig = Rig::new(4);
    let running = rig.start();
    let submitter = submitter(&rig);
    let submit = async |till, command| {
        submitter.submit(rig.envelope(till, command), Class::Creates, BOUND).await.map(|fact| fact.outcome).ok()
    };
    assert_eq!(submit(A, Command::Fund { amount: 100 }).await, answered(100));
    assert_eq!(rig.balance(A).await, Some(100));
    assert_eq!(submit(A, Command::Buy { price: 101 }).await, refused());
    assert_eq!(submit(A, Command::Buy { price: 99 }).await, answered(1));
    assert_eq!(rig.balance(A).await, Some(1));
    // The other side, too.
    assert_eq!(submit(A, Command::Send { to: B, amount: 1 }).await, answered(0));
    assert_eq!(rig.balance(B).await, Some(1));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_hundred_at_once_against_a_balance_for_seven_give_exactly_seven() {
    let rig = Rig::new(4);
    rig.append(A, Command::Fund { amount: 7 * 5 + 4 }).await;
    let running = rig.start();
    let submitter = submitter(&rig);
    let buy = || submitter.submit(rig.envelope(A, Command::Buy { price: 5 }), Class::Creates, BOUND);
    let outcomes = join_all((0..200).map(|_| buy())).await;
    let count = |wanted: fn(&CommandOutcome<_>) -> bool| {
        outcomes.iter().filter(|one| one.as_ref().is_ok_and(|fact| wanted(&fact.outcome))).count()
    };
    assert_eq!(count(|outcome| matches!(outcome, CommandOutcome::Answered(_))), 7);
    assert_eq!(count(|outcome| matches!(outcome, CommandOutcome::Refused(_))), 193);
    assert_eq!(rig.balance(A).await, Some(4));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_key_from_fifty_clients_is_decided_once() {
    let rig = Rig::new(4);
    rig.append(A, Command::Fund { amount: 1_000 }).await;
    let running = rig.start();
    let submitter = Arc::new(submitter(&rig));
    let buy = |content| {
        let envelope = Envelope { key: Some(key(1, content)), ..rig.envelope(A, Command::Buy { price: 5 }) };
        submitter.submit(envelope, Class::Creates, BOUND)
    };
    let outcomes = join_all((0..50).map(|_| buy(1))).await;
    let balance = crate::till::Balance(995);
    let (answered, repeated) = (CommandOutcome::Answered(balance.clone()), CommandOutcome::Repeated(balance));
    let count = |wanted: &CommandOutcome<_>| outcomes.iter().flatten().filter(|fact| fact.outcome == *wanted).count();
    assert_eq!((count(&answered), count(&repeated)), (1, 49));
    assert_eq!(buy(2).await.map(|fact| fact.outcome), Ok(CommandOutcome::Mismatched));
    assert_eq!(rig.balance(A).await, Some(995));
    let find = async |content| {
        use tidegate_ports::Clock;
        submitter.find_key(A, key(1, content), rig.clock.now()).await.expect("in memory")
    };
    assert_eq!((find(1).await, find(2).await), (Some(repeated), Some(CommandOutcome::Mismatched)));
    rig.clock.advance_ms(25 * 3_600_000);
    assert_eq!(find(1).await, None);
    running.stop().await;
}
