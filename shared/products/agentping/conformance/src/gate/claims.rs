//! Claims: new, repeated, conflicting, joined, taken over, confirmed, released.

use bytes::Bytes;
use tidegate_agentping::{EventId, Limits, RunId};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, StoreRead, Verdict};
use tidegate_kernel::Region;

use super::{Asker, NEW, event, ids, joining, start};

const OPEN: Limits = Limits { sustained_per_s: None, burst: None, events_per_month: None, agents: None };

fn answer(content: u64) -> Bytes {
    Bytes::from(content.to_be_bytes().to_vec())
}

async fn confirmed(asker: &Asker<'_>, claim: Claim) {
    let (_, ticket) = asker.admitted(asker.ask(vec![claim])).await;
    asker.gate.confirm(ticket).await;
}

pub async fn a_claim_is_new_then_unconfirmed_then_repeats_or_conflicts(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (outcomes, ticket) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    assert_eq!((outcomes, ticket.units), (vec![NEW], 1));
    assert_eq!(ticket.held, vec![(ClaimKey::Start(run), Fingerprint { main: 1, detail: None })]);
    for (content, same_content) in [(1, true), (2, false)] {
        let seen = asker.outcome(start(run, content)).await;
        let renewed_at = asker.now;
        assert_eq!(seen, ClaimOutcome::Unconfirmed { same_content, answer: answer(1), renewed_at, age_ms: 0 });
    }
    gate.confirm(ticket).await;
    assert_eq!(asker.outcome(start(run, 1)).await, ClaimOutcome::Repeat { answer: answer(1) });
    assert_eq!(asker.outcome(start(run, 2)).await, ClaimOutcome::Conflict { answer: answer(1) });
    assert_eq!(asker.used().await, 1);
}

pub async fn what_was_not_sent_matches_anything(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let with = |run, main, detail| Claim { fingerprint: Fingerprint { main, detail }, ..start(run, 1) };
    // (claimed, asked, whether it repeats)
    for (claimed, asked, repeats) in [
        (Some(5), Some(5), true),
        (Some(5), Some(6), false),
        (Some(5), None, true),
        (None, Some(6), true),
        (None, None, true),
    ] {
        let run = asker.run();
        confirmed(&asker, with(run, 1, claimed)).await;
        let outcome = asker.outcome(with(run, 1, asked)).await;
        let expected = if repeats {
            ClaimOutcome::Repeat { answer: answer(1) }
        } else {
            ClaimOutcome::Conflict { answer: answer(1) }
        };
        assert_eq!(outcome, expected, "{claimed:?} {asked:?}");
        assert!(matches!(asker.outcome(with(run, 2, asked)).await, ClaimOutcome::Conflict { .. }));
    }
}

pub async fn an_event_may_have_an_answer_too(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let id = ids().mint(Region::Eu, asker.now);
    let fingerprint = Fingerprint { main: 1, detail: Some(2) };
    confirmed(&asker, Claim { answer: answer(9), fingerprint, ..event(id, 1) }).await;
    let other = Claim { fingerprint: Fingerprint { main: 1, detail: Some(3) }, ..event(id, 1) };
    assert_eq!(asker.outcome(event(id, 1)).await, ClaimOutcome::Repeat { answer: answer(9) });
    assert_eq!(asker.outcome(other).await, ClaimOutcome::Conflict { answer: answer(9) });
}

pub async fn one_conflict_holds_the_whole_request(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let events: Vec<EventId> = (0..3).map(|_| ids().mint(Region::Eu, asker.now)).collect();
    confirmed(&asker, event(events[1], 1)).await;
    let batch = |content| vec![event(events[0], 1), event(events[1], content), event(events[2], 1)];
    let Verdict::Blocked { claims, .. } = asker.claim(batch(2)).await else { panic!("a conflict blocks") };
    assert_eq!(claims, vec![NEW, ClaimOutcome::Conflict { answer: Bytes::new() }, NEW]);
    assert_eq!(asker.used().await, 1);
    let (claims, ticket) = asker.admitted(asker.ask(batch(1))).await;
    assert_eq!(claims, vec![NEW, ClaimOutcome::Repeat { answer: Bytes::new() }, NEW], "it took nothing");
    assert_eq!(ticket.units, 2);
}

pub async fn new_ones_and_repeats_are_admitted_together(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let (old, new) = (ids().mint(Region::Eu, asker.now), ids().mint(Region::Eu, asker.now));
    confirmed(&asker, event(old, 1)).await;
    let (_, ticket) = asker.admitted(asker.ask(vec![event(old, 1), event(new, 1)])).await;
    assert_eq!(ticket.held, vec![(ClaimKey::Event(new), Fingerprint { main: 1, detail: None })]);
    gate.release(ticket).await;
    assert!(matches!(asker.outcome(event(old, 1)).await, ClaimOutcome::Repeat { .. }));
    assert_eq!(asker.outcome(event(new, 1)).await, NEW);
}

