//! The gate after Redis has lost its data: it detects the loss and asks for a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tidegate_agentping::{EventId, Slug, TeamId};
use tidegate_agentping_ports::{Ask, Claim, ClaimKey, ClaimOutcome, Gate, Seed, StoreRead, Usage, Verdict};
use tidegate_kernel::{Region, Timestamp};
use tidegate_redis::RedisGate;
use tokio::task::JoinSet;

use crate::asking::{admitted, ask, ask_seeding, claim, gate, new_team, now, old_team, outcome, run_born};
use crate::server::{OwnRedis, clear_away, options, shared_url, wait_until};

const AHEAD_MS: i64 = 180_000;

/// Asks for a claim on an id born just now, as if it were `at`.
async fn claim_at(gate: &RedisGate, team: TeamId, at: Timestamp) -> ClaimOutcome {
    let asked = Ask { now: at, ..ask(team, vec![claim(run_born(at), 1)]) };
    outcome(gate.admit(asked).await.unwrap())
}

#[tokio::test]
async fn after_a_restart_ids_from_before_are_left_to_the_store() {
    let mut redis = OwnRedis::start(&[]).await;
    let gate = gate(&options(redis.url()));
    let team = old_team();
    gate.seed(team, Seed::default()).await.unwrap();
    // One time, and so one month, for all that is asked.
    let at = now();
    let run = run_born(at);
    let start = || Ask { now: at, steady: at, ..ask(team, vec![claim(run, 1)]) };
    let (_, ticket) = admitted(gate.admit(start()).await.unwrap());
    gate.confirm(ticket).await;
    assert!(matches!(outcome(gate.admit(start()).await.unwrap()), ClaimOutcome::Repeat { .. }));

    redis.kill();
    wait_until("the gate is down", async || gate.admit(start()).await.is_err()).await;
    redis.launch().await;
    wait_until("the gate is up again", async || gate.admit(start()).await.is_ok()).await;

    assert!(matches!(gate.admit(start()).await, Ok(Verdict::NeedsSeed)), "it does not know the team's counts");
    let month = tidegate_kernel::Month::of(at);
    assert_eq!(gate.usage(team, month).await, Ok(None));
    let seed = Seed { usage: Some(Usage { month, events: 41 }), agents: vec![Slug::parse("a").unwrap()] };
    gate.seed(team, seed).await.unwrap();
    assert_eq!(outcome(gate.admit(start()).await.unwrap()), ClaimOutcome::New { store: StoreRead::Wanted });
    assert_eq!(gate.usage(team, month).await, Ok(Some(42)));
    assert_eq!(
        claim_at(&gate, team, now()).await,
        ClaimOutcome::New { store: StoreRead::Wanted },
        "clocks may be ahead"
    );
    let later = now().plus_millis(AHEAD_MS);
    assert_eq!(
        claim_at(&gate, team, later).await,
        ClaimOutcome::New { store: StoreRead::NotNeeded },
        "it remembers again"
    );
}

