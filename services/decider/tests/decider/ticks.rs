//! What is due happens though no command comes.

use tidegate_kernel::command::Envelope;

use crate::rig::{GROUP, Rig, eventually};
use crate::till::{Command, Till, Tills};

const TILL: Till = Till(5);

fn ticks(rig: &Rig) -> usize {
    let is_tick =
        |payload: &[u8]| Envelope::<Tills>::decode(payload).is_ok_and(|one| matches!(one.command, Command::Tick));
    rig.records().iter().filter(|record| is_tick(&record.payload)).count()
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_released_by_a_tick() {
    let rig = Rig::new(2);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    assert_eq!((rig.balance(TILL).await, ticks(&rig)), (Some(6), 0));
    rig.clock.advance_ms(60_000);
    eventually("it is released", async || rig.balance(TILL).await == Some(10)).await;
    rig.caught_up(GROUP).await;
    assert_eq!(ticks(&rig), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_next_owner_of_the_partition_appends_it() {
    let rig = Rig::new(2);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    running.stop().await;
    rig.clock.advance_ms(60_000);
    let running = rig.start();
    eventually("it is released", async || rig.balance(TILL).await == Some(10)).await;
    running.stop().await;
}

/// While no decider runs, at most one tick is in flight, and further ones are appended with growing pauses.
#[tokio::test(start_paused = true)]
async fn a_partition_that_stands_still_gets_few_ticks() {
    let rig = Rig::new(1);
    rig.append(TILL, Command::Fund { amount: 10 }).await;
    rig.append(TILL, Command::Hold { amount: 4, for_ms: 60_000 }).await;
    let running = rig.start();
    rig.caught_up(GROUP).await;
    let panics = rig.append(Till(6), Command::Panic).await;
    rig.is_halted_at(panics).await;
    rig.clock.advance_ms(60_000);
    eventually("a tick", async || ticks(&rig) == 1).await;
    for expected in [2, 3, 4] {
        rig.clock.advance_ms(4_000);
        eventually("another tick", async || ticks(&rig) == expected).await;
    }
    rig.void(panics).await;
    rig.caught_up(GROUP).await;
    assert_eq!((rig.balance(TILL).await, ticks(&rig)), (Some(10), 4));
    running.stop().await;
}
