//! One batch of a partition, as pure steps: decode, group by key, know each record's fate.

use std::collections::HashMap;

use tidegate_kernel::Position;
use tidegate_ports::{Account, Consumed, Fate};

use crate::apply::Apply;
use crate::brake::{Brake, Tripped};
use crate::fail_points;
use crate::group::{Entry, Group, RecordFate};

/// A decoded batch: what can be applied, by key, and what never can.
pub(crate) struct Batch<A: Apply> {
    pub groups: Vec<Group<A::Key, A::Record>>,
    pub poison: Vec<(Consumed, String)>,
    /// What stopped decoding, at which record, and why that cannot be decoded. It and all after it are not of this
    /// batch.
    pub tripped: Option<(Tripped, Position, String)>,
    /// Every record of the batch, in log order.
    entries: Vec<Entry<A::Key>>,
    /// The records themselves, each at its entry's place; `None` for poison.
    sources: Vec<Option<Consumed>>,
}

impl<A: Apply> Batch<A> {
    /// Decodes records in log order, as far as the brake lets it, and groups them by key, keeping each key's order.
    pub fn decode(apply: &A, consumed: Vec<Consumed>, brake: &mut Brake) -> Self {
        let mut batch = Batch {
            groups: Vec::new(),
            poison: Vec::new(),
            tripped: None,
            entries: Vec::with_capacity(consumed.len()),
            sources: Vec::with_capacity(consumed.len()),
        };
        let mut places: HashMap<A::Key, usize> = HashMap::with_capacity(consumed.len());
        for one in consumed {
            let decoded = apply.decode(fail_points::as_read(&one.payload));
            let tripped = brake.take(decoded.is_err());
            let entry = Entry { position: one.position, appended_at: one.appended_at, key: None, fate: None };
            match (decoded, tripped) {
                (Ok(record), _) => {
                    let key = A::key(&record);
                    batch.entries.push(Entry { key: Some(key), ..entry });
                    let replayed = one.provenance.as_ref().is_some_and(|provenance| provenance.origin.is_some());
                    batch.add(key, record, one.position, replayed, &mut places);
                    batch.sources.push(Some(one));
                }
                (Err(reason), Some(tripped)) => {
                    batch.tripped = Some((tripped, one.position, reason));
                    break;
                }
                (Err(reason), None) => {
                    batch.entries.push(Entry { fate: Some(Fate::Dead), ..entry });
                    batch.poison.push((one, reason));
                    batch.sources.push(None);
                }
            }
        }
        batch
    }

    fn add(
        &mut self,
        key: A::Key,
        record: A::Record,
        position: Position,
        replayed: bool,
        places: &mut HashMap<A::Key, usize>,
    ) {
        let place = *places.entry(key).or_insert_with(|| {
            self.groups.push(Group { key, records: Vec::with_capacity(1), replayed: false, last: position });
            self.groups.len() - 1
        });
        let group = &mut self.groups[place];
        group.records.push((self.entries.len() - 1, record));
        group.replayed |= replayed;
        group.last = position;
    }

    /// Folds the records onto what is loaded of their keys; `None`: there are none.
    pub fn fold(mut self, apply: &A, loaded: Option<A::Loaded>, again: bool) -> Folded<A> {
        let changes = match loaded {
            Some(loaded) => apply.fold(self.groups, loaded, &mut self.entries, again),
            None => Vec::new(),
        };
        Folded { changes, entries: self.entries, sources: self.sources }
    }
}

/// The changes of a batch and how each of its records ended.
pub(crate) struct Folded<A: Apply> {
    pub changes: Vec<A::Change>,
    entries: Vec<Entry<A::Key>>,
    sources: Vec<Option<Consumed>>,
}

impl<A: Apply> Folded<A> {
    /// Records that were folded before and are not counted yet: the process that folded them ended before it settled.
    pub fn not_yet_counted(&self, account: &Account) -> Vec<Position> {
        let open = self.entries.iter().filter(|entry| entry.fate.is_none() && is_new_to(account, entry));
        open.map(|entry| entry.position).collect()
    }

    /// The fates of records that were not simply stored: of those that the account does not count yet, or of all.
    pub fn fates_to_record(&self, account: &Account, of_all: bool) -> Vec<RecordFate<A::Key>> {
        let to_record = |entry: &Entry<A::Key>| {
            let fate = entry.fate.filter(|fate| *fate != Fate::Stored && (of_all || is_new_to(account, entry)))?;
            Some(RecordFate { position: entry.position, appended_at: entry.appended_at, key: entry.key, fate })
        };
        self.entries.iter().filter_map(to_record).collect()
    }

    /// Counts every record in log order; `recorded` are fates of records that were folded before. Such a record that
    /// has none there was stored.
    pub fn count(&self, account: &mut Account, recorded: &HashMap<Position, Fate>) {
        for entry in &self.entries {
            let fate = entry.fate.or_else(|| recorded.get(&entry.position).copied()).unwrap_or(Fate::Stored);
            account.count(entry.position.offset, fate);
        }
    }

    /// The records of these keys, each with its place in the batch.
    pub fn take_sources(&mut self, of: impl Fn(A::Key) -> bool) -> Vec<(usize, Consumed)> {
        let wanted = |place: &usize| self.entries[*place].key.is_some_and(&of);
        let places: Vec<usize> = (0..self.entries.len()).filter(wanted).collect();
        places.into_iter().filter_map(|place| Some((place, self.sources[place].take()?))).collect()
    }

    pub fn set_fate(&mut self, place: usize, fate: Fate) {
        self.entries[place].fate = Some(fate);
    }

    /// The key and the fate of a batch's only record.
    pub fn only(&self) -> (Option<A::Key>, Option<Fate>) {
        self.entries.first().map_or((None, None), |entry| (entry.key, entry.fate))
    }

    /// Every record's offset, in log order, and its fate if this batch folded it.
    pub fn done(&self) -> impl Iterator<Item = (i64, Option<Fate>)> {
        self.entries.iter().map(|entry| (entry.position.offset, entry.fate))
    }
}

const fn is_new_to<K>(account: &Account, entry: &Entry<K>) -> bool {
    entry.position.offset >= account.next_offset
}
