//! When the log, the gate or the store is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tidegate_admission::Refusal;
use tidegate_agentping::{Body, Limits, Slug, TeamId};
use tidegate_agentping_inproc::gate::MemoryGate;
use tidegate_agentping_ports::{Ask, Gate, GateDown, Seed, Settlement, Ticket, Verdict};
use tidegate_kernel::Month;

use crate::world::{Appends, NOW, World, finish, start};

#[tokio::test]
async fn a_certain_failure_leaves_nothing() {
    for (appends, too_large) in [(Appends::FailForCertain, false), (Appends::TooLarge, true)] {
        let world = World::limited(Limits { events_per_month: Some(1), ..Limits::default() });
        let (run, event) = (world.run(), world.event(1));
        world.appends(appends);
        for _ in 0..5 {
            let refusals =
                [world.send(run, start("a", NOW)).await, world.send(run, Body::Events(vec![event.clone()])).await];
            for refusal in refusals {
                match refusal.unwrap_err() {
                    Refusal::LogUnavailable { retry_after_s: 1.. } => assert!(!too_large),
                    Refusal::RecordTooLarge { cap: 10, .. } => assert!(too_large),
                    other => panic!("{other:?}"),
                }
            }
        }
        world.appends(Appends::Work);
        let other_content = world.send(run, start("b", NOW)).await.unwrap();
        assert!(other_content.fresh, "no claim and no count is left");
        assert_eq!(world.logged(), 1);
    }
}

#[tokio::test]
async fn an_unknown_outcome_keeps_its_claim_and_a_retry_is_right() {
    for (appends, logged) in [(Appends::Lost, 1), (Appends::Landed, 2)] {
        let world = World::new();
        let run = world.run();
        world.appends(appends);
        let refused = world.send(run, start("a", NOW)).await;
        assert!(matches!(refused, Err(Refusal::OutcomeUnknown { retry_after_s: 1.. })));
        world.appends(Appends::Work);
        let other = world.send(run, start("b", NOW)).await;
        assert!(matches!(other, Err(Refusal::Undecided { retry_after_s: 1.. })), "{other:?}");
        let retry = world.send(run, start("a", NOW)).await.unwrap();
        assert!(retry.fresh, "the same content joins");
        assert_eq!(world.logged(), logged);
        let repeat = world.send(run, start("a", NOW)).await.unwrap();
        assert!(!repeat.fresh, "and confirms");
        assert!(matches!(world.send(run, start("b", NOW)).await, Err(Refusal::StartConflict { .. })));
        assert_eq!(world.stored(run).units, vec![(Month::of(NOW), 1)]);
    }
}

#[tokio::test]
async fn an_append_that_never_answers_is_an_unknown_outcome() {
    let world = World::new();
    world.appends(Appends::Hang);
    assert!(matches!(world.send(world.run(), finish(NOW)).await, Err(Refusal::OutcomeUnknown { .. })));
}

/// A gate that can be switched off, or made to hang.
struct Switched {
    gate: MemoryGate,
    down: AtomicBool,
    hangs: bool,
}

impl Switched {
    fn new(hangs: bool) -> Arc<Self> {
        Arc::new(Switched { gate: MemoryGate::default(), down: AtomicBool::new(false), hangs })
    }

    async fn up(&self) -> Result<(), GateDown> {
        match (self.down.load(Ordering::SeqCst), self.hangs) {
            (false, _) => Ok(()),
            (true, true) => std::future::pending().await,
            (true, false) => Err(GateDown("switched off".into())),
        }
    }
}

#[async_trait]
impl Gate for Switched {
    async fn admit(&self, ask: Ask) -> Result<Verdict, GateDown> {
        self.up().await?;
        self.gate.admit(ask).await
    }
    async fn confirm(&self, ticket: Ticket) {
        if self.up().await.is_ok() {
            self.gate.confirm(ticket).await;
        }
    }
    async fn release(&self, ticket: Ticket) {
        if self.up().await.is_ok() {
            self.gate.release(ticket).await;
        }
    }
    async fn seed(&self, team: TeamId, seed: Seed) -> Result<(), GateDown> {
        self.up().await?;
        self.gate.seed(team, seed).await
    }
    async fn settle(&self, team: TeamId, settlement: Settlement) -> Result<(), GateDown> {
        self.up().await?;
        self.gate.settle(team, settlement).await
    }
    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown> {
        self.up().await?;
        self.gate.usage(team, month).await
    }
    async fn agents(&self, team: TeamId) -> Result<Option<u64>, GateDown> {
        self.up().await?;
        self.gate.agents(team).await
    }
    async fn forget_agent(&self, team: TeamId, agent: Slug) -> Result<(), GateDown> {
        self.up().await?;
        self.gate.forget_agent(team, agent).await
    }
}

/// A gate whose confirmations wait until they are let through.
struct Slow {
    gate: MemoryGate,
    confirms: tokio::sync::Semaphore,
}

