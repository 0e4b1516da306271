//! The in-process gate is the model: whatever is asked, in whatever order, one by one or at once, the answers are the
//! same.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tidegate_agentping::{EventId, Limits, RunId, Slug, TeamId};
use tidegate_agentping_inproc::gate::{MemoryGate, MemoryGateConfig};
use tidegate_agentping_ports::gate::{AgentAsk, OnUnconfirmed};
use tidegate_agentping_ports::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, Seed, Settlement, Ticket, Usage, Verdict,
};
use tidegate_inproc::clock::TestClock;
use tidegate_kernel::{Month, Region, Timestamp};
use tidegate_ports::{Ids, RandomIds};
use tidegate_redis::{RedisGate, RedisOptions};

use crate::server::{clear_away, options, shared_url};

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Born so long after [`NOW`]; two of them share a bucket of the adapter, and the last ones are far ahead.
const BIRTHS_MS: [i64; 9] =
    [-25 * HOUR_MS, -HOUR_MS, 0, 1, 90_000, 3 * MINUTE_MS, HOUR_MS, 20 * HOUR_MS, 100 * HOUR_MS];
const SLUGS: [&str; 4] = ["a", "b", "an agent", "ä"];

#[derive(Clone, Debug)]
enum Step {
    /// Asked at the same time, in this order.
    Asks(Vec<Asked>),
    Confirm(usize),
    Release(usize),
    Seed {
        events: Option<u64>,
        slugs: Vec<usize>,
    },
    /// Up to so long ago.
    Settle {
        ago_ms: i64,
        events: Option<u64>,
        slugs: Vec<usize>,
    },
    /// The count of the month that many hours from now.
    Usage(i64),
    Pass(i64),
}

#[derive(Clone, Debug)]
struct Asked {
    charge_rate: bool,
    agent: Option<(usize, bool)>,
    claims: Vec<Claimed>,
    reads: Vec<(u8, usize)>,
    unclaimed_units: u32,
    limits: Limits,
}

#[derive(Clone, Debug)]
struct Claimed {
    kind: u8,
    id: usize,
    main: u64,
    detail: Option<u64>,
    answer: Vec<u8>,
    units: u32,
    mode: u8,
}

fn limits() -> impl Strategy<Value = Limits> {
    let maybe = |most: u32| prop::option::weighted(0.7, 1..most);
    (maybe(4), maybe(8), prop::option::weighted(0.3, 0u64..30), prop::option::weighted(0.5, 0u32..4)).prop_map(
        |(sustained_per_s, burst, events_per_month, agents)| Limits {
            sustained_per_s,
            burst,
            events_per_month,
            agents,
        },
    )
}

fn claimed() -> impl Strategy<Value = Claimed> {
    let contents =
        prop_oneof![8 => Just(1u64), 1 => Just(2), 1 => Just(u64::MAX), 1 => Just((1 << 53) + 1), 1 => Just(1 << 53)];
    let detail = prop::option::weighted(0.3, prop_oneof![Just(0u64), Just(u64::MAX)]);
    let answer = prop::collection::vec(any::<u8>(), 0..80);
    (0u8..4, 0..BIRTHS_MS.len(), contents, detail, answer, 0u32..3, 0u8..4).prop_map(
        |(kind, id, main, detail, answer, units, mode)| Claimed { kind, id, main, detail, answer, units, mode },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    let agent = prop::option::of((0..SLUGS.len(), any::<bool>()));
    let claims = prop::collection::vec(claimed(), 0..5);
    let reads = prop::collection::vec((0u8..4, 0..BIRTHS_MS.len()), 0..3);
    (prop::bool::weighted(0.8), agent, claims, reads, 0u32..4, limits()).prop_map(
        |(charge_rate, agent, claims, reads, unclaimed_units, limits)| Asked {
            charge_rate,
            agent,
            claims,
            reads,
            unclaimed_units,
            limits,
        },
    )
}

/// Time mostly advances; in small steps it also goes back, as it does between front doors.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = |passes: std::ops::Range<i64>| {
        prop_oneof![
            6 => prop::collection::vec(asked(), 1..4).prop_map(Step::Asks),
            3 => (0usize..64).prop_map(Step::Confirm),
            2 => (0usize..64).prop_map(Step::Release),
            1 => (prop::option::of(0u64..40), prop::collection::vec(0..SLUGS.len(), 0..3))
                .prop_map(|(events, slugs)| Step::Seed { events, slugs }),
            2 => (-2_000i64..200_000, prop::option::of(0u64..40), prop::collection::vec(0..SLUGS.len(), 0..3))
                .prop_map(|(ago_ms, events, slugs)| Step::Settle { ago_ms, events, slugs }),
            1 => (-800i64..800).prop_map(Step::Usage),
            2 => passes.prop_map(Step::Pass),
        ]
    };
    prop_oneof![
        prop::collection::vec(step(-70_000..70_000), 1..50),
        prop::collection::vec(step(0..20 * HOUR_MS), 1..50),
        prop::collection::vec(step(0..900 * HOUR_MS), 1..50),
    ]
}

