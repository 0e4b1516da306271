//! Shedding, fed by the lag.

use std::sync::Arc;

use tidegate_admission::{Class, Refusal};
use tidegate_ports::Lag;
use tokio::sync::oneshot;

use crate::world::{NOW, World, wait_until};

fn lag(records: u64) -> Lag {
    Lag { records, oldest_appended_at: Some(NOW), read_at: NOW }
}

#[tokio::test]
async fn a_growing_lag_sheds_bulk_and_an_unknown_one_nothing() {
    let world = World::new();
    for class in Class::ALL {
        assert_eq!(world.admission.shed(class), Ok(()), "nothing is known yet");
    }
    world.backend.with(|state| state.lag = Some(lag(4_000_000)));
    let (stop, stopped) = oneshot::channel::<()>();
    let watching = tokio::spawn(Arc::clone(&world.admission).watch_lag(async {
        let _ = stopped.await;
    }));
    let shed = |class| world.admission.shed(class).is_err();
    wait_until("events are shed", || shed(Class::Events)).await;
    assert!((0..1_000).all(|_| shed(Class::Events)));
    let starts = (0..1_000).filter(|_| shed(Class::Start)).count();
    assert!((300..=360).contains(&starts), "a third of the second quarter: {starts}");
    assert!(!(0..1_000).any(|_| shed(Class::Finish) || shed(Class::Heartbeat)));
    let Err(Refusal::Shed { retry_after_s }) = world.admission.shed(Class::Events) else { panic!("it is shed") };
    assert!(retry_after_s >= 1);
    world.clock.advance_ms(10_001);
    assert!(!shed(Class::Events), "a reading this old is unknown");
    stop.send(()).unwrap();
    watching.await.unwrap();
}

#[tokio::test]
async fn the_watch_stops_when_told_and_lets_go() {
    let world = World::new();
    Arc::clone(&world.admission).watch_lag(std::future::ready(())).await;
    assert_eq!(Arc::strong_count(&world.admission), 1);
}