#[async_trait]
impl Gate for Slow {
    async fn admit(&self, ask: Ask) -> Result<Verdict, GateDown> {
        self.gate.admit(ask).await
    }
    async fn confirm(&self, ticket: Ticket) {
        let _turn = self.confirms.acquire().await;
        self.gate.confirm(ticket).await;
    }
    async fn release(&self, ticket: Ticket) {
        self.gate.release(ticket).await;
    }
    async fn seed(&self, team: TeamId, seed: Seed) -> Result<(), GateDown> {
        self.gate.seed(team, seed).await
    }
    async fn settle(&self, team: TeamId, settlement: Settlement) -> Result<(), GateDown> {
        self.gate.settle(team, settlement).await
    }
    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown> {
        self.gate.usage(team, month).await
    }
    async fn agents(&self, team: TeamId) -> Result<Option<u64>, GateDown> {
        self.gate.agents(team).await
    }
    async fn forget_agent(&self, team: TeamId, agent: Slug) -> Result<(), GateDown> {
        self.gate.forget_agent(team, agent).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_still_being_confirmed_and_not_for_ever() {
    let gate = Arc::new(Slow { gate: MemoryGate::default(), confirms: tokio::sync::Semaphore::new(0) });
    let world = World::on(Arc::clone(&gate) as _);
    world.admission.all_confirmed().await;
    let run = world.run();
    assert!(world.send(run, start("a", NOW)).await.unwrap().fresh, "the answer does not wait");
    let stopping = tokio::spawn({
        let admission = Arc::clone(&world.admission);
        async move { admission.all_confirmed().await }
    });
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished());
    gate.confirms.add_permits(1);
    stopping.await.unwrap();
    assert!(!world.send(run, start("a", NOW)).await.unwrap().fresh, "a repeat is one");

    gate.confirms.forget_permits(1);
    world.send(world.run(), start("a", NOW)).await.unwrap();
    // By the paused clock this ends when the gate's own deadline does.
    world.admission.all_confirmed().await;
}

#[tokio::test]
async fn with_the_gate_down_a_local_share_is_admitted_and_everything_is_answered_fresh() {
    for hangs in [false, true] {
        let gate = Switched::new(hangs);
        let mut world = World::on(Arc::clone(&gate) as _);
        let limits = Limits { sustained_per_s: Some(10), burst: Some(20), ..Limits::default() };
        world.caller.plan = tidegate_agentping::Plan::Enterprise(limits);
        let run = world.run();
        world.send(run, start("a", NOW)).await.unwrap();
        gate.down.store(true, Ordering::SeqCst);
        let mut admitted = 0;
        let refusal = loop {
            match world.send(run, start("a", NOW)).await {
                Ok(answer) => {
                    assert!(answer.fresh && answer.position.is_some());
                    admitted += 1;
                }
                Err(refusal) => break refusal,
            }
        };
        assert_eq!(admitted, 10, "half of the burst");
        assert_eq!(refusal, Refusal::Rate { sustained_per_s: 10, retry_after_s: 1 });
        assert!(world.admission.charge(&world.caller).await.is_err());
        gate.down.store(false, Ordering::SeqCst);
        world.clock.advance_ms(1_000);
        let answer = world.send(run, start("a", NOW)).await.unwrap();
        assert!(!answer.fresh, "it is asked again, and remembers");
        assert_eq!(world.stored(run).units, vec![(Month::of(NOW), 1)], "the fold removes the duplicates");
    }
}

#[tokio::test]
async fn a_confirmation_that_hangs_keeps_no_answer_waiting() {
    let gate = Switched::new(true);
    let world = World::on(Arc::clone(&gate) as _);
    world.send(world.run(), start("a", NOW)).await.unwrap();
    let run = world.run();
    world.appends(Appends::Hang);
    let sending = world.spawn(run, start("a", NOW));
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    sending.abort();
    world.appends(Appends::Work);
    let joined = world.send(run, start("a", NOW)).await.unwrap();
    assert!(joined.fresh);
}

#[tokio::test]
async fn with_the_store_down_ids_from_before_the_gates_memory_are_taken_in_and_compared_later() {
    let mut world = World::new();
    let old = world.run();
    world.send(world.run(), start("a", NOW)).await.unwrap();
    world.store_down(true);
    assert!(world.send(old, start("a", NOW)).await.is_ok(), "within the gate's memory the store is not read");
    world.store_down(false);
    world.restart();
    world.send(world.run(), start("a", NOW)).await.unwrap();
    world.store_down(true);
    assert!(world.send(old, start("b", NOW)).await.unwrap().fresh, "there is nothing to compare it with");
    let other = world.send(old, start("c", NOW)).await;
    assert!(matches!(other, Err(Refusal::StoreUnavailable { retry_after_s: 1.. })), "{other:?}");
    world.store_down(false);
    world.backend.apply();
    assert!(matches!(world.send(old, start("b", NOW)).await, Err(Refusal::StartConflict { .. })));
    assert!(!world.send(old, start("a", NOW)).await.unwrap().fresh, "the first stays");
}

#[tokio::test]
async fn a_gate_that_cannot_be_seeded_admits_the_local_share() {
    let world = World::limited(Limits { sustained_per_s: Some(2), burst: Some(4), ..Limits::default() });
    world.store_down(true);
    for _ in 0..2 {
        assert!(world.send(world.run(), start("a", NOW)).await.unwrap().fresh);
    }
    assert!(matches!(world.send(world.run(), start("a", NOW)).await, Err(Refusal::Rate { .. })));
    world.store_down(false);
    world.clock.advance_ms(1_000);
    for _ in 0..4 {
        assert!(world.send(world.run(), start("a", NOW)).await.is_ok(), "seeded, the whole burst is there");
    }
}
