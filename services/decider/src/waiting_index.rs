//! Which deliveries of one partition are not finished, and when each is due: what a sweep asks the store for by name, so
//! that it reads nothing that is finished. Pure.

use std::collections::{BTreeMap, HashMap};

use tidegate_kernel::{SmolStr, Timestamp};

/// The ids of what waits, up to a bound. Beyond it, sweeps read the store whole until it is found to have less.
pub(crate) struct WaitingIndex {
    entries: HashMap<SmolStr, Entry>,
    most: usize,
    /// Every delivery that waits has an entry.
    is_whole: bool,
}

struct Entry {
    shard: u16,
    due: Timestamp,
}

impl WaitingIndex {
    /// It knows nothing until the store was read.
    pub fn new(most: usize) -> Self {
        WaitingIndex { entries: HashMap::new(), most, is_whole: false }
    }

    /// The store is read from its beginning, and each delivery that waits is noted.
    pub fn reading_begins(&mut self) {
        self.entries.clear();
        self.is_whole = true;
    }

    /// A delivery waits until then.
    pub fn note(&mut self, id: &SmolStr, shard: u16, due: Timestamp) {
        if self.entries.len() < self.most || self.entries.contains_key(id) {
            self.entries.insert(id.clone(), Entry { shard, due });
        } else {
            self.is_whole = false;
        }
    }

    /// It is finished, or is not in the store any more.
    pub fn remove(&mut self, id: &SmolStr) {
        self.entries.remove(id);
    }

    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// By shard, what is due by then and is wanted, in the order of ids.
    pub fn due(&self, by: Timestamp, is_wanted: impl Fn(&SmolStr) -> bool) -> BTreeMap<u16, Vec<SmolStr>> {
        let mut shards: BTreeMap<u16, Vec<SmolStr>> = BTreeMap::new();
        for (id, entry) in self.entries.iter().filter(|(id, entry)| entry.due <= by && is_wanted(id)) {
            shards.entry(entry.shard).or_default().push(id.clone());
        }
        shards.values_mut().for_each(|ids| ids.sort_unstable());
        shards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn due(index: &WaitingIndex, by: i64) -> Vec<(u16, Vec<String>)> {
        let text = |ids: Vec<SmolStr>| ids.iter().map(SmolStr::to_string).collect();
        index.due(at(by), |id| id != "held").into_iter().map(|(shard, ids)| (shard, text(ids))).collect()
    }

    #[test]
    fn what_waits_is_named_once_it_is_due() {
        let mut index = WaitingIndex::new(10);
        assert!(!index.is_whole());
        index.reading_begins();
        for (id, shard, seconds) in [("b", 7, 1), ("a", 7, 1), ("c", 3, 2), ("held", 3, 0), ("late", 3, 90)] {
            index.note(&id.into(), shard, at(seconds));
        }
        assert_eq!(due(&index, 1), [(7, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(due(&index, 2).len(), 2);
        index.note(&"a".into(), 7, at(50));
        index.remove(&"c".into());
        assert_eq!(due(&index, 2), [(7, vec!["b".to_owned()])]);
        assert!(index.is_whole() && index.len() == 4);
    }

    #[test]
    fn beyond_its_bound_it_is_not_whole_until_the_store_was_read_anew() {
        let mut index = WaitingIndex::new(2);
        index.reading_begins();
        for id in ["a", "b", "a"] {
            index.note(&id.into(), 0, at(0));
        }
        assert!(index.is_whole());
        index.note(&"c".into(), 0, at(0));
        assert!(!index.is_whole());
        index.remove(&"a".into());
        assert!(!index.is_whole(), "nobody knows of c");
        index.reading_begins();
        index.note(&"c".into(), 0, at(0));
        assert!(index.is_whole() && index.len() == 1, "b is not in the store any more");
    }
}
