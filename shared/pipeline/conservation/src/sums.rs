//! The sums: accounts against the log's ends. Pure.

use std::collections::BTreeMap;

use tidegate_kernel::Partition;
use tidegate_ports::{Account, LogSpan};

/// The sums of every partition, by generation, then partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub partitions: Vec<PartitionSums>,
    /// Whether the log's ends are among what is known.
    pub log_is_known: bool,
}

/// One partition's account and, where it is known, what the log has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSums {
    pub generation: u16,
    pub partition: Partition,
    /// The first record that is accounted for.
    pub from: i64,
    /// The first record that is not settled.
    pub next: i64,
    /// `None`: the log could not be read, or this is a partition of an older generation, which is not read any more.
    pub log: Option<LogEnds>,
    pub stored: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub dead: u64,
}

/// The log has `[first, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnds {
    pub first: i64,
    pub end: i64,
}

/// The sums over all partitions. `accepted` and `in_flight` are `None` where the log is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub accepted: Option<i64>,
    pub stored: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub dead: u64,
    pub in_flight: Option<i64>,
    pub difference: i64,
}

impl Sums {
    /// Read the accounts before the spans: a log only grows, so no end lies before what was settled, unless the log has
    /// lost its tail. `spans`: `None` where the log could not be read.
    pub fn of(accounts: &[Account], spans: Option<&[LogSpan]>) -> Sums {
        let mut rows: BTreeMap<(u16, Partition), PartitionSums> = BTreeMap::new();
        for account in accounts {
            rows.insert((account.generation, account.partition), PartitionSums::of(account));
        }
        for span in spans.into_iter().flatten() {
            // Nothing of it is settled yet: it begins with what the log has.
            let opened = || PartitionSums::of(&Account::opened(span.generation, span.partition, span.first));
            let row = rows.entry((span.generation, span.partition)).or_insert_with(opened);
            row.log = Some(LogEnds { first: span.first, end: span.end });
        }
        Sums { partitions: rows.into_values().collect(), log_is_known: spans.is_some() }
    }

    /// All partitions together. What was accepted of a generation that is not read any more is what was read of it.
    pub fn total(&self) -> Total {
        let mut total = Total::default();
        let (mut accepted, mut in_flight) = (0, 0);
        for row in &self.partitions {
            total.stored += row.stored;
            total.duplicate += row.duplicate;
            total.conflict += row.conflict;
            total.dead += row.dead;
            total.difference += row.difference();
            accepted += row.accepted().unwrap_or(row.next - row.from);
            in_flight += row.in_flight().unwrap_or(0);
        }
        let known = |records| self.log_is_known.then_some(records);
        Total { accepted: known(accepted), in_flight: known(in_flight), ..total }
    }

    /// `None`: nothing is missing of what was read, and the rest is not known.
    pub fn adds_up(&self) -> Option<bool> {
        // One partition's surplus must not hide another's loss, so the total's difference is not asked.
        if self.partitions.iter().any(|row| row.difference() != 0) {
            return Some(false);
        }
        self.log_is_known.then_some(true)
    }
}

impl PartitionSums {
    const fn of(account: &Account) -> Self {
        PartitionSums {
            generation: account.generation,
            partition: account.partition,
            from: account.from_offset,
            next: account.next_offset,
            log: None,
            stored: account.stored,
            duplicate: account.duplicate,
            conflict: account.conflict,
            dead: account.dead,
        }
    }

    const fn settled(&self) -> i64 {
        (self.stored + self.duplicate + self.conflict + self.dead) as i64
    }

    /// Records that the log took since the accounts began.
    pub fn accepted(&self) -> Option<i64> {
        self.log.map(|log| log.end - self.from)
    }

    /// Records that the log still has and no persister has settled.
    pub fn in_flight(&self) -> Option<i64> {
        self.log.map(|log| (log.end - self.next.max(log.first)).max(0))
    }

