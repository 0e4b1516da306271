//! Books, facts and view rows are the same function of the log, whatever the batches, however often a batch is begun
//! again, and wherever it stops.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_kernel::command::{
    Attempt, ContentFingerprint, Decider, Envelope, Fact, FactId, IdempotencyKey, Judged, KeyHash, Prior, RecordPlace,
    Rules, ViewKey, judge,
};

use super::purse::{Command, Name, Purse};
use super::{OWNER, State, at, time};

struct Record {
    envelope: Envelope<Purse>,
    place: RecordPlace,
}

/// What a store has, with the position of each write.
#[derive(Default)]
struct Store {
    book: State,
    facts: BTreeMap<(FactId, i64), Fact<Purse>>,
    rows: BTreeMap<ViewKey, (i64, Option<Vec<u8>>)>,
    effects: BTreeMap<Attempt, String>,
}

impl Store {
    fn of_name(&self, made: &BTreeMap<(FactId, i64), Fact<Purse>>, id: Option<FactId>) -> Vec<Fact<Purse>> {
        let of = |facts: &BTreeMap<(FactId, i64), Fact<Purse>>| -> Vec<Fact<Purse>> {
            facts.iter().filter(|((name, _), _)| Some(*name) == id).map(|(_, fact)| fact.clone()).collect()
        };
        [of(&self.facts), of(made)].concat()
    }

    /// Decides a batch and does the first `writes` of its four writes.
    fn apply(&mut self, batch: &[Record], writes: usize) {
        let (mut book, mut facts, mut rows, mut effects) =
            (self.book.clone(), BTreeMap::new(), BTreeMap::new(), vec![]);
        for Record { envelope, place } in batch {
            let attempt = self.of_name(&facts, envelope.attempt.map(FactId::Attempt));
            let key = self.of_name(&facts, envelope.key.map(|key| FactId::Key(key.hash)));
            let prior = Prior { attempt: &attempt, key: &key };
            let Judged::Decided(decision) = judge(&mut book, envelope, *place, prior) else {
                continue;
            };
            let made = decision.facts(envelope, place.position);
            facts.extend(made.into_iter().map(|(id, fact)| ((id, place.position.offset), fact)));
            for change in decision.follow.views {
                rows.insert(change.key, (place.position.offset, change.doc));
            }
            effects.extend(decision.follow.effects);
        }
        if writes >= 1 {
            for (key, (position, doc)) in rows {
                let row = self.rows.entry(key).or_insert((-1, None));
                if position == row.0 {
                    assert_eq!(doc, row.1, "two values at one position");
                }
                if position > row.0 {
                    *row = (position, doc);
                }
            }
        }
        if writes >= 2 {
            for (name, fact) in facts {
                let stored = self.facts.entry(name).or_insert_with(|| fact.clone());
                assert_eq!(*stored, fact, "an outcome never changes");
            }
        }
        if writes >= 3 {
            for effect in effects {
                let text = format!("{effect:?}");
                let sent = self.effects.entry(effect.attempt).or_insert_with(|| text.clone());
                assert_eq!(*sent, text, "an effect never changes");
            }
        }
        if writes >= 4 && book.decided_to > self.book.decided_to {
            self.book = book;
        }
    }
}

/// One batch: where it begins, counted back from the first undecided record, how many records it has, and how many of
/// its writes are done.
type Batch = (usize, usize, usize);

fn stored(log: &[Record], batches: &[Batch]) -> Store {
    let mut store = Store::default();
    let mut next = 0;
    let whole = (0, 1, 4);
    let batches = batches.iter().copied().chain(std::iter::repeat(whole));
    for (back, records, writes) in batches {
        if next == log.len() {
            return store;
        }
        let from = next - back.min(next);
        let to = log.len().min(from + records);
        store.apply(&log[from..to], writes);
        if writes == 4 {
            next = next.max(to);
        }
    }
    store
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (0..5u64).prop_map(Command::Deposit),
        1 => (0..5u64).prop_map(Command::Grant),
        1 => (0..5u64).prop_map(Command::Credit),
        4 => (0..3u32, 0..4u64, 0..400i64).prop_map(|(id, amount, for_ms)| Command::Hold { id, amount, for_ms }),
        3 => (0..3u32).prop_map(|id| Command::Spend { id, to: Name(8) }),
        1 => Just(Command::Look),
        1 => Just(Command::Tick),
    ]
}

