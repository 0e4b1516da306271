//! The in-process gate: the suite that every gate runs, and what is its own (the window, the bound, its memory).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use proptest::prelude::*;
use tidegate_agentping::{Limits, RunId, TeamId};
use tidegate_agentping_inproc::gate::{MemoryGate, MemoryGateConfig};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, Refused, Seed, StoreRead, Ticket, Verdict,
};
use tidegate_kernel::{Region, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);
const DAY_MS: i64 = 24 * 3_600_000;
const TEAM: TeamId = TeamId::from_bits(Region::Eu, 1);

fn born(at: Timestamp, tail: u64) -> RunId {
    RunId::from_bits(Region::Eu, ((at.as_millis() as u128) << 80) | u128::from(tail))
}

fn claim(run: RunId, content: u64) -> Claim {
    Claim {
        key: ClaimKey::Start(run),
        fingerprint: Fingerprint { main: content, detail: None },
        answer: bytes::Bytes::from_static(b"answer"),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    }
}

fn ask(limits: Limits, now: Timestamp, claims: Vec<Claim>) -> Ask {
    Ask {
        team: TEAM,
        limits,
        now,
        steady: now,
        applied_to: Some(now),
        charge_rate: true,
        agent: None,
        claims,
        reads: vec![],
        unclaimed_units: 0,
    }
}

async fn seeded(config: MemoryGateConfig) -> MemoryGate {
    let gate = MemoryGate::new(config);
    gate.seed(TEAM, Seed::default()).await.unwrap();
    gate
}

async fn admit(gate: &MemoryGate, now: Timestamp, claims: Vec<Claim>) -> (Vec<ClaimOutcome>, Option<Ticket>) {
    match gate.admit(ask(Limits::default(), now, claims)).await.unwrap() {
        Verdict::Admitted { claims, ticket, .. } => (claims, Some(ticket)),
        Verdict::Blocked { claims, .. } => (claims, None),
        other => panic!("{other:?}"),
    }
}

async fn put(gate: &MemoryGate, now: Timestamp, run: RunId) {
    let (_, ticket) = admit(gate, now, vec![claim(run, 1)]).await;
    gate.confirm(ticket.unwrap()).await;
}

#[tokio::test]
async fn it_does_what_every_gate_does() {
    tidegate_agentping_conformance::gate::every_case(async || MemoryGate::default()).await;
}

#[tokio::test]
async fn a_confirmed_claim_holds_for_its_window_and_then_the_store_decides() {
    let gate = seeded(MemoryGateConfig::default()).await;
    let run = born(NOW, 1);
    put(&gate, NOW, run).await;
    let repeat = |now: Timestamp| admit(&gate, now, vec![claim(run, 1)]);
    assert!(matches!(repeat(NOW.plus_millis(DAY_MS - 1)).await.0[..], [ClaimOutcome::Repeat { .. }]));
    let (outcomes, _) = repeat(NOW.plus_millis(DAY_MS)).await;
    assert_eq!(outcomes, vec![ClaimOutcome::New { store: StoreRead::Needed }]);
}

#[tokio::test]
async fn an_id_born_ahead_is_remembered_until_the_id_itself_is_old() {
    let gate = seeded(MemoryGateConfig::default()).await;
    let run = born(NOW.plus_millis(DAY_MS / 2), 1);
    put(&gate, NOW, run).await;
    let late = NOW.plus_millis(DAY_MS + DAY_MS / 4);
    put(&gate, late, born(late, 2)).await;
    let (outcomes, _) = admit(&gate, late, vec![claim(run, 2)]).await;
    assert!(matches!(outcomes[..], [ClaimOutcome::Conflict { .. }]));
}

