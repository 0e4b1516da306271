//! The suite of the voids port.

use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Void, Voids};

/// Runs every case on empty storage.
pub async fn suite(voids: &dyn Voids) {
    assert_eq!(voids.all().await, Ok(vec![]));
    let void = |generation, partition, offset| Void {
        position: Position { generation, partition, offset },
        reason: format!("it does not decode: {offset} é"),
        voided_at: Timestamp::from_millis(1_790_000_000_000 + offset),
    };
    let in_order = [void(1, 0, 100), void(1, 2, 9), void(1, 2, 10), void(1, 10, 0), void(2, 0, 0)];
    for index in [3, 1, 4, 0, 2] {
        voids.add(in_order[index].clone()).await.expect("added");
    }
    assert_eq!(voids.all().await, Ok(in_order.to_vec()));
    // The same record again: the first reason stays.
    let again = Void {
        reason: "another reason".to_owned(),
        voided_at: Timestamp::from_millis(1_790_000_900_000),
        ..in_order[1].clone()
    };
    voids.add(again).await.expect("added");
    voids.add(in_order[1].clone()).await.expect("added");
    assert_eq!(voids.all().await, Ok(in_order.to_vec()));
}
