//! Which run is above which: a child's failure is shown at the root.
//!
//! Known are runs that are open, and those that had children for a while after their end. A child whose parent is not known is
//! judged as a run of its own.

use std::collections::{HashMap, VecDeque};

use tidegate_agentping::{AgentId, FinishStatus, RunId, TeamId};
use tidegate_kernel::Timestamp;

use super::open_run::UnendedRun;

/// A run that none is above, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    pub agent: AgentId,
    pub run: RunId,
}

/// A run below another one that ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedChild {
    pub root: Root,
    pub child: RunId,
    pub status: FinishStatus,
    pub at: Timestamp,
}

/// A known run.
#[derive(Clone, Copy, Debug)]
struct Known {
    agent: AgentId,
    parent: Option<RunId>,
    has_children: bool,
}

/// The runs of all teams.
#[derive(Debug, Default)]
pub struct RunTree {
    runs: HashMap<(TeamId, RunId), Known>,
    /// The open runs of each with those above them.
    of_agents: HashMap<AgentId, Vec<(RunId, Option<RunId>)>>,
    /// Runs with children that have ended, in the order in which they have.
    ended: VecDeque<(Timestamp, (TeamId, RunId))>,
}

/// Runs above one another, at most.
const DEEPEST: usize = 64;
/// An ended run with children is known for so long, in milliseconds of the log's time.
const KNOWN_AFTER_END_MS: u64 = 3_600_000;
/// And so many of them are.
const MAX_ENDED: usize = 100_000;

impl RunTree {
    /// The runs of an agent that are open at `at`.
    ///
    /// Called with each row of the feed: only what differs from the time before is looked up.
    pub fn set(&mut self, team: TeamId, agent: AgentId, open: &[UnendedRun], at: Timestamp) {
        let mut before = self.of_agents.remove(&agent).unwrap_or_default();
        let mut next = 0;
        for (run, _) in &before {
            if find(open, &mut next, |open| open.run == *run).is_some() {
                continue;
            }
            let key = (team, *run);
            // It may be another agent's by now.
            match self.runs.get(&key).filter(|known| known.agent == agent) {
                Some(known) if known.has_children => self.ended.push_back((at, key)),
                Some(_) => _ = self.runs.remove(&key),
                None => {}
            }
        }
        let mut next = 0;
        for UnendedRun { run, parent, .. } in open {
            if find(&before, &mut next, |known| *known == (*run, *parent)).is_none() {
                let new = Known { agent, parent: None, has_children: false };
                let known = self.runs.entry((team, *run)).or_insert(new);
                (known.agent, known.parent) = (agent, *parent);
            }
            // One above it may have become known since.
            if let Some(parent) = parent.and_then(|parent| self.runs.get_mut(&(team, parent))) {
                parent.has_children = true;
            }
        }
        if !open.is_empty() {
            before.clear();
            before.extend(open.iter().map(|open| (open.run, open.parent)));
            self.of_agents.insert(agent, before);
        }
        self.forget(at);
    }

    fn forget(&mut self, at: Timestamp) {
        let is_old = |ended: Timestamp, count: usize| count > MAX_ENDED || at.millis_since(ended) > KNOWN_AFTER_END_MS;
        while let Some((ended, key)) = self.ended.front().copied().filter(|(ended, _)| is_old(*ended, self.ended.len()))
        {
            self.ended.pop_front();
            // It may be open again.
            let is_open = self.runs.get(&key).is_some_and(|known| self.is_open(known.agent, key.1));
            if !is_open && at >= ended {
                self.runs.remove(&key);
            }
        }
    }

    fn is_open(&self, agent: AgentId, run: RunId) -> bool {
        self.of_agents.get(&agent).is_some_and(|open| open.iter().any(|(known, _)| *known == run))
    }

    /// What is shown at the root, if a run with this parent ended badly.
    pub fn failed(
        &self,
        team: TeamId,
        (child, parent): (RunId, Option<RunId>),
        status: FinishStatus,
        at: Timestamp,
    ) -> Option<FailedChild> {
        let is_bad = matches!(status, FinishStatus::Failed | FinishStatus::Timeout);
        let root = self.root_of(team, child, parent.filter(|_| is_bad)?)?;
        Some(FailedChild { root, child, status, at })
    }

