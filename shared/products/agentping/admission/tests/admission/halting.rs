//! Halted partitions: requests for them are refused, and no others.

use std::time::Duration;

use tidegate_admission::{Class, Refusal, ShedCause};
use tidegate_agentping::{RunId, RunKey};
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Accounts, Halt};

use crate::shedding::{settle, watching};
use crate::world::{NOW, TEAM, World, partition_lag, start};

/// The partition of a world with two of them.
fn partition_of(run: RunId) -> Partition {
    RunKey { team: TEAM, run }.log_key().partition(2)
}

/// A run of this partition.
fn run_of(world: &World, partition: Partition) -> RunId {
    let mut runs = std::iter::repeat_with(|| world.run());
    runs.find(|run| partition_of(*run) == partition).unwrap()
}

async fn after_s(seconds: u64) {
    for _ in 0..seconds {
        tokio::time::advance(Duration::from_secs(1)).await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_halted_partition_refuses_its_own_runs_once_they_wait_too_long_and_no_others() {
    let world = World::new();
    world.backend.with(|state| {
        state.partitions = 2;
        state.lags = Some(vec![partition_lag(0, 100, 101), partition_lag(1, 0, 200)]);
    });
    world.backend.accounts.halt(Halt { generation: 1, partition: 1, offset: 0 }).await.unwrap();
    let (_stop, _watch) = watching(&world);
    settle().await;
    world.backend.with(|state| state.lags = Some(vec![partition_lag(0, 100, 100), partition_lag(1, 0, 200)]));
    after_s(30).await;
    let (there, elsewhere) = (run_of(&world, 1), run_of(&world, 0));
    assert!(!world.admission.stands_still(TEAM, there), "half a minute is no reason to refuse");
    assert!(world.send(there, start("a", NOW)).await.unwrap().fresh);
    after_s(600).await;
    assert!(world.admission.stands_still(TEAM, there) && !world.admission.stands_still(TEAM, elsewhere));
    let logged = world.logged();
    let refused = world.send(there, start("a", NOW)).await.unwrap_err();
    let Refusal::Shed { class, cause, retry_after_s } = refused else { panic!("{refused:?}") };
    assert_eq!((class, cause), (Class::Start, ShedCause::PartitionHalted));
    assert!((60..=91).contains(&retry_after_s), "{retry_after_s}");
    assert_eq!(world.logged(), logged, "nothing is left behind");
    assert!(world.send(elsewhere, start("a", NOW)).await.unwrap().fresh);
    for class in Class::ALL {
        assert_eq!(world.admission.shed(class), Ok(()), "it is no reason to refuse other requests");
    }
    // Another release goes on behind the offset at which it was halted.
    let mut account = Account::opened(1, 1, 0);
    account.next_offset = 1;
    world.backend.accounts.settle(account).await.unwrap();
    world.backend.with(|state| state.lags = Some(vec![partition_lag(0, 100, 100), partition_lag(1, 200, 200)]));
    after_s(6).await;
    assert!(!world.admission.stands_still(TEAM, there));
    assert!(world.send(run_of(&world, 1), start("a", NOW)).await.unwrap().fresh);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_safe_at_a_place_that_is_accounted_for() {
    let world = World::new();
    let mut account = Account::opened(1, 0, 0);
    account.next_offset = 100;
    world.backend.accounts.settle(account).await.unwrap();
    world.backend.with(|state| state.lags = Some(vec![partition_lag(0, 100, 100)]));
    let (_stop, _watch) = watching(&world);
    settle().await;
    // The topic was created again, and is empty, before any reader has noticed.
    let run = world.run();
    let refused = world.send(run, start("a", NOW)).await;
    assert!(matches!(refused, Err(Refusal::OutcomeUnknown { .. })), "{refused:?}");
    let halted = |refused| matches!(refused, Err(Refusal::Shed { cause: ShedCause::PartitionHalted, .. }));
    assert!(halted(world.send(run, start("a", NOW)).await), "from then on nothing is sent there");
    assert_eq!(world.logged(), 1);
    world.backend.with(|state| state.lags = Some(vec![partition_lag(0, 0, 1)]));
    after_s(5).await;
    assert!(halted(world.send(world.run(), start("a", NOW)).await));
    assert_eq!(world.admission.shed(Class::Events), Ok(()));
}
