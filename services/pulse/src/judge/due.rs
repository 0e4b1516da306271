//! When agents are due: the next one is found without looking at the others.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tidegate_agentping::AgentId;
use tidegate_kernel::Timestamp;

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
    }

    /// Takes out one that is due at `to`.
    pub fn next(&mut self, to: Timestamp) -> Option<AgentId> {
        while let Some(Reverse((due, agent))) = self.heap.peek().copied().filter(|Reverse((due, _))| *due <= to) {
            self.heap.pop();
            // Entries that a later call replaced stay in the heap until their time.
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
}
