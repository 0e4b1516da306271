//! The in-process gate within its memory: what it forgets early the store answers for, and nothing else changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::HashMap;

use proptest::prelude::*;
use tidegate_agentping::{Limits, RunId, TeamId};
use tidegate_agentping_inproc::gate::{MemoryGate, MemoryGateConfig};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, Refused, Seed, StoreRead, Ticket, Verdict,
};
use tidegate_kernel::{Region, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);
/// What the gate counts for a claim with an answer of six bytes.
const START_BYTES: usize = 254;

fn team(number: u8) -> TeamId {
    TeamId::from_bits(Region::Eu, u128::from(number))
}

fn born(at: Timestamp, tail: u64) -> RunId {
    RunId::from_bits(Region::Eu, ((at.as_millis() as u128) << 80) | u128::from(tail))
}

fn ask(number: u8, now: Timestamp, run: RunId, content: u64) -> Ask {
    let claim = Claim {
        key: ClaimKey::Start(run),
        fingerprint: Fingerprint { main: content, detail: None },
        answer: bytes::Bytes::from_static(b"answer"),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    };
    Ask {
        team: team(number),
        limits: Limits::default(),
        now,
        steady: now,
        applied_to: Some(now),
        charge_rate: true,
        agent: None,
        claims: vec![claim],
        reads: vec![],
        unclaimed_units: 0,
    }
}

/// Runs a future of the in-process gate, which never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the in-process gate waits for nothing"),
    }
}

fn gate(max_claim_bytes: usize) -> MemoryGate {
    let gate = MemoryGate::new(MemoryGateConfig { max_claim_bytes, ..MemoryGateConfig::default() });
    for number in 0..4 {
        ready(gate.seed(team(number), Seed::default())).unwrap();
    }
    gate
}

/// The outcome of the one claim, and what is held.
fn admit(gate: &MemoryGate, ask: Ask) -> (ClaimOutcome, Option<Ticket>) {
    match ready(gate.admit(ask)).unwrap() {
        Verdict::Admitted { mut claims, ticket, .. } => (claims.remove(0), Some(ticket)),
        Verdict::Blocked { mut claims, .. } => (claims.remove(0), None),
        other => panic!("{other:?}"),
    }
}

fn put(gate: &MemoryGate, ask: Ask) {
    ready(gate.confirm(admit(gate, ask).1.unwrap()));
}

#[test]
fn memory_stays_within_its_bound_and_the_oldest_are_left_to_the_store() {
    let gate = gate(100 * START_BYTES);
    let at = |n: i64| NOW.plus_millis(n);
    for n in 0..1_000 {
        put(&gate, ask(0, at(n), born(at(n), 1), 1));
        assert!(gate.claim_bytes() <= 100 * START_BYTES, "{} bytes", gate.claim_bytes());
    }
    assert_eq!(gate.claim_bytes(), gate.claims() * START_BYTES);
    assert!(gate.claims() > 80, "{} claims", gate.claims());
    let outcome = |n: i64| admit(&gate, ask(0, at(1_000), born(at(n), 1), 1)).0;
    assert!(matches!(outcome(999), ClaimOutcome::Repeat { .. }));
    assert_eq!(outcome(10), ClaimOutcome::New { store: StoreRead::Needed });
    assert_eq!(
        admit(&gate, ask(0, at(1_000), born(at(1_000), 2), 1)).0,
        ClaimOutcome::New { store: StoreRead::NotNeeded }
    );
}

#[test]
fn an_idle_team_makes_room_for_a_busy_one() {
    let gate = gate(100 * START_BYTES);
    for n in 0..99 {
        put(&gate, ask(1, NOW, born(NOW, n), 1));
    }
    for n in 0..2_000 {
        put(&gate, ask(2, NOW.plus_millis(1), born(NOW, n), 1));
    }
    assert!(gate.claim_bytes() <= 100 * START_BYTES);
    let is_kept = |n: &u64| {
        let asked = Ask { applied_to: None, ..ask(2, NOW.plus_millis(1), born(NOW, *n), 1) };
        let verdict = ready(gate.admit(asked)).unwrap();
        matches!(&verdict, Verdict::Admitted { claims, .. } if matches!(claims[..], [ClaimOutcome::Repeat { .. }]))
    };
    let kept = (0..2_000).filter(is_kept);
    assert!(kept.count() > 50, "the busy one has most of the memory");
}