/// A request: its command, key and fingerprint, how long after the one before it is received, how long the log takes,
/// the rules, and whether an earlier record is appended again in its stead.
type Request = (Command, Option<(u128, u128)>, i64, i64, u16, Option<prop::sample::Index>);

fn request() -> impl Strategy<Value = Request> {
    let lateness = prop_oneof![6 => 0..200i64, 1 => -200..0i64, 1 => 59_990..60_010i64];
    let key = prop::option::weighted(0.5, (0..3u128, 0..2u128));
    let again = prop::option::weighted(0.2, any::<prop::sample::Index>());
    (command(), key, -100..500i64, lateness, 1..3u16, again)
}

fn log_of(requests: Vec<Request>) -> Vec<Record> {
    let mut log: Vec<Record> = Vec::new();
    let mut now = 1_000;
    for (offset, (command, key, later, lateness, rules, again)) in requests.into_iter().enumerate() {
        now += later;
        let position = at(offset as i64);
        let appended_at = time(now + lateness);
        if let Some(origin) = again.filter(|_| offset > 0).map(|again| again.index(offset)) {
            let envelope = log[origin].envelope.clone();
            // Every other one without the header: an effect that was emitted twice.
            let origin = (origin % 2 == 0).then_some(at(origin as i64));
            log.push(Record { envelope, place: RecordPlace { position, appended_at, origin } });
            continue;
        }
        let is_tick = command == Command::Tick;
        let envelope = Envelope {
            rules: Rules::new(rules),
            owner: OWNER,
            attempt: (!is_tick).then_some(Attempt::from_bits(offset as u128)),
            key: key.map(|(hash, fingerprint)| IdempotencyKey {
                hash: KeyHash(hash),
                fingerprint: ContentFingerprint(fingerprint),
            }),
            received_at: time(now),
            command,
        };
        log.push(Record { envelope, place: RecordPlace { position, appended_at, origin: None } });
    }
    log
}

proptest! {
    #[test]
    fn the_store_does_not_depend_on_batches_redelivery_and_crashes(
        requests in prop::collection::vec(request(), 1..40),
        batches in prop::collection::vec((0..6usize, 1..9usize, 0..=4usize), 0..60),
    ) {
        let log = log_of(requests);
        let (one_by_one, other) = (stored(&log, &[]), stored(&log, &batches));
        prop_assert_eq!(&one_by_one.book, &other.book);
        prop_assert_eq!(&one_by_one.facts, &other.facts);
        prop_assert_eq!(&one_by_one.rows, &other.rows);
        prop_assert_eq!(&one_by_one.effects, &other.effects);
    }

    /// Every attempt is decided once, and the book says what the facts say.
    #[test]
    fn an_attempt_has_one_fact_and_holds_never_exceed_the_balance(requests in prop::collection::vec(request(), 1..40)) {
        let log = log_of(requests);
        let mut store = Store::default();
        for record in &log {
            let before = store.book.now;
            store.apply(std::slice::from_ref(record), 4);
            prop_assert!(store.book.now >= before);
            prop_assert_eq!(store.book.decided_to, Some(record.place.position));
            let held: u64 = store.book.book.holds.values().map(|hold| hold.amount).sum();
            prop_assert!(held <= store.book.book.balance);
            prop_assert_eq!(Purse::due(&store.book.book).is_some(), !store.book.book.holds.is_empty());
        }
        for record in log.iter().filter_map(|record| record.envelope.attempt) {
            let of_attempt = store.facts.keys().filter(|(id, _)| *id == FactId::Attempt(record));
            prop_assert_eq!(of_attempt.count(), 1);
        }
    }
}