pub async fn the_same_content_joins_and_each_holder_counts(gate: &dyn Gate) {
    let mut asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (_, first) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    asker.now = asker.now.plus_millis(500);
    let (outcomes, second) = asker.admitted(asker.ask(vec![joining(start(run, 1))])).await;
    assert_eq!(outcomes, vec![ClaimOutcome::Joined { answer: answer(1), store: StoreRead::NotNeeded }]);
    assert_eq!((second.units, asker.used().await), (0, 1), "one claim is counted once");
    let ClaimOutcome::Unconfirmed { renewed_at, .. } = asker.outcome(start(run, 2)).await else {
        panic!("it is unconfirmed")
    };
    assert_eq!(renewed_at, asker.now, "joining renews the age");
    gate.release(first).await;
    assert!(matches!(asker.outcome(start(run, 2)).await, ClaimOutcome::Unconfirmed { .. }), "the second holds it");
    gate.confirm(second).await;
    assert!(matches!(asker.outcome(start(run, 2)).await, ClaimOutcome::Conflict { .. }));
}

pub async fn other_content_does_not_join(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (_, _ticket) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    let held = asker.claim(vec![joining(start(run, 2))]).await;
    assert!(matches!(held, Verdict::Blocked { .. }));
}

pub async fn a_claim_is_taken_over_only_as_it_was_seen(gate: &dyn Gate) {
    let mut asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (_, _dead) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    let seen_renewed_at = asker.now;
    let take_over = |seen| Claim { on_unconfirmed: OnUnconfirmed::TakeOver { seen_renewed_at: seen }, ..start(run, 2) };
    let (_, _joined) = asker.admitted(asker.ask(vec![joining(start(run, 1))])).await;
    asker.now = asker.now.plus_millis(60_000);
    let ClaimOutcome::Unconfirmed { renewed_at, .. } = asker.outcome(take_over(seen_renewed_at)).await else {
        panic!("it was renewed since")
    };
    assert!(renewed_at > seen_renewed_at, "a renewal shows, even within the same millisecond");
    let (outcomes, ticket) = asker.admitted(asker.ask(vec![take_over(renewed_at)])).await;
    assert_eq!(outcomes, vec![NEW]);
    gate.confirm(ticket).await;
    assert_eq!(asker.outcome(start(run, 2)).await, ClaimOutcome::Repeat { answer: answer(2) });
}

pub async fn a_release_does_not_touch_what_passed_to_another(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (_, slow) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    let on_unconfirmed = OnUnconfirmed::TakeOver { seen_renewed_at: asker.now };
    let (_, taken) = asker.admitted(asker.ask(vec![Claim { on_unconfirmed, ..start(run, 2) }])).await;
    gate.release(slow).await;
    assert!(matches!(asker.outcome(start(run, 1)).await, ClaimOutcome::Unconfirmed { same_content: false, .. }));
    gate.confirm(taken).await;
    assert!(matches!(asker.outcome(start(run, 1)).await, ClaimOutcome::Conflict { .. }));
}

pub async fn a_release_leaves_nothing(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (_, ticket) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    gate.release(ticket).await;
    assert_eq!(asker.used().await, 0);
    assert_eq!(asker.outcome(start(run, 2)).await, NEW);
}

pub async fn a_confirmed_claim_is_not_released(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let (_, first) = asker.admitted(asker.ask(vec![start(run, 1)])).await;
    let (_, second) = asker.admitted(asker.ask(vec![joining(start(run, 1))])).await;
    gate.confirm(first).await;
    gate.release(second).await;
    assert_eq!(asker.outcome(start(run, 1)).await, ClaimOutcome::Repeat { answer: answer(1) });
}

pub async fn reads_take_nothing(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    let run = asker.run();
    let ask = |read| Ask { reads: vec![read], ..asker.ask(vec![]) };
    let read = async |key| match asker.admit(ask(key)).await {
        Verdict::Admitted { reads, .. } => reads,
        other => panic!("not admitted: {other:?}"),
    };
    assert_eq!(read(ClaimKey::Start(run)).await, vec![None]);
    confirmed(&asker, start(run, 1)).await;
    assert_eq!(read(ClaimKey::Start(run)).await, vec![Some(answer(1))]);
    assert_eq!(read(ClaimKey::Finish(run)).await, vec![None], "a start is not a finish");
    assert_eq!(asker.used().await, 1);
}

pub async fn ids_of_two_teams_are_two(gate: &dyn Gate) {
    let (one, two) = (Asker::seeded(gate, OPEN).await, Asker::seeded(gate, OPEN).await);
    let run = one.run();
    confirmed(&one, start(run, 1)).await;
    assert_eq!(two.outcome(start(run, 2)).await, NEW);
}

pub async fn ids_far_from_now_are_left_to_the_store(gate: &dyn Gate) {
    const HOUR_MS: i64 = 3_600_000;
    let asker = Asker::seeded(gate, OPEN).await;
    let (needed, alone) = (StoreRead::Needed, StoreRead::NotNeeded);
    // (born so long after now, whether the gate alone may judge)
    for (offset_ms, store) in [(-25 * HOUR_MS, needed), (0, alone), (60_000, alone), (HOUR_MS, needed)] {
        let run: RunId = ids().mint(Region::Eu, asker.now.plus_millis(offset_ms));
        assert_eq!(asker.outcome(start(run, 1)).await, ClaimOutcome::New { store }, "{offset_ms}");
    }
}