#[test]
fn what_the_store_cannot_answer_for_is_never_forgotten() {
    let gate = gate(10 * START_BYTES);
    let unapplied = |run, content| Ask { applied_to: Some(NOW.plus_millis(-1)), ..ask(0, NOW, run, content) };
    for n in 0..10 {
        put(&gate, unapplied(born(NOW, n), 1));
    }
    // Nothing can be forgotten, so nothing more is taken; what is remembered is still answered.
    for n in 10..20 {
        let full = ready(gate.admit(unapplied(born(NOW, n), 1))).unwrap();
        assert!(matches!(full, Verdict::Refused(Refused::Full)), "{full:?}");
    }
    for n in 0..10 {
        assert!(matches!(admit(&gate, unapplied(born(NOW, n), 1)).0, ClaimOutcome::Repeat { .. }));
        assert!(matches!(admit(&gate, unapplied(born(NOW, n), 2)).0, ClaimOutcome::Conflict { .. }));
    }
    // The consumers catch up.
    assert!(matches!(admit(&gate, ask(0, NOW, born(NOW, 30), 1)).0, ClaimOutcome::New { .. }));
}

#[test]
fn unconfirmed_claims_are_never_forgotten() {
    let gate = gate(10 * START_BYTES);
    for n in 0..5 {
        let (_, _under_way) = admit(&gate, ask(0, NOW, born(NOW, n), 1));
    }
    for n in 5..500 {
        put(&gate, ask(0, NOW.plus_millis(n), born(NOW, n as u64), 1));
    }
    for n in 0..5 {
        assert!(matches!(admit(&gate, ask(0, NOW, born(NOW, n), 2)).0, ClaimOutcome::Unconfirmed { .. }), "{n}");
    }
}

proptest! {
    /// Over any requests, confirmed at once or later or given back, a gate with next to no memory answers as one that
    /// forgets nothing, where the store answers for what it says it may have forgotten.
    #[test]
    fn a_bounded_gate_and_the_store_answer_as_an_unbounded_gate(
        room in 2usize..12,
        steps in prop::collection::vec((0u8..3, 0u64..6, -400_000i64..400_000, 0u64..2, 0u8..4, 0i64..4_000_000), 1..200),
    ) {
        let (bounded, whole) = (gate(room * START_BYTES), gate(usize::MAX));
        let mut store: HashMap<(u8, RunId), u64> = HashMap::new();
        let mut under_way: Vec<(u8, RunId, u64, [Ticket; 2])> = Vec::new();
        let mut now = NOW;
        for (number, tail, born_ms, content, act, passes_ms) in steps {
            now = now.plus_millis(passes_ms);
            // A few ids, which come again and again, some of them born ahead.
            let run = born(NOW.plus_millis(born_ms / 100_000 * 40_000_000), tail);
            let judge = |gate: &MemoryGate| match ready(gate.admit(ask(number, now, run, content))).unwrap() {
                Verdict::Admitted { mut claims, ticket, .. } => Some((claims.remove(0), Some(ticket))),
                Verdict::Blocked { mut claims, .. } => Some((claims.remove(0), None)),
                Verdict::Refused(Refused::Full) => None,
                other => panic!("{other:?}"),
            };
            let Some((outcome, ticket)) = judge(&bounded) else { continue };
            let (expected, other_ticket) = judge(&whole).unwrap();
            let by_store = |outcome: &ClaimOutcome| match outcome {
                ClaimOutcome::New { store: StoreRead::NotNeeded } => "new",
                ClaimOutcome::New { .. } => match store.get(&(number, run)) {
                    None => "new",
                    Some(stored) if *stored == content => "repeat",
                    Some(_) => "conflict",
                },
                ClaimOutcome::Repeat { .. } => "repeat",
                ClaimOutcome::Conflict { .. } => "conflict",
                ClaimOutcome::Unconfirmed { .. } => "unconfirmed",
                ClaimOutcome::Joined { .. } => "joined",
            };
            let answer = by_store(&expected);
            prop_assert_eq!(by_store(&outcome), answer);
            match (ticket, other_ticket) {
                (Some(one), Some(other)) if answer == "new" && act == 0 => {
                    under_way.push((number, run, content, [one, other]));
                }
                (Some(one), Some(other)) if answer == "new" && act < 3 => {
                    store.insert((number, run), content);
                    ready(bounded.confirm(one));
                    ready(whole.confirm(other));
                }
                (one, other) => {
                    // As admission does with what the store has: it is given back.
                    one.into_iter().for_each(|ticket| ready(bounded.release(ticket)));
                    other.into_iter().for_each(|ticket| ready(whole.release(ticket)));
                }
            }
            if act == 3 && let Some((number, run, content, [one, other])) = under_way.pop() {
                store.insert((number, run), content);
                ready(bounded.confirm(one));
                ready(whole.confirm(other));
            }
        }
    }
}
