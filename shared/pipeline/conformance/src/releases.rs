//! The suite of the releases port.

use tidegate_kernel::command::{Registration, Release, Rules};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::Releases;

/// Runs every case on empty storage.
pub async fn suite(releases: &dyn Releases) {
    assert_eq!(releases.registered().await, Ok(vec![]));
    assert_eq!(releases.inabilities().await, Ok(vec![]));
    let release = |name: &str, format, rules| Release { name: name.into(), format, rules: Rules::new(rules) };
    let seen = |release: &Release, minute: i64| Registration {
        release: release.clone(),
        seen_at: Timestamp::from_millis(1_790_000_000_000 + minute * 60_000),
    };
    // One name with other rules is another release.
    let in_order =
        [release("0.1.0", 1, 1), release("0.1.0", 1, 2), release("0.1.0", 2, 1), release("0.2.0-é", 1, u16::MAX)];
    for index in [2, 0, 3, 1] {
        releases.register(seen(&in_order[index], 5)).await.expect("registered");
    }
    // The last instant stays, in whichever order they come.
    releases.register(seen(&in_order[0], 9)).await.expect("registered");
    releases.register(seen(&in_order[1], 1)).await.expect("registered");
    let minutes = [9, 5, 5, 5];
    let expected: Vec<_> = in_order.iter().zip(minutes).map(|(release, minute)| seen(release, minute)).collect();
    assert_eq!(releases.registered().await, Ok(expected));

    let at = |partition, offset| Position { generation: 1, partition, offset };
    let stated = [
        (at(0, 100), in_order[0].clone()),
        (at(2, 9), in_order[0].clone()),
        (at(2, 9), in_order[3].clone()),
        (at(2, 10), in_order[1].clone()),
    ];
    for index in [3, 0, 2, 1, 2] {
        let (position, release) = stated[index].clone();
        releases.cannot_decide(release, position).await.expect("stated");
    }
    assert_eq!(releases.inabilities().await, Ok(stated.to_vec()));
}
