//! Front doors whose clocks differ: the gate goes by Redis' own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tidegate_agentping::{Limits, Slug};
use tidegate_agentping_ports::{Ask, ClaimOutcome, Gate, Seed, Settlement, StoreRead, Verdict};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, SystemClock};
use tidegate_redis::{GateTime, RedisGate, RedisOptions};

use crate::asking::{admitted, ask, claim, new_team, now, old_team, outcome, run_born};
use crate::server::{OwnRedis, clear_away, options, shared_url};

const FIVE_MINUTES_MS: i64 = 300_000;
/// What a slow machine may take between two lines of a test.
const SLOWNESS_MS: u64 = 60_000;

/// A machine's clock that is set wrong, and that a test moves.
#[derive(Default)]
struct Wrong {
    by_ms: i64,
    moved_ms: AtomicI64,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.by_ms + self.moved_ms())
    }

    fn moved_ms(&self) -> i64 {
        self.moved_ms.load(Ordering::Relaxed)
    }
}

/// A front door's gate and its clock.
struct Door {
    gate: RedisGate,
    clock: Arc<Wrong>,
}

impl Door {
    fn wrong_by(options: &RedisOptions, by_ms: i64) -> Self {
        let clock = Arc::new(Wrong { by_ms, ..Wrong::default() });
        let options = RedisOptions { time: GateTime::Server, ..options.clone() };
        Door { gate: RedisGate::connect(options, Arc::clone(&clock) as _).unwrap(), clock }
    }

    async fn admit(&self, asked: Ask) -> Verdict {
        self.gate.admit(Ask { now: self.clock.now(), steady: self.clock.now(), ..asked }).await.unwrap()
    }

    async fn is_admitted(&self, asked: Ask) -> bool {
        matches!(self.admit(asked).await, Verdict::Admitted { .. })
    }
}

#[tokio::test]
async fn the_rate_holds_whichever_front_door_is_asked() {
    const BURST: u64 = 20;
    let url = shared_url().await;
    let options = options(&url);
    let doors = [0, FIVE_MINUTES_MS, -FIVE_MINUTES_MS].map(|by_ms| Door::wrong_by(&options, by_ms));
    let team = new_team();
    doors[0].gate.seed(team, Seed::default()).await.unwrap();
    let limits = Limits { sustained_per_s: Some(1), burst: Some(BURST as u32), ..Limits::default() };
    let (began, mut taken) = (Instant::now(), 0);
    for number in 0..150 {
        let asked = Ask { limits, ..ask(team, vec![]) };
        taken += u64::from(doors[number % doors.len()].is_admitted(asked).await);
    }
    let allowed = BURST + began.elapsed().as_secs() + 1;
    assert!((BURST..=allowed).contains(&taken), "{taken} of at most {allowed}");
    clear_away(&url, &options).await;
}

#[tokio::test]
async fn a_claim_is_as_old_as_it_is_whoever_made_it() {
    let url = shared_url().await;
    let options = options(&url);
    let doors = [-FIVE_MINUTES_MS, FIVE_MINUTES_MS].map(|by_ms| Door::wrong_by(&options, by_ms));
    let team = new_team();
    doors[0].gate.seed(team, Seed::default()).await.unwrap();
    let run = run_born(now());
    let (_, _held) = admitted(doors[0].admit(ask(team, vec![claim(run, 1)])).await);
    match outcome(doors[1].admit(ask(team, vec![claim(run, 2)])).await) {
        ClaimOutcome::Unconfirmed { age_ms, .. } => assert!(age_ms < SLOWNESS_MS, "{age_ms}"),
        other => panic!("{other:?}"),
    }
    clear_away(&url, &options).await;
}

#[tokio::test]
async fn the_mark_is_set_by_the_servers_clock() {
    let url = shared_url().await;
    let options = options(&url);
    for by_ms in [-FIVE_MINUTES_MS, FIVE_MINUTES_MS] {
        let door = Door::wrong_by(&options, by_ms);
        let team = old_team();
        door.gate.seed(team, Seed::default()).await.unwrap();
        let born = |after_ms: i64| claim(run_born(now().plus_millis(after_ms)), 1);
        let within = outcome(door.admit(ask(team, vec![born(0)])).await);
        assert_eq!(within, ClaimOutcome::New { store: StoreRead::Wanted }, "{by_ms}");
        door.clock.moved_ms.store(600_000, Ordering::Relaxed);
        let after = outcome(door.admit(ask(team, vec![born(600_000)])).await);
        assert_eq!(after, ClaimOutcome::New { store: StoreRead::NotNeeded }, "{by_ms}: a moved clock moves the gate's");
    }
    clear_away(&url, &options).await;
}

#[tokio::test]
async fn only_a_new_team_of_which_nothing_is_stored_has_nothing_forgotten() {
    let url = shared_url().await;
    let options = options(&url);
    let door = Door::wrong_by(&options, -FIVE_MINUTES_MS);
    let used = |events| Some(tidegate_agentping_ports::Usage { month: tidegate_kernel::Month::of(now()), events });
    let named = || vec![Slug::parse("a").unwrap()];
    for (team, seed, store) in [
        (new_team(), Seed::default(), StoreRead::NotNeeded),
        (new_team(), Seed { usage: used(0), agents: vec![] }, StoreRead::NotNeeded),
        (old_team(), Seed::default(), StoreRead::Wanted),
        (new_team(), Seed { usage: used(1), agents: vec![] }, StoreRead::Wanted),
        (new_team(), Seed { usage: None, agents: named() }, StoreRead::Wanted),
    ] {
        door.gate.seed(team, seed.clone()).await.unwrap();
        let found = outcome(door.admit(ask(team, vec![claim(run_born(now()), 1)])).await);
        assert_eq!(found, ClaimOutcome::New { store }, "{seed:?}");
    }
    clear_away(&url, &options).await;
}

/// An older release wrote names without their time: such a name is kept until it has been old for a while.
#[tokio::test]
async fn names_of_an_older_release_are_given_back_once_their_age_is_known() {
    let redis = OwnRedis::start(&[]).await;
    let options = options(redis.url());
    let door = Door::wrong_by(&options, 0);
    let team = new_team();
    door.gate.seed(team, Seed { agents: vec![Slug::parse("stored").unwrap()], ..Seed::default() }).await.unwrap();
    let keys: Vec<String> = redis::from_redis_value(redis.tell(&["KEYS", "*:t"]).await).unwrap();
    redis.tell(&["HSET", &keys[0], "alost", "1", "n", "2"]).await;
    let limits = Limits { agents: Some(2), ..Limits::default() };
    let named = |slug: &str| {
        let agent = tidegate_agentping_ports::gate::AgentAsk { slug: Slug::parse(slug).unwrap(), capped: true };
        Ask { limits, agent: Some(agent), unclaimed_units: 1, ..ask(team, vec![]) }
    };
    let settle = async |after: Duration| {
        let after_ms = i64::try_from(after.as_millis()).unwrap();
        let settlement = Settlement { up_to: now().plus_millis(after_ms), seed: Seed::default() };
        door.gate.settle(team, settlement).await.unwrap();
    };
    settle(Duration::ZERO).await;
    assert!(!door.is_admitted(named("another")).await, "it may be under way");
    settle(Duration::from_secs(3_600)).await;
    assert!(door.is_admitted(named("another")).await);
    assert!(door.is_admitted(named("stored")).await, "what is stored stays");
    assert!(!door.is_admitted(named("third")).await);
}