/// Both gates, asked the same.
struct Pair {
    model: MemoryGate,
    redis: RedisGate,
    team: TeamId,
    ids: Vec<u128>,
    now: Timestamp,
    tickets: Vec<Ticket>,
    seen_renewed_at: Timestamp,
}

impl Pair {
    fn new(options: &RedisOptions, is_new: bool) -> Self {
        let team_born = if is_new { NOW } else { NOW.plus_millis(-HOUR_MS) };
        let remembers_since = (!is_new).then(|| NOW.plus_millis(2 * MINUTE_MS));
        let config = MemoryGateConfig { remembers_since, ..MemoryGateConfig::default() };
        Pair {
            model: MemoryGate::new(config),
            redis: RedisGate::connect(options.clone(), Arc::new(TestClock::at(NOW))).unwrap(),
            team: (&RandomIds as &dyn Ids).mint(Region::Eu, team_born),
            ids: BIRTHS_MS
                .iter()
                .map(|after_ms| RunId::mint(Region::Eu, NOW.plus_millis(*after_ms), &[7; 10]).bits())
                .collect(),
            now: NOW,
            tickets: Vec::new(),
            seen_renewed_at: NOW,
        }
    }

    fn key(&self, kind: u8, id: usize) -> ClaimKey {
        match kind {
            0 => ClaimKey::Start(RunId::from_bits(Region::Eu, self.ids[id])),
            1 => ClaimKey::Finish(RunId::from_bits(Region::Eu, self.ids[id])),
            2 => ClaimKey::Event(EventId::from_bits(Region::Eu, self.ids[id])),
            _ => ClaimKey::Start(RunId::from_bits(Region::Us, self.ids[id])),
        }
    }

