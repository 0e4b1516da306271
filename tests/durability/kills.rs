//! The load, the twenty kills, and the verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_tests::{Plan, Target, Team, eventually, ids};
use tokio::sync::watch;

use crate::BINARY;
use crate::book::{Book, Sent};
use crate::load::{Load, Phase};
use crate::verdict;

const KILLS: u64 = 20;
const CLIENTS: u64 = 8;
/// A round ends after so many acknowledged requests, at least and at most.
const ROUND: std::ops::Range<u64> = 20..150;
/// For one round to get its acknowledgements.
const ROUND_DEADLINE: Duration = Duration::from_secs(120);

/// A small generator whose seed is printed: the same seed gives the same rounds.
struct Random(u64);

impl Random {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn seed() -> u64 {
    let given = std::env::var_os("TIDEGATE_SEED")
        .map(|seed| seed.to_str().and_then(|seed| seed.parse().ok()).expect("TIDEGATE_SEED is a whole number"));
    given.unwrap_or_else(|| u64::from_be_bytes(ids::random_bytes()))
}

/// AP-67, at length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_invent_nothing() {
    let seed = seed();
    println!("seed: {seed} (TIDEGATE_SEED={seed} repeats the rounds)");
    let mut random = Random(seed);
    let target = Target::own(BINARY).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let load =
        Arc::new(Load { team, book: Book::default(), acknowledged: AtomicU64::new(0), under_way: AtomicU64::new(0) });
    let (tell, phase) = watch::channel(Phase::Send);
    let clients: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(load.clone().client(phase.clone(), number))).collect();
    for kill in 0..KILLS {
        let more = ROUND.start + random.next() % (ROUND.end - ROUND.start);
        let enough = load.acknowledged.load(Ordering::SeqCst) + more;
        eventually(ROUND_DEADLINE, "the round is acknowledged", async || {
            assert!(clients.iter().all(|client| !client.is_finished()), "a client met an answer it must not get");
            let so_far = load.acknowledged.load(Ordering::SeqCst);
            if so_far >= enough { Ok(()) } else { Err(format!("round {kill}: {so_far} of {enough}")) }
        })
        .await;
        // While requests are under way: that is the moment of interest.
        target.kill().await;
        tell.send_replace(Phase::Hold);
        target.start().await;
        tell.send_replace(Phase::Send);
    }
    tell.send_replace(Phase::Stop);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(load.under_way.load(Ordering::SeqCst), 0);
    // Runs whose start got no answer are sent again, as any client would, so that what waits for a start shows.
    for (sent, acknowledged) in load.book.all() {
        if let (Sent::Event { run, .. } | Sent::Finish { run }, true) = (sent, acknowledged) {
            let known = load.book.all().get(&Sent::Start { run: run.clone() }) == Some(&true);
            if !known {
                assert!(load.start(&run).await, "the start of {run} got no answer");
            }
        }
    }
    let counted = verdict::check(&load.team, &load.book.all()).await;
    println!("{counted}");
}