    /// The run above all that are above a child of `parent`, if `parent` is known.
    fn root_of(&self, team: TeamId, child: RunId, parent: RunId) -> Option<Root> {
        let mut run = parent;
        let mut known = self.runs.get(&(team, run))?;
        for _ in 0..DEEPEST {
            let Some(above) = known.parent.filter(|above| *above != run && *above != child) else { break };
            let Some(known_above) = self.runs.get(&(team, above)) else { break };
            (run, known) = (above, known_above);
        }
        (run != child).then_some(Root { agent: known.agent, run })
    }
}

/// The index of a run in a list, looked for from `next` on, then before it. Two lists of an agent's open runs have mostly
/// the same order, so it is the next one.
fn find<T>(runs: &[T], next: &mut usize, is_it: impl Fn(&T) -> bool) -> Option<usize> {
    let (passed, ahead) = runs.split_at(*next);
    let found = ahead.iter().position(&is_it).map(|index| *next + index);
    let found = found.or_else(|| passed.iter().position(&is_it))?;
    *next = found + 1;
    Some(found)
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;

    const TEAM: TeamId = TeamId::from_bits(Region::Eu, 1);
    const STATUS: FinishStatus = FinishStatus::Failed;

    fn run(number: u128) -> RunId {
        RunId::from_bits(Region::Eu, number)
    }

    fn agent(number: u128) -> AgentId {
        AgentId::from_bits(Region::Eu, number)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn open(runs: &[(u128, Option<u128>)]) -> Vec<UnendedRun> {
        let of = |(number, parent): &(u128, Option<u128>)| UnendedRun {
            run: run(*number),
            partition: (1, 0),
            idle: None,
            is_replayed: false,
            parent: parent.map(run),
        };
        runs.iter().map(of).collect()
    }

    fn root(tree: &RunTree, child: u128, parent: u128) -> Option<Root> {
        tree.failed(TEAM, (run(child), Some(run(parent))), STATUS, at(0)).map(|failed| failed.root)
    }

    #[test]
    fn runs_come_go_and_change_places() {
        let mut tree = RunTree::default();
        let lists: [&[u128]; 8] =
            [&[1, 2, 3], &[1, 2, 3, 4], &[2, 3, 4], &[2, 4], &[4, 2], &[5, 4, 6, 2, 7], &[2, 7], &[]];
        for list in lists {
            let runs: Vec<(u128, Option<u128>)> = list.iter().map(|run| (*run, None)).collect();
            tree.set(TEAM, agent(1), &open(&runs), at(1));
            for number in 1..=7 {
                let expected = list.contains(&number).then_some(Root { agent: agent(1), run: run(number) });
                assert_eq!(root(&tree, 100, number), expected, "{number} in {list:?}");
            }
        }
        assert!(tree.runs.is_empty() && tree.of_agents.is_empty() && tree.ended.is_empty());
    }

    /// The one above may become known after the one below, whose agent's runs do not change by it.
    #[test]
    fn a_run_with_children_is_known_after_its_end() {
        let mut tree = RunTree::default();
        tree.set(TEAM, agent(2), &open(&[(2, Some(1))]), at(1));
        tree.set(TEAM, agent(1), &open(&[(1, None)]), at(2));
        tree.set(TEAM, agent(2), &open(&[(2, Some(1))]), at(3));
        tree.set(TEAM, agent(1), &[], at(4));
        assert_eq!(root(&tree, 2, 1), Some(Root { agent: agent(1), run: run(1) }));
        tree.set(TEAM, agent(2), &[], at(5_000));
        assert_eq!(root(&tree, 2, 1), None, "an hour is over");
    }

    #[test]
    fn a_run_may_get_another_one_above_it() {
        let mut tree = RunTree::default();
        tree.set(TEAM, agent(1), &open(&[(1, None), (9, None)]), at(1));
        tree.set(TEAM, agent(2), &open(&[(2, None)]), at(1));
        assert_eq!(root(&tree, 3, 2), Some(Root { agent: agent(2), run: run(2) }));
        tree.set(TEAM, agent(2), &open(&[(2, Some(1))]), at(2));
        assert_eq!(root(&tree, 3, 2), Some(Root { agent: agent(1), run: run(1) }));
    }
}
