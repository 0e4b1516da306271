//! Leaving out openings of which many came in one time.

use std::collections::VecDeque;

use crate::runs::OpenedRun;

/// Leaves out up to `most` openings, those first whose neighbours are closest to each other. The first and the last one
/// stay, and so do both neighbours of each that goes: a single call makes no gap wider than the time between the two.
///
/// With fewer than three openings for each that is to go, it may leave out less.
pub(super) fn thin_out(waiting: &mut VecDeque<OpenedRun>, most: usize) {
    let apart = |index: &usize| waiting[index + 1].received_at.millis_since(waiting[index - 1].received_at);
    let mut inner: Vec<usize> = (1..waiting.len().saturating_sub(1)).collect();
    inner.sort_by_key(apart);
    let (mut goes, mut left) = (vec![false; waiting.len()], most);
    for index in inner {
        if left > 0 && !goes[index - 1] && !goes[index + 1] {
            goes[index] = true;
            left -= 1;
        }
    }
    let mut goes = goes.into_iter();
    waiting.retain(|_| !goes.next().unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::RunId;
    use tidegate_kernel::{Region, Timestamp};

    use super::*;

    /// Openings at these instants, in milliseconds.
    fn at(instants: impl IntoIterator<Item = i64>) -> VecDeque<OpenedRun> {
        let opened = |(number, at)| OpenedRun {
            run: RunId::from_bits(Region::Eu, number),
            received_at: Timestamp::from_millis(at),
            started_at: None,
            ended: None,
        };
        (0..).zip(instants).map(opened).collect()
    }

    fn instants(waiting: &VecDeque<OpenedRun>) -> Vec<i64> {
        waiting.iter().map(|opened| opened.received_at.as_millis()).collect()
    }

    #[test]
    fn those_of_a_crowd_go_and_no_two_neighbours() {
        let mut waiting = at([0, 1_000, 2_000, 2_001, 2_002, 2_003, 2_004, 3_000, 4_000]);
        thin_out(&mut waiting, 2);
        assert_eq!(instants(&waiting), [0, 1_000, 2_000, 2_002, 2_004, 3_000, 4_000]);
    }

    #[test]
    fn a_third_of_them_can_always_go_and_the_ends_stay() {
        let mut waiting = at(0..1_000);
        thin_out(&mut waiting, 333);
        assert_eq!(waiting.len(), 667);
        let left = instants(&waiting);
        assert_eq!((left.first(), left.last()), (Some(&0), Some(&999)));
        assert!(left.is_sorted_by(|before, after| after - before <= 2));
    }

    #[test]
    fn of_one_or_two_none_goes() {
        for many in 0..3 {
            let mut waiting = at(0..many);
            thin_out(&mut waiting, 5);
            assert_eq!(instants(&waiting), (0..many).collect::<Vec<_>>());
        }
    }
}
