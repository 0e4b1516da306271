//! One batch of a partition, as pure steps: decode, group by key, know each record's fate.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_kernel::Position;
use tidegate_kernel::command::{AtRecord, VoidState};
use tidegate_ports::{Account, Consumed, Fate};

use crate::apply::{Apply, FoldStop};
use crate::brake::{Brake, Tripped};
use crate::fail_points;
use crate::group::{Entry, EntryOrigin, Group, RecordFate};
use crate::halting::DecodingStop;
use crate::panics::or_panic;
use crate::store_seen::StoreSeen;

/// What a batch takes.
pub(crate) struct Intake {
    /// Records that are skipped, or waited at.
    pub voids: Arc<HashMap<Position, VoidState>>,
    pub max_records_of_key: Option<usize>,
}

impl Intake {
    fn at(&self, position: &Position) -> AtRecord {
        VoidState::at(self.voids.get(position).copied())
    }
}

/// A decoded batch: what can be applied, by key, and what never can.
pub(crate) struct Batch<A: Apply> {
    pub groups: Vec<Group<A::Key, A::Record>>,
    pub poison: Vec<(Consumed, String)>,
    /// What stopped decoding. Its record and all after it are not of this batch.
    pub tripped: Option<DecodingStop>,
    /// What is not of this batch, in log order.
    pub rest: Vec<Consumed>,
    /// Every record of the batch, in log order.
    pub entries: Vec<Entry<A::Key>>,
    /// The records themselves, each at its entry's place; `None` once it was taken.
    sources: Vec<Option<Consumed>>,
}

impl<A: Apply> Batch<A> {
    /// Decodes records in log order, as far as the brake lets it, and groups them by key, keeping each key's order.
    pub fn decode(apply: &A, consumed: Vec<Consumed>, intake: &Intake, brake: &mut Brake) -> Self {
        let mut batch = Batch {
            groups: Vec::new(),
            poison: Vec::new(),
            tripped: None,
            rest: Vec::new(),
            entries: Vec::with_capacity(consumed.len()),
            sources: Vec::with_capacity(consumed.len()),
        };
        let mut places: HashMap<A::Key, usize> = HashMap::with_capacity(consumed.len());
        let mut waiting = consumed.into_iter();
        for one in waiting.by_ref() {
            let entry = entry_of(&one, intake);
            match intake.at(&one.position) {
                AtRecord::Apply => {}
                AtRecord::Skip => {
                    batch.push(Entry { fate: Some(Fate::Dead), ..entry }, one);
                    continue;
                }
                AtRecord::Wait => {
                    let (tripped, position) = (Tripped::AskedToBeVoid, one.position);
                    batch.tripped = Some(DecodingStop { tripped, position, reason: String::new() });
                    batch.rest.push(one);
                    break;
                }
            }
            let payload = fail_points::as_read(&one.payload);
            let decoded = or_panic("decoding", || apply.decode(payload)).and_then(|decoded| decoded);
            if let Ok(record) = &decoded
                && batch.is_full_of(A::key(record), intake, &places)
            {
                batch.rest.push(one);
                break;
            }
            let tripped = brake.take(decoded.is_err());
            match (decoded, tripped) {
                (Ok(record), _) => {
                    let key = A::key(&record);
                    batch.push(Entry { key: Some(key), ..entry }, one);
                    batch.add(key, record, entry, &mut places);
                }
                (Err(reason), Some(tripped)) => {
                    batch.tripped = Some(DecodingStop { tripped, position: one.position, reason });
                    batch.rest.push(one);
                    break;
                }
                (Err(reason), None) => {
                    batch.poison.push((one.clone(), reason));
                    batch.push(Entry { fate: Some(Fate::Dead), ..entry }, one);
                }
            }
        }
        batch.rest.extend(waiting);
        batch
    }

    fn is_full_of(&self, key: A::Key, intake: &Intake, places: &HashMap<A::Key, usize>) -> bool {
        let Some(most) = intake.max_records_of_key else { return false };
        places.get(&key).is_some_and(|place| self.groups[*place].records.len() >= most.max(1))
    }

    fn push(&mut self, entry: Entry<A::Key>, source: Consumed) {
        self.entries.push(entry);
        self.sources.push(Some(source));
    }

