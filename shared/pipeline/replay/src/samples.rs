//! A product for tests: its records are the text `KEY WORD`, its filter is one word, and its counts are four numbers.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_kernel::{LogKey, Position, Timestamp};
use tidegate_ports::{Consumed, StoreError};

use crate::candidate::{Candidate, Replayable};
use crate::choice::{Asked, Reason};
use crate::choose::{Choose, CountFates};

pub const NOW: Timestamp = Timestamp::from_millis(1_778_855_521_123);

/// A record: its key and its word; `None` without a blank between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(Option<(String, String)>);

impl Replayable for Word {
    fn read(payload: &Bytes) -> Self {
        let text = std::str::from_utf8(payload).unwrap_or_default();
        Word(text.split_once(' ').map(|(key, word)| (key.to_owned(), word.to_owned())))
    }

    fn key(&self) -> Option<LogKey> {
        self.0.as_ref().map(|(text, _)| key(text))
    }
}

/// Every record, or those whose key has this word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfWord(pub Option<&'static str>);

impl fmt::Display for OfWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |word| write!(f, " of word {word}"))
    }
}

/// Chooses by a word. A record whose word is `?` has that of its key, which an earlier record names.
#[derive(Debug)]
pub struct ByWord {
    wanted: OfWord,
    seen: HashMap<String, String>,
}

impl ByWord {
    pub fn new(wanted: OfWord) -> Self {
        ByWord { wanted, seen: HashMap::new() }
    }
}

#[async_trait]
impl Choose for ByWord {
    type Record = Word;
    type Counts = Fates;

    fn asks_for(&self, record: &Word) -> Asked {
        match (&record.0, self.wanted.0) {
            (None, wanted) => Asked::Unreadable { passes: wanted.is_none() },
            (Some((_, word)), Some(_)) if word == "?" => Asked::NeedsLookUp,
            (Some((_, word)), Some(wanted)) if word != wanted => Asked::No,
            (Some(_), _) => Asked::Yes,
        }
    }

    fn learns(&self) -> bool {
        self.wanted.0.is_some()
    }

    fn learn(&mut self, record: &Word) {
        if let Some((key, word)) = record.0.clone().filter(|(_, word)| word != "?") {
            self.seen.insert(key, word);
        }
    }

    async fn look_up(&self, records: &[&Word]) -> Result<Vec<Option<bool>>, StoreError> {
        let word = |record: &&Word| record.0.as_ref().and_then(|(key, _)| self.seen.get(key));
        Ok(records.iter().map(|record| word(record).map(|word| Some(word.as_str()) == self.wanted.0)).collect())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fates {
    pub appended: u64,
    pub gone: u64,
    pub replays: u64,
    pub others: u64,
}

impl CountFates<Word> for Fates {
    fn appended(&mut self, _record: &Word) {
        self.appended += 1;
    }

    fn passed_over(&mut self, reason: Reason, records: u64) {
        *match reason {
            Reason::Gone => &mut self.gone,
            Reason::Replay => &mut self.replays,
            Reason::NotAskedFor | Reason::Unreadable | Reason::Unknown | Reason::TooLarge | Reason::SetAside => {
                &mut self.others
            }
        } += records;
    }

    fn add(&mut self, other: &Self) {
        self.appended += other.appended;
        self.gone += other.gone;
        self.replays += other.replays;
        self.others += other.others;
    }
}

impl Fates {
    pub const fn total(&self) -> u64 {
        self.appended + self.gone + self.replays + self.others
    }
}

pub fn key(text: &str) -> LogKey {
    LogKey::new(text.as_bytes(), &[text])
}

pub fn payload(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

pub fn position(offset: i64) -> Position {
    Position { generation: 1, partition: 0, offset }
}

pub fn candidate(offset: i64, text: &'static str) -> Candidate<Word> {
    Candidate::of_record(Consumed::plain(position(offset), NOW, payload(text)))
}
