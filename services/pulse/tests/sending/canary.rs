//! The canary's heartbeats, to a front door that is a receiver here.

use std::sync::Arc;

use tidegate_agentping::{Credential, Scope, Slug};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_ports::{Credentials, Registry};
use tidegate_agentping_pulse::canary_team;
use tidegate_inproc::clock::TestClock;
use tidegate_kernel::{Region, Timestamp};
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Clock, RandomIds};
use tidegate_pulse::canary::CanarySender;

use crate::receiver::{Received, Receiver, Reply};
use crate::rig::{NOW, eventually};

const TAKEN: Reply = Reply::Status(202, "", "{}");

fn sender(url: &str, registry: &MemoryRegistry, clock: &Arc<TestClock>) -> CanarySender {
    CanarySender::new(url, Region::Eu, Arc::new(registry.clone()), clock.clone(), Arc::new(RandomIds)).unwrap()
}

fn trying_since(beat: &Received) -> Timestamp {
    Timestamp::parse(beat.json()["started_at"].as_str().unwrap()).unwrap()
}

/// It goes to the address of heartbeats with a token that works, at once when the clock is moved, and says since when it has
/// been tried. At the end nothing of it is left that works.
#[tokio::test]
async fn heartbeats_go_the_way_of_clients() {
    let (registry, clock) = (MemoryRegistry::default(), Arc::new(TestClock::at(NOW)));
    let door = Receiver::start([TAKEN, Reply::Status(503, "", ""), Reply::Status(401, "", ""), TAKEN]).await;
    let url = format!("http://127.0.0.1:{}/", door.port);
    let (stopper, stop) = Stopper::new();
    let running = tokio::spawn(sender(&url, &registry, &clock).run(stop));
    for count in 1..=4 {
        eventually("one more", async || door.received().len() == count).await;
        if count < 4 {
            clock.advance_ms(3_600_000);
        }
    }
    let beats = door.received();
    let tokens: Vec<&str> = beats.iter().map(|beat| beat.header("authorization").split_at(7).1).collect();
    assert!(beats.iter().all(|beat| beat.path == "/v1/heartbeats" && beat.json()["status"] == "ok"), "{beats:?}");
    assert_eq!((tokens[0], tokens[1]), (tokens[2], tokens[2]));
    assert_ne!(tokens[2], tokens[3], "a token that is refused is not used again");
    let found = registry.find(&Credential::parse(tokens[3]).unwrap().hash()).await.unwrap().unwrap();
    let canary = Slug::parse("canary").unwrap();
    assert_eq!((found.team, found.scope), (canary_team(Region::Eu), Scope::Agent(canary)));
    // A clock that is moved is no time in which nothing got through.
    for (hour, beat) in (0..).zip(&beats) {
        let at = NOW.plus_millis(hour * 3_600_000);
        assert!(trying_since(beat) <= at && at.millis_since(trying_since(beat)) < 60_000, "{beat:?}");
    }
    stopper.stop();
    running.await.unwrap();
    let tokens = registry.list_tokens(canary_team(Region::Eu)).await.unwrap();
    let left = tokens.iter().filter(|token| token.revoked_at.is_none()).count();
    assert_eq!((tokens.len(), left), (2, 1), "the refused one was not this process's any more");
    // Another process, a day later, revokes what was left.
    clock.advance_ms(25 * 3_600_000);
    let (stopper, stop) = Stopper::new();
    let running = tokio::spawn(sender(&url, &registry, &clock).run(stop));
    eventually("one more", async || door.received().len() == 5).await;
    stopper.stop();
    running.await.unwrap();
    let tokens = registry.list_tokens(canary_team(Region::Eu)).await.unwrap();
    assert!(tokens.len() == 3 && tokens.iter().all(|token| token.revoked_at.is_some()), "{tokens:?}");
    assert!(clock.now() > NOW);
}

#[test]
fn an_address_that_cannot_be_sent_to_is_named() {
    let (registry, clock) = (MemoryRegistry::default(), Arc::new(TestClock::at(NOW)));
    for url in ["", "ftp://a", "http://:1", "http://u:p@a"] {
        let made = CanarySender::new(url, Region::Eu, Arc::new(registry.clone()), clock.clone(), Arc::new(RandomIds));
        assert_eq!(made.err().unwrap().url, url);
    }
}