#[tokio::test]
async fn an_unconfirmed_claim_never_lapses() {
    let gate = seeded(MemoryGateConfig { max_claim_bytes: 600, ..MemoryGateConfig::default() }).await;
    let run = born(NOW, 1);
    let (_, _dead) = admit(&gate, NOW, vec![claim(run, 1)]).await;
    for day in 1..40 {
        let later = NOW.plus_millis(day * DAY_MS);
        put(&gate, later, born(later, 2)).await;
    }
    let (outcomes, _) = admit(&gate, NOW.plus_millis(50 * DAY_MS), vec![claim(run, 2)]).await;
    assert!(matches!(outcomes[..], [ClaimOutcome::Unconfirmed { same_content: false, .. }]));
}

#[tokio::test]
async fn claims_past_their_window_leave_memory_even_of_idle_teams() {
    let gate = seeded(MemoryGateConfig::default()).await;
    for n in 0..1_000 {
        put(&gate, NOW, born(NOW, n)).await;
    }
    let later = NOW.plus_millis(2 * DAY_MS);
    for n in 0..600 {
        put(&gate, later, born(later, n)).await;
    }
    assert_eq!(gate.claims(), 600);
}

#[tokio::test]
async fn ids_from_before_its_memory_are_left_to_the_store() {
    let gate = seeded(MemoryGateConfig { remembers_since: Some(NOW), ..MemoryGateConfig::default() }).await;
    for (offset_ms, store) in [(-1, StoreRead::Wanted), (0, StoreRead::NotNeeded)] {
        let run = born(NOW.plus_millis(offset_ms), 1);
        assert_eq!(admit(&gate, NOW, vec![claim(run, 1)]).await.0, vec![ClaimOutcome::New { store }]);
    }
}

#[tokio::test]
async fn claims_released_again_and_again_leave_no_trace() {
    let gate = seeded(MemoryGateConfig::default()).await;
    for n in 0..20_000 {
        let (_, first) = admit(&gate, NOW, vec![claim(born(NOW, n), 1)]).await;
        let (_, second) = admit(&gate, NOW, vec![claim(born(NOW, n + 100_000), 1)]).await;
        gate.release(first.unwrap()).await;
        gate.release(second.unwrap()).await;
    }
    assert_eq!(gate.claims(), 0);
}

/// Runs a future of the in-process gate, which never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the in-process gate waits for nothing"),
    }
}

/// What a plain map would say of a single claim.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Modelled {
    Unconfirmed { content: u64, holders: u32 },
    Confirmed(u64),
}

