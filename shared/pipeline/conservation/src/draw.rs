//! Which records of the log are looked up in the store: chosen at random, those stored lately most often. Pure.

use tidegate_kernel::{Partition, Position};

use crate::sums::{PartitionSums, Sums};

/// Records that follow one another and are read at once: what a store loses lies together, and each read of the log
/// costs a seek.
const STRETCH: u64 = 8;

/// Records `[from, until)` of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stretch {
    pub partition: Partition,
    pub from: i64,
    pub until: i64,
}

/// What each partition's account counts and the log still has. Nothing of a partition whose end is not known.
pub(crate) fn settled(sums: &Sums) -> Vec<Stretch> {
    let of_partition = |row: &PartitionSums| {
        let log = row.log?;
        let (from, until) = (row.from.max(log.first), row.next.min(log.end));
        (from < until).then_some(Stretch { partition: row.partition, from, until })
    };
    sums.partitions.iter().filter_map(of_partition).collect()
}

/// At most `records` records of what is settled, in stretches that do not overlap. Each stretch is of a partition at
/// random, and ends at an age that is random in its order of magnitude: the last ten records of a partition are as
/// likely as the ninety before them, or the nine hundred before those.
pub(crate) fn draw(settled: &[Stretch], records: u64, mut random: impl FnMut() -> u64) -> Vec<Stretch> {
    let mut drawn = Vec::new();
    let mut left = if settled.is_empty() { 0 } else { records };
    while left > 0 {
        let length = left.min(STRETCH);
        let of = settled[(random() % settled.len() as u64) as usize];
        let until = of.until - age(of.until - of.from, random());
        let from = of.from.max(until - length as i64);
        drawn.push(Stretch { partition: of.partition, from, until });
        left -= length;
    }
    joined(drawn)
}

/// Each of these records by itself, so that none is skipped for its size, if it is still there to be read. In log
/// order: reading on costs no seek.
pub(crate) fn these(positions: impl Iterator<Item = Position>, settled: &[Stretch]) -> Vec<Stretch> {
    let one = |at: Position| Stretch { partition: at.partition, from: at.offset, until: at.offset + 1 };
    let is_there = |wanted: &Stretch| {
        let within = |of: &Stretch| of.partition == wanted.partition && (of.from..of.until).contains(&wanted.from);
        settled.iter().any(within)
    };
    let mut wanted: Vec<Stretch> = positions.map(one).filter(is_there).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// 0 to `records - 1`; the logarithm of what follows the 0 is spread evenly.
fn age(records: i64, random: u64) -> i64 {
    let exponent = (random >> 11) as f64 / (1_u64 << 53) as f64;
    ((records as f64).powf(exponent) as i64 - 1).clamp(0, records - 1)
}

fn joined(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    stretches.dedup_by(|next, kept| {
        let touches = next.partition == kept.partition && next.from <= kept.until;
        if touches {
            kept.until = kept.until.max(next.until);
        }
        touches
    });
    stretches
}

#[cfg(test)]
mod tests {
    use tidegate_ports::{Account, Fate, LogSpan};

    use super::*;

    const fn stretch(partition: Partition, from: i64, until: i64) -> Stretch {
        Stretch { partition, from, until }
    }

    /// The same numbers on every run, well spread.
    fn spread() -> impl FnMut() -> u64 {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        }
    }

    fn records(drawn: &[Stretch]) -> i64 {
        drawn.iter().map(|one| one.until - one.from).sum()
    }

    #[test]
    fn only_what_is_settled_and_on_the_log_is_drawn_from() {
        let account = |partition, from, next| {
            let mut account = Account::opened(2, partition, from);
            (from..next).for_each(|offset| account.count(offset, Fate::Stored));
            account
        };
        let accounts = [account(0, 10, 20), account(1, 0, 5), account(2, 0, 9), account(4, 0, 3)];
        let span = |partition, first, end| LogSpan { generation: 2, partition, first, end };
        // 0: settled to 20 of 30. 1: retention took all that is settled. 2: the log lost its tail. 3: nothing settled.
        // 4 is not on the log.
        let spans = [span(0, 0, 30), span(1, 7, 9), span(2, 4, 6), span(3, 0, 8)];
        let sums = Sums::of(&accounts, Some(&spans));
        assert_eq!(settled(&sums), [stretch(0, 10, 20), stretch(2, 4, 6)]);
        assert_eq!(settled(&Sums::of(&accounts, None)), []);
    }

    #[test]
    fn no_more_are_drawn_than_asked_for_and_none_twice() {
        let of = [stretch(0, 100, 5_000), stretch(3, 0, 20), stretch(7, 40, 41)];
        let mut random = spread();
        for asked in [0, 1, 5, 8, 9, 64, 1_000] {
            let drawn = draw(&of, asked, &mut random);
            assert!(records(&drawn) as u64 <= asked, "{asked}: {drawn:?}");
            assert_eq!(drawn.is_empty(), asked == 0);
            for pair in drawn.windows(2) {
                assert!(pair[0] < pair[1], "{drawn:?}");
                assert!(pair[0].partition != pair[1].partition || pair[0].until < pair[1].from, "{drawn:?}");
            }
            let within = |one: &Stretch| {
                of.iter().any(|of| of.partition == one.partition && of.from <= one.from && one.until <= of.until)
            };
            assert!(drawn.iter().all(|one| one.from < one.until && within(one)), "{drawn:?}");
        }
        assert_eq!(draw(&[], 64, random), []);
    }

    #[test]
    fn new_records_are_drawn_often_and_old_ones_too() {
        let (of, mut random) = ([stretch(0, 0, 1_000_000)], spread());
        let (mut newest, mut old) = (0, 0);
        for _ in 0..1_000 {
            let drawn = draw(&of, STRETCH, &mut random);
            newest += u32::from(drawn[0].until > 999_900);
            old += u32::from(drawn[0].until < 900_000);
        }
        assert!((250..420).contains(&newest), "{newest} of 1000 end in the last hundred records: a third is expected");
        assert!((80..260).contains(&old), "{old} of 1000 end before the last tenth: a sixth is expected");
    }

    #[test]
    fn the_ages_reach_from_the_newest_to_the_oldest() {
        for records in [1, 2, 10, i64::from(u32::MAX)] {
            assert_eq!(age(records, 0), 0);
            assert!((0..records).contains(&age(records, u64::MAX)), "{records}");
        }
        assert!(age(1_000_000, u64::MAX) > 900_000);
    }

    #[test]
    fn records_are_looked_at_again_while_the_log_has_them() {
        let at = |partition, offset| Position { generation: 1, partition, offset };
        let wanted = [at(1, 8), at(0, 5), at(0, 4), at(0, 2), at(0, 5), at(2, 0)];
        let of = [stretch(0, 3, 9), stretch(1, 0, 9)];
        assert_eq!(these(wanted.into_iter(), &of), [stretch(0, 4, 5), stretch(0, 5, 6), stretch(1, 8, 9)]);
    }
}
