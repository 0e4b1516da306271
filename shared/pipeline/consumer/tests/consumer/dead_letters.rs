//! Poison goes to the dead letters, and its partition continues.

use tidegate_ports::Accounts;

use crate::sums::{Rig, Sums};

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_is_dead_lettered() {
    let rig = Rig::new(Sums::default());
    rig.append("a=1").await;
    let poison = rig.append("a=one").await;
    rig.append("a=2").await;
    let running = rig.start_dead_lettering();
    rig.caught_up().await;
    assert_eq!(rig.sums.sum('a'), Some(3));
    let kept: Vec<_> = rig.listed_dead_letters().await.iter().map(|one| (one.position, one.payload.clone())).collect();
    assert_eq!(kept, [(poison, "a=one".into())]);
    let account = rig.accounts.account(1, 0).await.expect("in memory").expect("settled");
    assert_eq!((account.stored, account.dead, account.missing()), (2, 1, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn so_is_what_the_store_refuses() {
    let rig = Rig::new(Sums::refusing('b'));
    for record in ["a=1", "b=1", "a=2"] {
        rig.append(record).await;
    }
    let running = rig.start_dead_lettering();
    rig.caught_up().await;
    assert_eq!((rig.sums.sum('a'), rig.sums.sum('b')), (Some(3), None));
    let dead_letters = rig.listed_dead_letters().await;
    assert!(matches!(&dead_letters[..], [one] if one.payload == "b=1"), "{dead_letters:?}");
    running.stop().await;
}
