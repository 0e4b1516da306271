//! Shedding, fed by the lag.

use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::{Class, Refusal, ShedCause};
use tidegate_ports::{Account, Accounts, PartitionLag};
use tokio::sync::oneshot;

use crate::waiting::wait_until;
use crate::world::{NOW, World, partition_lag};

/// Watches the lag in the background until the sender is used or dropped.
pub fn watching(world: &World) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let watch = Arc::clone(&world.admission).watch_lag(async {
        let _ = stopped.await;
    });
    (stop, tokio::spawn(watch))
}

#[tokio::test]
async fn a_growing_lag_sheds_bulk_first_and_says_what_and_why() {
    let world = World::new();
    for class in Class::ALL {
        assert_eq!(world.admission.shed(class), Ok(()), "nothing is known yet");
    }
    world.backend.with(|state| state.lags = Some(vec![partition_lag(0, 0, 4_000_000)]));
    let (stop, watch) = watching(&world);
    let shed = |class| world.admission.shed(class).is_err();
    wait_until("events are shed", || shed(Class::Events)).await;
    assert!((0..1_000).all(|_| shed(Class::Events)));
    let starts = (0..1_000).filter(|_| shed(Class::Start)).count();
    assert!((323..=343).contains(&starts), "a third of the second quarter: {starts}");
    assert!(!(0..1_000).any(|_| shed(Class::Finish) || shed(Class::Heartbeat)));
    let Err(Refusal::Shed { class, cause, retry_after_s }) = world.admission.shed(Class::Events) else {
        panic!("it is shed")
    };
    assert_eq!((class, cause), (Class::Events, ShedCause::Records));
    assert!((60..=91).contains(&retry_after_s), "it does not sink: {retry_after_s}");
    stop.send(()).unwrap();
    watch.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lag_that_cannot_be_read_holds_and_then_sheds_half_of_the_events_until_it_can() {
    let world = World::new();
    world.backend.with(|state| state.lag_down = true);
    let (_stop, _watch) = watching(&world);
    settle().await;
    let refused = |class| (0..1_000).filter(|_| world.admission.shed(class).is_err()).count();
    tokio::time::advance(Duration::from_secs(59)).await;
    settle().await;
    assert_eq!(Class::ALL.map(refused), [0; 4], "nothing was shed, and that holds");
    tokio::time::advance(Duration::from_secs(4)).await;
    settle().await;
    let events = refused(Class::Events);
    assert!((490..=510).contains(&events), "{events}");
    assert_eq!([Class::Heartbeat, Class::Finish, Class::Start].map(refused), [0; 3]);
    let unknown = (0..10).find_map(|_| world.admission.shed(Class::Events).err());
    assert!(
        matches!(unknown, Some(Refusal::Shed { cause: ShedCause::Unknown, class: Class::Events, .. })),
        "{unknown:?}"
    );
    world.backend.with(|state| state.lag_down = false);
    tokio::time::advance(Duration::from_secs(2)).await;
    settle().await;
    assert_eq!(Class::ALL.map(refused), [0; 4], "it is read again, and no consumer is behind");
}

#[tokio::test(start_paused = true)]
async fn no_difference_of_clocks_shuts_the_door() {
    // By the log's clock; the front door's is right, two minutes and a half off, or set while it runs.
    for log_ahead_ms in [0, -150_000, 150_000, -3_600_000, 3_600_000] {
        let world = World::new();
        let reading = |second: i64| {
            let oldest = NOW.plus_millis(second * 1_000 + log_ahead_ms - 50);
            let log = (Some(oldest), Some(oldest.plus_millis(40)));
            let committed = 10 * second;
            PartitionLag { oldest_appended_at: log.0, log_time: log.1, ..partition_lag(0, committed, committed + 10) }
        };
        world.backend.with(|state| state.lags = Some(vec![reading(0)]));
        let (_stop, _watch) = watching(&world);
        settle().await;
        for second in 1..=240 {
            world.clock.advance_ms(match second {
                1 => 3_601_000,
                121 => -7_199_000,
                _ => 1_000,
            });
            world.backend.with(|state| state.lags = Some(vec![reading(second)]));
            tokio::time::advance(Duration::from_secs(1)).await;
            settle().await;
            for class in Class::ALL {
                assert_eq!(world.admission.shed(class), Ok(()), "{log_ahead_ms} ms apart, second {second}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_really_waits_is_shed_whatever_the_logs_clock_says() {
    for log_ahead_ms in [-3_600_000, 3_600_000] {
        let world = World::new();
        let log = Some(NOW.plus_millis(log_ahead_ms));
        let waits = PartitionLag { oldest_appended_at: log, log_time: log, ..partition_lag(0, 5, 10) };
        world.backend.with(|state| state.lags = Some(vec![waits]));
        let (_stop, _watch) = watching(&world);
        settle().await;
        let sheds = || (0..1_000).any(|_| world.admission.shed(Class::Events).is_err());
        for second in 1..=90 {
            tokio::time::advance(Duration::from_secs(1)).await;
            settle().await;
            assert!(second != 59 || !sheds(), "{log_ahead_ms} ms apart");
        }
        assert!(sheds(), "{log_ahead_ms} ms apart");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_accounted_for_does_not_wait_when_the_group_is_gone() {
    let world = World::new();
    let mut account = Account::opened(1, 0, 0);
    account.next_offset = 4_000_000;
    world.backend.accounts.settle(account).await.unwrap();
    let hours_ago = Some(NOW.plus_millis(-7_200_000));
    let gone = PartitionLag { oldest_appended_at: hours_ago, log_time: Some(NOW), ..partition_lag(0, 0, 4_000_010) };
    world.backend.with(|state| state.lags = Some(vec![gone]));
    let (_stop, _watch) = watching(&world);
    settle().await;
    for second in 1..=50 {
        tokio::time::advance(Duration::from_secs(1)).await;
        settle().await;
        for class in Class::ALL {
            assert_eq!(world.admission.shed(class), Ok(()), "second {second}");
        }
    }
}

/// Lets the watch do what the time that passed has let it begin.
pub async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_watch_stops_when_told_and_lets_go() {
    let world = World::new();
    Arc::clone(&world.admission).watch_lag(std::future::ready(())).await;
    assert_eq!(Arc::strong_count(&world.admission), 1);
}
