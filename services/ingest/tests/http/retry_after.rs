//! How soon clients are to come back while something is down.

use std::collections::BTreeSet;

use http::StatusCode;
use tidegate_ports::AppendError;

use crate::house::*;

async fn refused_after(house: &House) -> u64 {
    let answer = house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn waits_grow_with_the_outage_differ_and_begin_anew_after_it() {
    let house = House::new(Options::default()).await;
    let down = || Some(AppendError::NotPersisted("down".into()));
    let mut waits = BTreeSet::new();
    for _ in 0..20 {
        house.log.log.fail_appends(down());
        waits.insert(refused_after(&house).await);
    }
    assert_eq!(waits, BTreeSet::from([1, 2]));
    for _ in 0..4 {
        house.clock.advance_ms(30_000);
        house.log.log.fail_appends(down());
        waits = BTreeSet::from([refused_after(&house).await]);
    }
    for _ in 0..20 {
        house.log.log.fail_appends(down());
        waits.insert(refused_after(&house).await);
    }
    assert!(waits.len() > 3 && waits.iter().all(|wait| (30..=45).contains(wait)), "{waits:?}");
    house.log.log.fail_appends(None);
    let taken = house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED);
    house.log.log.fail_appends(down());
    assert!(refused_after(&house).await <= 2);
}

#[tokio::test]
async fn being_too_busy_counts_as_an_outage_too() {
    let house = House::new(Options { max_in_flight: 0, ..Options::default() }).await;
    assert!(refused_after(&house).await <= 2);
    house.clock.advance_ms(50_000);
    assert!((12..=19).contains(&refused_after(&house).await));
    house.clock.advance_ms(60_001);
    assert!(refused_after(&house).await <= 2, "nothing was refused for a minute");
}
