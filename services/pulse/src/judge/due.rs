//! When agents are due: the next one is found without looking at the others.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tidegate_agentping::AgentId;
use tidegate_kernel::Timestamp;

/// Entries that do not count are left out once there are so many more of them than of the others.
const MAX_REPLACED: usize = 1_024;

/// The due times of agents, at most one of each that counts.
#[derive(Debug, Default)]
pub struct DueTimes {
    heap: BinaryHeap<Reverse<(Timestamp, AgentId)>>,
    of: HashMap<AgentId, Timestamp>,
}

impl DueTimes {
    /// From now on the agent is due then; `None`: not at all.
    pub fn set(&mut self, agent: AgentId, due: Option<Timestamp>) {
        let before = match due {
            Some(due) => self.of.insert(agent, due),
            None => self.of.remove(&agent),
        };
        if let Some(due) = due.filter(|due| before != Some(*due)) {
            self.heap.push(Reverse((due, agent)));
        }
        // A time that moves with every run is replaced long before it comes.
        if self.heap.len() > 2 * self.of.len() + MAX_REPLACED {
            self.heap = self.of.iter().map(|(agent, due)| Reverse((*due, *agent))).collect();
        }
    }

    /// Takes out one that is due at `to`.
    pub fn next(&mut self, to: Timestamp) -> Option<AgentId> {
        while let Some(Reverse((due, agent))) = self.heap.peek().copied().filter(|Reverse((due, _))| *due <= to) {
            self.heap.pop();
            // Entries that a later call replaced stay in the heap for a while.
            if self.of.get(&agent) == Some(&due) {
                self.of.remove(&agent);
                return Some(agent);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn the_last_due_time_of_an_agent_counts_once() {
        let agent = |number| AgentId::from_bits(Region::Eu, number);
        let mut due = DueTimes::default();
        due.set(agent(1), Some(at(10)));
        due.set(agent(2), Some(at(20)));
        due.set(agent(3), Some(at(5)));
        due.set(agent(1), Some(at(30)));
        due.set(agent(2), Some(at(15)));
        due.set(agent(3), None);
        assert_eq!(due.next(at(14)), None);
        assert_eq!(due.next(at(100)), Some(agent(2)));
        due.set(agent(2), Some(at(20)));
        assert_eq!(due.next(at(100)), Some(agent(2)));
        assert_eq!(due.next(at(100)), Some(agent(1)));
        assert_eq!(due.next(at(100)), None);
    }

    /// As of a period of a year that begins with each run.
    #[test]
    fn a_time_that_moves_all_the_time_takes_no_memory() {
        let (one, other) = (AgentId::from_bits(Region::Eu, 1), AgentId::from_bits(Region::Eu, 2));
        let mut due = DueTimes::default();
        due.set(other, Some(at(50)));
        (0..100_000).for_each(|second| due.set(one, Some(at(1_000_000 + second))));
        assert!(due.heap.len() <= 2 * due.of.len() + MAX_REPLACED, "{} entries", due.heap.len());
        assert_eq!(due.next(at(999_999)), Some(other));
        assert_eq!((due.next(at(1_099_998)), due.next(at(1_099_999))), (None, Some(one)));
    }
}
