//! Records that cannot be applied.

use bytes::Bytes;
use tidegate_ports::{Append, DeadLetters};

use crate::rig::{Rig, key, records_of};

/// A poison record never blocks its partition: it is kept with its provenance and its bytes, and the rest continues.
#[tokio::test]
async fn poison_goes_to_the_dead_letters() {
    let rig = Rig::new();
    let mut records = records_of(1, 2).into_iter();
    rig.append(&records.next().expect("a start")).await;
    let newer = Bytes::from_static(b"{\"v\":99,\"body\":{}}");
    let garbage = Bytes::from_static(b"\xff\x00");
    let mut poisoned = Vec::new();
    for payload in [newer, garbage, Bytes::new()] {
        poisoned.push((rig.log.append(key(1).log_key(), payload.clone()).await.expect("appended"), payload));
    }
    for record in records {
        rig.append(&record).await;
    }
    let running = rig.start();
    rig.caught_up().await;
    rig.assert_store_is_the_fold([key(1)]).await;
    let letters = rig.dead_letters.list(None, 10).await.expect("letters");
    let kept: Vec<_> = letters.iter().map(|letter| (letter.position, letter.payload.clone())).collect();
    assert_eq!(kept, poisoned);
    assert!(letters[0].reason.contains("version 99"), "{}", letters[0].reason);
    running.stop().await;
}