    fn ask(&self, asked: Asked) -> Ask {
        let claim = |claimed: Claimed| Claim {
            key: self.key(claimed.kind, claimed.id),
            fingerprint: Fingerprint { main: claimed.main, detail: claimed.detail },
            answer: Bytes::from(claimed.answer),
            units: claimed.units,
            on_unconfirmed: match claimed.mode {
                0 => OnUnconfirmed::Join,
                1 => OnUnconfirmed::TakeOver { seen_renewed_at: self.seen_renewed_at },
                _ => OnUnconfirmed::Report,
            },
        };
        Ask {
            team: self.team,
            limits: asked.limits,
            now: self.now,
            steady: self.now,
            applied_to: None,
            charge_rate: asked.charge_rate,
            agent: asked.agent.map(|(slug, capped)| AgentAsk { slug: Slug::parse(SLUGS[slug]).unwrap(), capped }),
            claims: asked.claims.into_iter().map(claim).collect(),
            reads: asked.reads.into_iter().map(|(kind, id)| self.key(kind, id)).collect(),
            unclaimed_units: asked.unclaimed_units,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Asks(asked) => {
                let asks: Vec<Ask> = asked.into_iter().map(|asked| self.ask(asked)).collect();
                let answered = join_all(asks.iter().map(|ask| self.redis.admit(ask.clone()))).await;
                for (ask, answered) in asks.into_iter().zip(answered) {
                    let expected = self.model.admit(ask).await.unwrap();
                    self.compare(expected, answered.unwrap());
                }
            }
            Step::Confirm(at) => {
                let Some(ticket) = self.ticket(at) else { return };
                self.model.confirm(ticket.clone()).await;
                self.redis.confirm(ticket).await;
            }
            Step::Release(at) => {
                let Some(ticket) = self.ticket(at) else { return };
                self.model.release(ticket.clone()).await;
                self.redis.release(ticket).await;
            }
            Step::Seed { events, slugs } => self.seed(self.stored(events, slugs)).await,
            Step::Settle { ago_ms, events, slugs } => {
                let settlement = Settlement { up_to: self.now.plus_millis(-ago_ms), seed: self.stored(events, slugs) };
                self.model.settle(self.team, settlement.clone()).await.unwrap();
                self.redis.settle(self.team, settlement).await.unwrap();
            }
            Step::Usage(hours) => {
                let month = Month::of(self.now.plus_millis(hours * HOUR_MS));
                let expected = self.model.usage(self.team, month).await;
                assert_eq!(self.redis.usage(self.team, month).await, expected);
            }
            Step::Pass(millis) => self.now = self.now.plus_millis(millis),
        }
    }

    fn stored(&self, events: Option<u64>, slugs: Vec<usize>) -> Seed {
        let usage = events.map(|events| Usage { month: Month::of(self.now), events });
        Seed { usage, agents: slugs.into_iter().map(|slug| Slug::parse(SLUGS[slug]).unwrap()).collect() }
    }

    async fn seed(&self, seed: Seed) {
        self.model.seed(self.team, seed.clone()).await.unwrap();
        self.redis.seed(self.team, seed).await.unwrap();
    }

    /// Now and then a ticket is ended twice, as after an answer that got lost.
    fn ticket(&mut self, at: usize) -> Option<Ticket> {
        let place = at.checked_rem(self.tickets.len())?;
        Some(if at.is_multiple_of(7) { self.tickets[place].clone() } else { self.tickets.swap_remove(place) })
    }

    fn compare(&mut self, expected: Verdict, told: Verdict) {
        let parts = |verdict: Verdict| match verdict {
            Verdict::NeedsSeed => ("needs a seed", None, vec![], vec![], None),
            Verdict::Refused(refused) => ("refused", Some(refused), vec![], vec![], None),
            Verdict::Blocked { claims, reads } => ("blocked", None, claims, reads, None),
            Verdict::Admitted { claims, reads, ticket } => ("admitted", None, claims, reads, Some(ticket)),
        };
        let (expected, told) = (parts(expected), parts(told));
        assert_eq!(told, expected);
        for outcome in &told.2 {
            if let ClaimOutcome::Unconfirmed { renewed_at, .. } = outcome {
                self.seen_renewed_at = *renewed_at;
            }
        }
        self.tickets.extend(told.4);
    }
}

#[test]
fn it_answers_as_the_in_process_gate_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(shared_url());
    let options = options(&url);
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let story = (any::<bool>(), prop::bool::weighted(0.9), steps());
    let outcome = TestRunner::new(config).run(&story, |(is_new, is_seeded, steps)| {
        runtime.block_on(async {
            let mut pair = Pair::new(&options, is_new);
            if is_seeded {
                // The mark is judged by the first seed: of an old team it is set, of a new one it is not.
                pair.seed(Seed::default()).await;
            }
            for step in steps {
                let first_seed = matches!(step, Step::Seed { .. }) && !is_seeded;
                if !first_seed {
                    pair.take(step).await;
                }
            }
        });
        Ok(())
    });
    runtime.block_on(clear_away(&url, &options));
    outcome.unwrap();
}