#[tokio::test]
async fn the_mark_stays_where_the_first_seed_set_it() {
    let url = shared_url().await;
    let options = options(&url);
    let gate = gate(&options);
    let team = new_team();
    gate.seed(team, Seed::default()).await.unwrap();
    let agents = vec![Slug::parse("a").unwrap()];
    gate.seed(team, Seed { agents, ..Seed::default() }).await.unwrap();
    assert_eq!(claim_at(&gate, team, now()).await, ClaimOutcome::New { store: StoreRead::NotNeeded });
    clear_away(&url, &options).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_in_the_middle_of_traffic_it_asks_for_a_seed_and_is_right_again() {
    let redis = OwnRedis::start(&[]).await;
    let gate = Arc::new(gate(&options(redis.url())));
    let team = old_team();
    let (goes_on, served) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let mut traffic = JoinSet::new();
    for _ in 0..20 {
        let (gate, goes_on, served) = (Arc::clone(&gate), Arc::clone(&goes_on), Arc::clone(&served));
        traffic.spawn(async move {
            while goes_on.load(Ordering::Relaxed) {
                let asked = ask(team, vec![claim(run_born(now()), 1)]);
                match ask_seeding(&gate, asked).await.unwrap() {
                    Verdict::Admitted { ticket, .. } => gate.confirm(ticket).await,
                    // Flushed between the seed and the question.
                    Verdict::NeedsSeed => {}
                    other => panic!("a fresh id is new: {other:?}"),
                }
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for _ in 0..3 {
        let before = served.load(Ordering::Relaxed);
        wait_until("traffic", async || served.load(Ordering::Relaxed) > before + 200).await;
        redis.tell(&["FLUSHALL"]).await;
    }
    let run = run_born(now());
    let start = |content| ask(team, vec![claim(run, content)]);
    wait_until("the team is known again", async || {
        matches!(ask_seeding(&gate, ask(team, vec![])).await, Ok(Verdict::Admitted { .. }))
    })
    .await;
    let (outcomes, ticket) = admitted(gate.admit(start(1)).await.unwrap());
    assert_eq!(outcomes, vec![ClaimOutcome::New { store: StoreRead::Wanted }]);
    gate.confirm(ticket).await;
    assert!(matches!(outcome(gate.admit(start(1)).await.unwrap()), ClaimOutcome::Repeat { .. }));
    assert!(matches!(outcome(gate.admit(start(2)).await.unwrap()), ClaimOutcome::Conflict { .. }));
    goes_on.store(false, Ordering::Relaxed);
    traffic.join_all().await;
}

#[tokio::test]
async fn every_key_ends_by_itself() {
    let redis = OwnRedis::start(&[]).await;
    let options = options(redis.url());
    let gate = gate(&options);
    let team = new_team();
    gate.seed(team, Seed { agents: vec![Slug::parse("a").unwrap()], ..Seed::default() }).await.unwrap();
    let at = now();
    let far_ms = 50 * 365 * 86_400_000;
    let runs = [-far_ms, -1, 0, 1, 3_600_000, far_ms].map(|after_ms| run_born(at.plus_millis(after_ms)));
    let claims = runs.iter().map(|run| claim(*run, 1)).collect();
    let (_, _ticket) = admitted(gate.admit(Ask { now: at, ..ask(team, claims) }).await.unwrap());
    let keys: Vec<String> = redis::from_redis_value(redis.tell(&["KEYS", "*"]).await).unwrap();
    // The team's state, the probe, and a bucket for each moment of birth (some share one).
    assert!((6..=8).contains(&keys.len()), "{keys:?}");
    let window_ms = i64::try_from(options.window.as_millis()).unwrap();
    for key in keys {
        let left_ms: i64 = redis::from_redis_value(redis.tell(&["PTTL", &key]).await).unwrap();
        let most_ms = if key.ends_with(":t") { 33 * 86_400_000 } else { 8 * window_ms + 3_600_000 };
        assert!((1..=most_ms).contains(&left_ms), "{key} ends in {left_ms} ms");
        let is_claim = key.starts_with(&format!("{}:{{", options.key_prefix)) && !key.ends_with(":t");
        assert!(!is_claim || left_ms >= window_ms, "{key} ends in {left_ms} ms");
    }
}

#[tokio::test]
async fn a_full_bucket_leaves_what_it_cannot_hold_to_the_store() {
    const FULL: u64 = 65_536;
    let redis = OwnRedis::start(&[]).await;
    let gate = gate(&options(redis.url()));
    let team = new_team();
    gate.seed(team, Seed::default()).await.unwrap();
    let at = now();
    let born = u128::from(at.as_millis().cast_unsigned()) << 80;
    let event = |tail: u64| Claim {
        key: ClaimKey::Event(EventId::from_bits(Region::Eu, born | u128::from(tail))),
        answer: bytes::Bytes::new(),
        ..claim(run_born(at), 1)
    };
    let asked = |tails: std::ops::Range<u64>| Ask { now: at, ..ask(team, tails.map(event).collect()) };
    for from in (0..FULL).step_by(512) {
        let (outcomes, _ticket) = admitted(gate.admit(asked(from..from + 512)).await.unwrap());
        assert!(outcomes.iter().all(|outcome| *outcome == ClaimOutcome::New { store: StoreRead::NotNeeded }), "{from}");
    }
    for _ in 0..2 {
        let beyond = outcome(gate.admit(asked(FULL..FULL + 1)).await.unwrap());
        assert_eq!(beyond, ClaimOutcome::New { store: StoreRead::Needed });
    }
    let within = outcome(gate.admit(asked(0..1)).await.unwrap());
    assert!(matches!(within, ClaimOutcome::Unconfirmed { .. }), "what it holds it knows: {within:?}");
}
