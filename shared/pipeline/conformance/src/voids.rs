//! The suite of the voids port.

use tidegate_kernel::command::VoidState;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Void, VoidRequest, Voids};

/// Runs every case on empty storage.
pub async fn suite(voids: &dyn Voids) {
    use VoidState::{Asked, InForce, Withdrawn};

    assert_eq!(voids.all().await, Ok(vec![]));
    let request = |generation, partition, offset| VoidRequest {
        position: Position { generation, partition, offset },
        reason: format!("it does not decode: {offset} é"),
        asked_at: Timestamp::from_millis(1_790_000_000_000 + offset),
    };
    let in_order = [request(1, 0, 100), request(1, 2, 9), request(1, 2, 10), request(1, 10, 0), request(2, 0, 0)];
    for index in [3, 1, 4, 0, 2] {
        assert_eq!(voids.ask(in_order[index].clone()).await, Ok(1));
    }
    let are = async |states: [VoidState; 5]| {
        let expected = in_order.iter().zip(states).map(|(request, state)| Void { request: request.clone(), state });
        assert_eq!(voids.all().await, Ok(expected.collect::<Vec<_>>()));
    };
    are([Asked; 5]).await;
    // Asked for again: the first reason stays.
    let again = VoidRequest {
        reason: "another reason".to_owned(),
        asked_at: Timestamp::from_millis(1_790_000_900_000),
        ..in_order[1].clone()
    };
    assert_eq!(voids.ask(again.clone()).await, Ok(1));
    are([Asked; 5]).await;
    for (index, state) in [(1, InForce), (2, Withdrawn)] {
        voids.settle(in_order[index].position, 1, state).await.expect("settled");
    }
    are([Asked, InForce, Withdrawn, Asked, Asked]).await;
    // What is settled is not settled otherwise, and what is in force stays so for good.
    for (index, state) in [(1, Withdrawn), (2, InForce)] {
        voids.settle(in_order[index].position, 1, state).await.expect("settled");
    }
    assert_eq!(voids.ask(again).await, Ok(1));
    are([Asked, InForce, Withdrawn, Asked, Asked]).await;
    // What is withdrawn can be asked for again. An operator who asked before the withdrawal settles nothing after it.
    for _ in 0..2 {
        assert_eq!(voids.ask(in_order[2].clone()).await, Ok(2));
        are([Asked, InForce, Asked, Asked, Asked]).await;
        for state in [InForce, Withdrawn] {
            voids.settle(in_order[2].position, 1, state).await.expect("nothing to settle");
            are([Asked, InForce, Asked, Asked, Asked]).await;
        }
    }
    voids.settle(in_order[2].position, 2, Withdrawn).await.expect("settled");
    are([Asked, InForce, Withdrawn, Asked, Asked]).await;
    assert_eq!(voids.ask(in_order[2].clone()).await, Ok(3));
    voids.settle(in_order[2].position, 3, InForce).await.expect("settled");
    // Nothing is settled that was not asked for.
    voids.settle(Position { generation: 1, partition: 7, offset: 7 }, 1, InForce).await.expect("nothing to settle");
    are([Asked, InForce, InForce, Asked, Asked]).await;
}
