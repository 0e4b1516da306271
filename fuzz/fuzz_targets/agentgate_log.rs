//! Commands as they are read from AgentGate's log, a line each: anything may stand there. What can be decoded is decided:
//! nothing panics, since that would halt the partition, and what must always hold of a book does.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use tidegate_agentgate::{AgentGate, Book, Owner};
use tidegate_kernel::command::{BookState, Decider, Envelope, Fact, FactId, Judged, Prior, RecordPlace, judge};
use tidegate_kernel::{Position, Timestamp};

/// More says nothing new, and takes time.
const MOST_RECORDS: usize = 64;

/// One owner's book, and the facts that its decisions left.
#[derive(Default)]
struct Owned {
    state: BookState<Book>,
    facts: Vec<(FactId, Fact<AgentGate>)>,
}

impl Owned {
    fn named(&self, id: Option<FactId>) -> Vec<Fact<AgentGate>> {
        self.facts.iter().filter(|(name, _)| Some(*name) == id).map(|(_, fact)| fact.clone()).collect()
    }

    fn judge(&mut self, envelope: &Envelope<AgentGate>, place: RecordPlace) -> Judged<AgentGate> {
        let attempt = self.named(envelope.attempt.map(FactId::Attempt));
        let key = self.named(envelope.key.map(|key| FactId::Key(key.hash)));
        let judged = judge(&mut self.state, envelope, place, Prior { attempt: &attempt, key: &key });
        if let Judged::Decided(decision) = &judged {
            assert!(decision.follow.effects.is_empty(), "nothing crosses to another owner");
            for (id, fact) in decision.facts(envelope, place.position) {
                let read = Fact::<AgentGate>::decode(fact.position, &fact.encode()).expect("a fact reads back");
                assert_eq!((read.outcome == fact.outcome, read.fingerprint), (true, fact.fingerprint));
                self.facts.push((id, fact));
            }
        }
        judged
    }

    /// What holds of every book.
    fn holds(&self, position: Position) {
        let book = &self.state.book;
        let doc = self.state.encode();
        assert_eq!(BookState::decode(position, &doc).expect("a book reads back"), self.state);
        assert!(self.state.is_known_to(AgentGate::RULES));
        let credits = &book.credits;
        let spent = u128::from(credits.included_cents) + u128::from(credits.purchased_cents);
        assert_eq!(u128::from(credits.granted_cents), spent + u128::from(credits.charged_cents), "{credits:?}");
        assert!(u128::from(book.held_cents()) <= spent, "more is held than there is: {book:?}");
        assert!(book.runs.len() <= Book::MAX_RUNS as usize && book.keys.len() <= Book::MAX_LISTED, "{book:?}");
        AgentGate::due(book);
    }
}

fuzz_target!(|input: &[u8]| {
    let mut owners: BTreeMap<Owner, Owned> = BTreeMap::new();
    let mut log = Vec::new();
    for line in input.split(|byte| *byte == b'\n').take(MOST_RECORDS) {
        let Ok(envelope) = Envelope::<AgentGate>::decode(line) else { continue };
        let written = envelope.encode();
        let again = Envelope::<AgentGate>::decode(&written).expect("what was written reads back");
        assert_eq!(again.encode(), written, "writing what was read is writing the same");

        let position = Position { generation: 1, partition: 0, offset: log.len() as i64 };
        // On the log at once; a front door's clock may say anything.
        let place = RecordPlace { position, appended_at: envelope.received_at, origin: None };
        let owned = owners.entry(envelope.owner).or_default();
        owned.judge(&envelope, place);
        owned.holds(position);
        log.push((envelope, place));
    }
    // Delivered once more, and then replayed much later: nothing changes.
    let end = log.len() as i64;
    for (offset, (envelope, place)) in log.iter().enumerate() {
        let owned = owners.get_mut(&envelope.owner).expect("it was decided");
        let before = owned.state.book.clone();
        assert!(matches!(owned.judge(envelope, *place), Judged::Before));
        let position = Position { offset: end + offset as i64, ..place.position };
        let replayed =
            RecordPlace { position, appended_at: Timestamp::from_millis(i64::MAX), origin: Some(place.position) };
        assert!(matches!(owned.judge(envelope, replayed), Judged::Duplicate));
        assert!(owned.state.book == before);
    }
});