    fn add(&mut self, key: A::Key, record: A::Record, of: Entry<A::Key>, places: &mut HashMap<A::Key, usize>) {
        let place = *places.entry(key).or_insert_with(|| {
            self.groups.push(Group { key, records: Vec::with_capacity(1), replayed: false, last: of.position });
            self.groups.len() - 1
        });
        let group = &mut self.groups[place];
        group.records.push((self.entries.len() - 1, record));
        group.replayed |= of.origin.is_some();
        group.last = of.position;
    }

    /// Folds the records onto what is loaded of their keys, from the store as it was seen then; `None`: there are none.
    ///
    /// # Errors
    /// [`Stopped`], with the records.
    pub fn fold(
        mut self,
        apply: &A,
        loaded: Option<(A::Loaded, StoreSeen)>,
        again: bool,
    ) -> Result<Folded<A>, Stopped> {
        let (groups, entries) = (self.groups, &mut self.entries);
        let (loaded, seen) = loaded.unzip();
        let folded = match loaded {
            // After a panic the entries are dropped. It may come of what is stored, or of how the batch is cut.
            Some(loaded) => or_panic("folding", || apply.fold(groups, loaded, entries, again))
                .unwrap_or_else(|reason| Err(FoldStop { at: None, for_good: false, reason })),
            None => Ok(Vec::new()),
        };
        match folded {
            Ok(changes) => Ok(Folded { changes, seen, entries: self.entries, sources: self.sources }),
            Err(stop) => Err(Stopped { records: self.sources.into_iter().flatten().collect(), stop }),
        }
    }

    /// The batch's records, in log order.
    pub fn into_records(self) -> Vec<Consumed> {
        self.sources.into_iter().flatten().collect()
    }
}

fn entry_of<K>(one: &Consumed, intake: &Intake) -> Entry<K> {
    let origin = one.provenance.as_ref().and_then(|provenance| provenance.origin);
    let origin = origin.map(|origin| EntryOrigin {
        position: origin.position,
        is_void: intake.at(&origin.position) == AtRecord::Skip,
    });
    Entry { position: one.position, appended_at: one.appended_at, key: None, origin, fate: None, fate_before: None }
}

/// A fold that stopped.
pub(crate) struct Stopped {
    /// The batch's records, in log order.
    pub records: Vec<Consumed>,
    pub stop: FoldStop,
}

/// The changes of a batch and how each of its records ended.
pub(crate) struct Folded<A: Apply> {
    pub changes: Vec<A::Change>,
    /// The store that the changes were folded from; `None`: nothing was loaded, and there are no changes.
    pub seen: Option<StoreSeen>,
    entries: Vec<Entry<A::Key>>,
    sources: Vec<Option<Consumed>>,
}

impl<A: Apply> Folded<A> {
    /// Records that were folded before and are not counted yet, and whose fates the fold did not know: the process that
    /// folded them ended before it settled.
    pub fn not_yet_counted(&self, account: &Account) -> Vec<Position> {
        let is_open = |entry: &&Entry<A::Key>| entry.fate.is_none() && entry.fate_before.is_none();
        let open = self.entries.iter().filter(is_open).filter(|entry| is_new_to(account, entry));
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
            let before = || entry.fate_before.or_else(|| recorded.get(&entry.position).copied());
            let fate = entry.fate.or_else(before).unwrap_or(Fate::Stored);
            account.count(entry.position.offset, fate);
        }
    }

    /// The records of these keys, each with its place in the batch.
    pub fn take_sources(&mut self, of: impl Fn(A::Key) -> bool) -> Vec<(usize, Consumed)> {
        let wanted = |place: &usize| self.entries[*place].key.is_some_and(&of);
        let places: Vec<usize> = (0..self.entries.len()).filter(wanted).collect();
        places.into_iter().filter_map(|place| Some((place, self.sources[place].take()?))).collect()
    }

    /// The batch's records, in log order.
    pub fn into_records(self) -> Vec<Consumed> {
        self.sources.into_iter().flatten().collect()
    }

    /// The offset of the batch's first record.
    pub fn first_offset(&self) -> Option<i64> {
        self.entries.first().map(|entry| entry.position.offset)
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
