//! Of several processes one judges.

use std::sync::Arc;

use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_pulse::judge::JudgeLease;

use crate::rig::time;

/// AC-90: one of two has the lease; the other one takes it when the first has stopped, or has said nothing for a while.
#[tokio::test]
async fn ac_90_one_of_two_has_the_lease() {
    let clock = Arc::new(TestClock::at(time("12:00")));
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    let lease = |holder: &str| JudgeLease::new(documents.clone(), clock.clone(), "judge", holder.to_owned());
    let (mut one, mut other) = (lease("one"), lease("other"));
    assert!(one.hold().await.unwrap());
    assert!(!other.hold().await.unwrap());
    for _ in 0..10 {
        clock.advance_ms(6_000);
        assert!(one.hold().await.unwrap(), "it is renewed");
        assert!(!other.hold().await.unwrap());
    }
    one.release().await.unwrap();
    assert!(!one.is_held());
    assert!(other.hold().await.unwrap(), "it was given back");
    assert!(!one.hold().await.unwrap());
    clock.advance_ms(JudgeLease::HOLDS_MS);
    assert!(!other.is_held());
    assert!(one.hold().await.unwrap(), "the other one is silent");
    assert!(!other.hold().await.unwrap());
}