    /// Above 0: records that were accepted and that no account covers any more. Below 0: more was settled than the
    /// log has, so it has lost its tail. Where the log is unknown: what is missing of that which was read.
    pub fn difference(&self) -> i64 {
        match (self.accepted(), self.in_flight()) {
            (Some(accepted), Some(in_flight)) => accepted - self.settled() - in_flight,
            _ => self.next - self.from - self.settled(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_ports::Fate;

    use super::*;

    fn account(partition: Partition, from: i64, fates: impl IntoIterator<Item = (i64, Fate)>) -> Account {
        let mut account = Account::opened(1, partition, from);
        fates.into_iter().for_each(|(offset, fate)| account.count(offset, fate));
        account
    }

    fn span(partition: Partition, first: i64, end: i64) -> LogSpan {
        LogSpan { generation: 1, partition, first, end }
    }

    fn only(account: Account, log: LogSpan) -> PartitionSums {
        let sums = Sums::of(&[account], Some(&[log]));
        assert_eq!(sums.partitions.len(), 1);
        sums.partitions[0]
    }

    #[test]
    fn what_was_accepted_is_settled_or_in_flight() {
        let settled = account(0, 10, (10..).zip(Fate::ALL));
        // A foreign record that cannot be decoded is a dead one: it was accepted, too.
        let untouched = span(1, 3, 8);
        let sums = Sums::of(&[settled], Some(&[span(0, 0, 17), untouched]));
        assert_eq!(sums.adds_up(), Some(true));
        let sums_of = |row: &PartitionSums| (row.accepted(), row.settled(), row.in_flight(), row.difference());
        assert_eq!(sums_of(&sums.partitions[0]), (Some(7), 4, Some(3), 0));
        assert_eq!(sums_of(&sums.partitions[1]), (Some(5), 0, Some(5), 0));
        let expected = Total {
            accepted: Some(12),
            stored: 1,
            duplicate: 1,
            conflict: 1,
            dead: 1,
            in_flight: Some(8),
            difference: 0,
        };
        assert_eq!(sums.total(), expected);
    }

    #[test]
    fn nothing_at_all_adds_up() {
        let sums = Sums::of(&[], Some(&[span(0, 0, 0)]));
        assert_eq!((sums.adds_up(), sums.total().accepted), (Some(true), Some(0)));
    }

    /// Retention deleted what no persister had read: it shows before the consumers reach the gap, and stays afterwards.
    #[test]
    fn a_gap_shows_for_good() {
        let before = account(0, 0, [(0, Fate::Stored), (1, Fate::Stored)]);
        let overtaken = only(before, span(0, 6, 9));
        assert_eq!((overtaken.in_flight(), overtaken.difference()), (Some(3), 4));
        let after = account(0, 0, [(0, Fate::Stored), (1, Fate::Stored), (6, Fate::Dead), (7, Fate::Stored)]);
        let gone_on = only(after, span(0, 6, 9));
        assert_eq!((gone_on.in_flight(), gone_on.difference()), (Some(1), 4));
    }

    /// The log ends before what was settled: it has forgotten records that were acknowledged.
    #[test]
    fn a_truncated_log_shows() {
        let all = account(0, 0, (0..100).map(|offset| (offset, Fate::Stored)));
        let truncated = only(all, span(0, 0, 90));
        assert_eq!((truncated.in_flight(), truncated.difference()), (Some(0), -10));
        let emptied = only(all, span(0, 0, 0));
        assert_eq!(emptied.difference(), -100);
    }

    #[test]
    fn a_surplus_does_not_hide_a_loss() {
        let gap = account(0, 0, [(0, Fate::Stored), (5, Fate::Stored)]);
        let surplus = account(1, 0, (0..4).map(|offset| (offset, Fate::Stored)));
        let sums = Sums::of(&[gap, surplus], Some(&[span(0, 0, 6), span(1, 0, 0)]));
        assert_eq!((sums.total().difference, sums.adds_up()), (0, Some(false)));
    }

    #[test]
    fn without_the_log_nothing_is_guessed() {
        let whole = account(0, 0, (0..).zip(Fate::ALL));
        let sums = Sums::of(&[whole], None);
        assert_eq!(sums.adds_up(), None);
        let total = sums.total();
        assert_eq!((total.accepted, total.in_flight, total.stored, total.difference), (None, None, 1, 0));
        let gap = account(0, 0, [(3, Fate::Stored)]);
        assert_eq!(Sums::of(&[gap], None).adds_up(), Some(false));
    }

    /// Another generation's partitions are other partitions; what was read of an old one still counts.
    #[test]
    fn an_older_generation_is_what_was_read_of_it() {
        let old = account(0, 0, (0..).zip(Fate::ALL));
        let new = LogSpan { generation: 2, partition: 0, first: 0, end: 5 };
        let sums = Sums::of(&[old], Some(&[new]));
        assert_eq!(sums.partitions.iter().map(|row| row.log.is_some()).collect::<Vec<_>>(), [false, true]);
        let total = sums.total();
        assert_eq!((total.accepted, total.in_flight, total.difference), (Some(9), Some(5), 0));
        assert_eq!(sums.adds_up(), Some(true));
    }
}
