//! Chooses among the records read, and looks up what they do not say.

use tidegate_ports::StoreError;

use crate::candidate::Candidate;
use crate::choice::{Asked, Choice, Reason, judge};
use crate::choose::{Choose, CountFates as _};
use crate::selection::Selection;

/// Chooses records by a product's filters.
pub struct Chooser<C> {
    is_explicit: bool,
    product: C,
}

/// What was chosen of a chunk.
pub struct Choices<C: Choose> {
    /// In the order they were read.
    pub chosen: Vec<Candidate<C::Record>>,
    /// Counts of the others.
    pub counts: C::Counts,
}

impl<C: Choose> Chooser<C> {
    pub const fn new<F>(selection: &Selection<F>, product: C) -> Self {
        Chooser { is_explicit: selection.is_explicit(), product }
    }

    /// Whether it learns anything from what it reads.
    pub fn learns(&self) -> bool {
        self.product.learns()
    }

    /// Learns from records that were chosen from before.
    pub fn learn(&mut self, candidates: &[Candidate<C::Record>]) {
        candidates.iter().for_each(|candidate| self.product.learn(&candidate.record));
    }

    /// Chooses, in order.
    ///
    /// # Errors
    /// [`StoreError`]; choosing again is right.
    pub async fn choose(&mut self, candidates: &[Candidate<C::Record>]) -> Result<Choices<C>, StoreError> {
        self.learn(candidates);
        let judged: Vec<Choice> = candidates.iter().map(|candidate| self.judge(candidate)).collect();
        let open = candidates.iter().zip(&judged).filter(|(_, choice)| **choice == Choice::LookUp);
        let open: Vec<&C::Record> = open.map(|(candidate, _)| &candidate.record).collect();
        let looked_up = if open.is_empty() { Vec::new() } else { self.product.look_up(&open).await? };
        let mut looked_up = looked_up.into_iter();
        let mut choices: Choices<C> =
            Choices { chosen: Vec::with_capacity(candidates.len()), counts: <C::Counts as Default>::default() };
        for (candidate, choice) in candidates.iter().zip(judged) {
            let reason = match choice {
                Choice::Chosen => None,
                Choice::PassedOver(reason) => Some(reason),
                Choice::LookUp => match looked_up.next().flatten() {
                    Some(true) => None,
                    Some(false) => Some(Reason::NotAskedFor),
                    None => Some(Reason::Unknown),
                },
            };
            match reason {
                None => choices.chosen.push(candidate.clone()),
                Some(reason) => choices.counts.passed_over(reason, 1),
            }
        }
        Ok(choices)
    }

    fn judge(&self, candidate: &Candidate<C::Record>) -> Choice {
        if self.product.is_set_aside(candidate.position) {
            return Choice::PassedOver(Reason::SetAside);
        }
        let asked: Asked = self.product.asks_for(&candidate.record);
        judge(self.is_explicit, candidate.origin.is_some(), asked)
    }
}
