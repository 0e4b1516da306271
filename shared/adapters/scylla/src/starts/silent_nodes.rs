//! Which nodes of the cluster are silent, and since when. As pure bookkeeping.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// A node that has been silent for so long, while others answered, no longer counts as silent. Cassandra's nodes keep
/// hints for another one as long (`max_hint_window`), ScyllaDB's too: after that a node is to be repaired or replaced.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 60 * 60);

/// The silent nodes, by host id, each with the first question that it did not answer.
#[derive(Default)]
pub(super) struct SilentNodes {
    since: HashMap<u128, Instant>,
}

impl SilentNodes {
    /// Takes who answered a question of `at`, and returns how many other members of the cluster are silent. Those that
    /// were given up, or have left the cluster, do not count.
    pub fn count(&mut self, at: Instant, members: impl Iterator<Item = u128>, answered: &HashSet<u128>) -> usize {
        let silent = members.filter(|id| !answered.contains(id));
        self.since = silent.map(|id| (id, self.since.get(&id).copied().unwrap_or(at))).collect();
        self.since.values().filter(|since| at.saturating_duration_since(**since) < GIVEN_UP_AFTER).count()
    }

    /// No node answered: then a node's own silence is not known to be longer than that of all.
    pub fn clear(&mut self) {
        self.since.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster and its questions, at hours after the first one.
    struct Cluster {
        began: Instant,
        members: Vec<u128>,
        silent: SilentNodes,
    }

    impl Cluster {
        fn of(members: &[u128]) -> Self {
            Cluster { began: Instant::now(), members: members.to_vec(), silent: SilentNodes::default() }
        }

        /// How many nodes are silent once these have answered.
        fn answer(&mut self, hours: f64, answered: &[u128]) -> usize {
            let at = self.began + Duration::from_secs_f64(hours * 3_600.0);
            self.silent.count(at, self.members.iter().copied(), &answered.iter().copied().collect())
        }
    }

    #[test]
    fn a_node_is_silent_until_it_answers() {
        let mut cluster = Cluster::of(&[1, 2, 3]);
        assert_eq!(cluster.answer(0.0, &[1, 2, 3]), 0);
        assert_eq!(cluster.answer(0.1, &[1, 2]), 1);
        assert_eq!(cluster.answer(0.2, &[2]), 2);
        assert_eq!(cluster.answer(0.3, &[1, 2]), 1);
        assert_eq!(cluster.answer(0.4, &[1, 2, 3]), 0);
    }

    #[test]
    fn a_node_that_never_answered_is_silent_too() {
        assert_eq!(Cluster::of(&[1, 2]).answer(0.0, &[1]), 1);
    }

    #[test]
    fn a_node_that_has_left_the_cluster_holds_nothing_up() {
        let mut cluster = Cluster::of(&[1, 2]);
        assert_eq!(cluster.answer(0.0, &[1]), 1);
        cluster.members.pop();
        assert_eq!(cluster.answer(0.1, &[1]), 0);
        cluster.members.push(2);
        assert_eq!(cluster.answer(4.0, &[1]), 1, "it is silent anew");
    }

    #[test]
    fn a_node_that_stays_silent_is_given_up_until_it_answers_once_more() {
        let mut cluster = Cluster::of(&[1, 2]);
        assert_eq!(cluster.answer(1.0, &[1]), 1);
        assert_eq!(cluster.answer(3.9, &[1]), 1);
        assert_eq!(cluster.answer(4.0, &[1]), 0);
        assert_eq!(cluster.answer(9.0, &[1, 2]), 0);
        assert_eq!(cluster.answer(9.1, &[1]), 1);
    }

    #[test]
    fn while_no_node_answers_none_is_given_up() {
        let mut cluster = Cluster::of(&[1, 2]);
        assert_eq!(cluster.answer(0.0, &[1]), 1);
        cluster.silent.clear();
        assert_eq!(cluster.answer(5.0, &[1]), 1);
    }
}
