//! The records of a partition, and what a sequential execution makes of them: one record after the other, nothing
//! repeated, no concurrency.

use std::collections::BTreeMap;

use tidegate_kernel::command::{
    Attempt, ContentFingerprint, Envelope, IdempotencyKey, Judged, KeyHash, RecordPlace, Rules as Version, judge,
};

use super::purse::{Command, Name, Purse, number};
use super::store::{Book, CommandOutcome, Fact, FactName, Rows, instant, position};

/// A command on the log. Attempts, hashes and instants are small numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    pub owner: Name,
    pub command: Command,
    pub attempt: u8,
    pub key: Option<u8>,
    pub received_at: u8,
    pub rules: u16,
    /// On a record that a replay appended again: the offset of the first.
    pub origin: Option<u8>,
}

impl Record {
    pub fn new(owner: Name, attempt: u8, command: Command) -> Record {
        Record { owner, command, attempt, key: None, received_at: attempt, rules: 1, origin: None }
    }

    pub fn keyed(self, key: u8) -> Record {
        Record { key: Some(key), ..self }
    }

    pub fn at(self, received_at: u8) -> Record {
        Record { received_at, ..self }
    }

    pub fn under(self, rules: u16) -> Record {
        Record { rules, ..self }
    }

    pub fn replayed_from(self, origin: u8) -> Record {
        Record { origin: Some(origin), ..self }
    }

    pub fn envelope(&self) -> Envelope<Purse> {
        let key = |hash| IdempotencyKey { hash: KeyHash(hash), fingerprint: ContentFingerprint(0) };
        Envelope {
            rules: Version::new(self.rules),
            owner: self.owner,
            attempt: Some(Attempt::from_bits(u128::from(self.attempt))),
            key: self.key.map(|hash| key(u128::from(hash))),
            received_at: instant(self.received_at),
            command: self.command,
        }
    }

    pub fn place(&self, offset: u8) -> RecordPlace {
        RecordPlace {
            position: position(offset),
            appended_at: instant(self.received_at),
            origin: self.origin.map(position),
        }
    }
}

/// What a sequential execution stores, after each number of records.
#[derive(Debug)]
pub struct Sequential {
    pub books: Vec<Book>,
    pub rows: Vec<Rows>,
    pub facts: BTreeMap<FactName, Fact>,
    /// The effects that each record has, by their attempts.
    pub effects: Vec<Vec<u8>>,
    /// What became of each record; `None`: a duplicate, or void.
    pub outcomes: Vec<Option<CommandOutcome>>,
}

impl Sequential {
    pub fn of(log: &[Record]) -> Sequential {
        Sequential::skipping(None, log)
    }

    /// The same without the record that is void.
    pub fn skipping(void: Option<u8>, log: &[Record]) -> Sequential {
        let mut all = Sequential {
            books: vec![Book::default()],
            rows: vec![Rows::default()],
            facts: BTreeMap::new(),
            effects: Vec::new(),
            outcomes: Vec::new(),
        };
        let (mut book, mut rows) = (Book::default(), Rows::default());
        for (offset, record) in (0u8..).zip(log) {
            let mut effects = Vec::new();
            let mut outcome = None;
            if void != Some(offset) {
                let mut state = book.state();
                let judged = {
                    let (attempt, key) = (known(&all.facts, record, true), known(&all.facts, record, false));
                    let prior = tidegate_kernel::command::Prior { attempt: &attempt, key: &key };
                    judge(&mut state, &record.envelope(), record.place(offset), prior)
                };
                book = Book::of(&state);
                if let Judged::Decided(decision) = judged {
                    for (id, fact) in decision.facts(&record.envelope(), position(offset)) {
                        all.facts.insert((id, offset), Fact::of(&fact));
                    }
                    for change in &decision.follow.views {
                        rows.put(number(&change.key), offset, change.doc.as_deref());
                    }
                    effects = decision.follow.effects.iter().map(|effect| effect.attempt.bits() as u8).collect();
                    outcome = Some(CommandOutcome::of(&decision.outcome));
                }
            }
            all.books.push(book);
            all.rows.push(rows);
            all.effects.push(effects);
            all.outcomes.push(outcome);
        }
        all
    }

    /// What every reader finds in the end.
    pub fn last(&self) -> (&Book, &Rows) {
        // Both begin with what is stored of no records.
        (self.books.last().expect("never empty"), self.rows.last().expect("never empty"))
    }
}

/// The facts of a record's attempt, or of its key.
pub fn known(
    facts: &BTreeMap<FactName, Fact>,
    record: &Record,
    of_attempt: bool,
) -> Vec<tidegate_kernel::command::Fact<Purse>> {
    use tidegate_kernel::command::FactId;
    let id = match (of_attempt, record.key) {
        (true, _) => FactId::Attempt(Attempt::from_bits(u128::from(record.attempt))),
        (false, Some(hash)) => FactId::Key(KeyHash(u128::from(hash))),
        (false, None) => return Vec::new(),
    };
    facts.range((id, 0)..=(id, u8::MAX)).map(|((_, offset), fact)| fact.whole(*offset)).collect()
}
