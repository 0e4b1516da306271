//! Chooses among the records read, asking the store where a record does not name its agent.

use tidegate_agentping_ports::Runs;
use tidegate_ports::StoreError;

use super::agents::{AgentsSeen, Owner};
use super::choice::{Candidate, Reason, Verdict, judge};
use super::counts::PassedOver;
use super::selection::Selection;

/// Chooses records, and remembers the agents of runs that it has seen.
pub struct Chooser<'s> {
    selection: &'s Selection,
    agents: Option<AgentsSeen>,
}

/// What was chosen of a chunk.
pub struct Chosen {
    pub candidates: Vec<Candidate>,
    pub passed_over: PassedOver,
}

impl<'s> Chooser<'s> {
    pub fn new(selection: &'s Selection) -> Self {
        Chooser { selection, agents: selection.filters.agent.clone().map(AgentsSeen::new) }
    }

    /// Whether it learns anything from what it reads.
    pub const fn learns(&self) -> bool {
        self.agents.is_some()
    }

    /// Learns the agents of runs from records that were chosen from before.
    pub fn learn(&mut self, candidates: &[Candidate]) {
        if let Some(agents) = &mut self.agents {
            candidates.iter().filter_map(|candidate| candidate.record.as_ref()).for_each(|record| agents.learn(record));
        }
    }

    /// Chooses, in order.
    ///
    /// # Errors
    /// [`StoreError`]; choosing again is right.
    pub async fn choose(&mut self, candidates: &[Candidate], runs: &dyn Runs) -> Result<Chosen, StoreError> {
        self.learn(candidates);
        let mut verdicts: Vec<Verdict> = candidates.iter().map(|one| judge(self.selection, one)).collect();
        if let Some(agents) = &self.agents {
            let open = verdicts.iter().filter_map(|verdict| match verdict {
                Verdict::IfOfAgent(key) => Some(*key),
                Verdict::Chosen | Verdict::PassedOver(_) => None,
            });
            let keys: Vec<_> = open.collect();
            let mut owners = agents.owners(runs, &keys).await?.into_iter();
            let open = verdicts.iter_mut().filter(|verdict| matches!(verdict, Verdict::IfOfAgent(_)));
            for (verdict, owner) in open.zip(&mut owners) {
                *verdict = match owner {
                    Owner::Wanted => Verdict::Chosen,
                    Owner::Another => Verdict::PassedOver(Reason::NotAskedFor),
                    Owner::Unknown => Verdict::PassedOver(Reason::AgentUnknown),
                };
            }
        }
        let mut chosen =
            Chosen { candidates: Vec::with_capacity(candidates.len()), passed_over: PassedOver::default() };
        for (candidate, verdict) in candidates.iter().zip(verdicts) {
            match verdict {
                Verdict::Chosen => chosen.candidates.push(candidate.clone()),
                Verdict::PassedOver(reason) => chosen.passed_over.count(reason, 1),
                // All of them were answered above; without a word, it is not the agent's.
                Verdict::IfOfAgent(_) => chosen.passed_over.count(Reason::AgentUnknown, 1),
            }
        }
        Ok(chosen)
    }
}