proptest! {
    /// Over any interval, never more than burst + rate × time.
    #[test]
    fn no_interval_admits_more_than_burst_and_rate(
        sustained in 1u32..50, burst in 1u32..20, gaps_ms in prop::collection::vec(0i64..400, 1..120)
    ) {
        let gate = ready(seeded(MemoryGateConfig::default()));
        let limits = Limits { sustained_per_s: Some(sustained), burst: Some(burst), ..Limits::default() };
        let (mut now, mut admitted, mut asked) = (NOW, Vec::new(), 0u32);
        for gap_ms in gaps_ms {
            now = now.plus_millis(gap_ms);
            match ready(gate.admit(ask(limits, now, vec![]))).unwrap() {
                Verdict::Admitted { .. } => admitted.push(now),
                Verdict::Refused(Refused::Rate { retry_after_s }) => prop_assert!(retry_after_s >= 1),
                other => panic!("{other:?}"),
            }
            asked += 1;
        }
        prop_assert!(admitted.len() >= (asked.min(burst) as usize), "a burst passes");
        for (from, first) in admitted.iter().enumerate() {
            for (to, last) in admitted.iter().enumerate().skip(from) {
                let allowed = u64::from(burst) * 1_000 + u64::from(sustained) * last.millis_since(*first);
                prop_assert!((to - from + 1) as u64 * 1_000 <= allowed);
            }
        }
    }

    /// Any order of claims, confirmations and releases goes as in a plain map, the quota counts what is held or
    /// confirmed, and what is not admitted changes nothing.
    #[test]
    fn claims_go_as_in_a_plain_map(steps in prop::collection::vec((0u8..4, 0usize..3, 0u64..2, any::<bool>()), 1..80)) {
        let gate = ready(seeded(MemoryGateConfig::default()));
        let mut model: [Option<Modelled>; 3] = [None; 3];
        let mut tickets: Vec<(usize, Ticket)> = Vec::new();
        let mut used = 0;
        for (step, slot, content, join) in steps {
            match (step, tickets.is_empty()) {
                (2, false) => {
                    let (slot, ticket) = tickets.remove(slot % tickets.len());
                    ready(gate.confirm(ticket));
                    if let Some(Modelled::Unconfirmed { content, .. }) = model[slot] {
                        model[slot] = Some(Modelled::Confirmed(content));
                    }
                }
                (3, false) => {
                    let (slot, ticket) = tickets.remove(slot % tickets.len());
                    used -= u64::from(ticket.units);
                    ready(gate.release(ticket));
                    model[slot] = match model[slot] {
                        Some(Modelled::Unconfirmed { holders: 1, .. }) => None,
                        Some(Modelled::Unconfirmed { content, holders }) => {
                            Some(Modelled::Unconfirmed { content, holders: holders - 1 })
                        }
                        other => other,
                    };
                }
                _ => {
                    let run = born(NOW, slot as u64);
                    let on_unconfirmed = if join { OnUnconfirmed::Join } else { OnUnconfirmed::Report };
                    let asked = Claim { on_unconfirmed, ..claim(run, content) };
                    let (outcomes, ticket) = ready(admit(&gate, NOW, vec![asked]));
                    let expected = match model[slot] {
                        None => "new",
                        Some(Modelled::Confirmed(held)) if held == content => "repeat",
                        Some(Modelled::Confirmed(_)) => "conflict",
                        Some(Modelled::Unconfirmed { content: held, .. }) if held == content && join => "joined",
                        Some(Modelled::Unconfirmed { .. }) => "unconfirmed",
                    };
                    let got = match &outcomes[0] {
                        ClaimOutcome::New { .. } => "new",
                        ClaimOutcome::Joined { .. } => "joined",
                        ClaimOutcome::Repeat { .. } => "repeat",
                        ClaimOutcome::Conflict { .. } => "conflict",
                        ClaimOutcome::Unconfirmed { .. } => "unconfirmed",
                    };
                    prop_assert_eq!(got, expected);
                    match (expected, &mut model[slot]) {
                        ("new", state) => *state = Some(Modelled::Unconfirmed { content, holders: 1 }),
                        ("joined", Some(Modelled::Unconfirmed { holders, .. })) => *holders += 1,
                        _ => {}
                    }
                    if let Some(ticket) = ticket.filter(|ticket| !ticket.held.is_empty()) {
                        used += u64::from(ticket.units);
                        tickets.push((slot, ticket));
                    }
                }
            }
            let month = tidegate_kernel::Month::of(NOW);
            prop_assert_eq!(ready(gate.usage(TEAM, month)).unwrap(), Some(used));
        }
    }

    /// The quota line is passed by one batch at most, whatever is admitted and given back.
    #[test]
    fn quota_never_passes_the_line_by_more_than_a_batch(
        allowance in 0u64..60, batches in prop::collection::vec((1u32..=50, any::<bool>()), 1..60)
    ) {
        let gate = ready(seeded(MemoryGateConfig::default()));
        let limits = Limits { events_per_month: Some(allowance), ..Limits::default() };
        let line = allowance + allowance / 2;
        let month = tidegate_kernel::Month::of(NOW);
        for (units, given_back) in batches {
            let before = ready(gate.usage(TEAM, month)).unwrap().unwrap();
            let asked = Ask { unclaimed_units: units, ..ask(limits, NOW, vec![]) };
            match ready(gate.admit(asked)).unwrap() {
                Verdict::Admitted { ticket, .. } => {
                    prop_assert!(before < line);
                    if given_back {
                        ready(gate.release(ticket));
                    }
                }
                Verdict::Refused(Refused::Quota { used, .. }) => prop_assert!(used >= line && used == before),
                other => panic!("{other:?}"),
            }
            prop_assert!(ready(gate.usage(TEAM, month)).unwrap().unwrap() < line.max(1) + 50);
        }
    }
}
