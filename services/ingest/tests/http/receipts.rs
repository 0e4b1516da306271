//! A receipt names the record that the request made.

use tidegate_agentping::{Receipt, TeamId};
use tidegate_inproc::log::MemoryLogOptions;
use tidegate_kernel::{Region, Timestamp};

use crate::house::*;

const RECEIPT: &str = "x-tidegate-receipt";

/// The place of every record on the log.
fn places(house: &House) -> Vec<(u32, i64)> {
    let partitions = 0..MemoryLogOptions::default().partitions;
    let records = partitions.flat_map(|partition| house.log.log.records(partition));
    records.map(|record| (record.position.partition, record.position.offset)).collect()
}

#[tokio::test]
async fn a_receipt_holds_place_team_and_time() {
    let house = House::new(Options::default()).await;
    let started = house.send(post("/v1/runs", &start_body())).await;
    let receipt: Receipt = started.header(RECEIPT).unwrap().parse().unwrap();
    assert_eq!((receipt.team, receipt.received_at), (TeamId::from_bits(Region::Eu, 1), Timestamp::parse(NOW).unwrap()));
    assert_eq!(places(&house), [(receipt.position.partition, receipt.position.offset)]);
    let ping = house.send(get(&format!("/v1/ping?key={TOKEN}&agent=daily"))).await;
    let pinged: Receipt = ping.header(RECEIPT).unwrap().parse().unwrap();
    assert!(pinged.position != receipt.position);
    assert!(places(&house).contains(&(pinged.position.partition, pinged.position.offset)));
}

/// The second start of a run with an idle rule is one more record, as a sign of life, and a repeat all the same.
#[tokio::test]
async fn a_sign_of_life_has_none() {
    let house = House::new(Options::default()).await;
    let body = start_body().replace('}', r#","idle_timeout_seconds":600}"#);
    assert!(house.send(post("/v1/runs", &body)).await.header(RECEIPT).is_some());
    let again = house.send(post("/v1/runs", &body)).await;
    assert_eq!((again.status.as_u16(), again.header(RECEIPT), house.records()), (200, None, 2));
}
