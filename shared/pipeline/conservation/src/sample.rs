//! The sample: some records that the accounts call stored, looked up in the store. The sums alone would add up also where
//! the store has lost what was settled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Accounts, Clock, Ids, ReadLog};
use tokio::time::timeout;

use crate::draw::{self, Stretch};
use crate::look_up::{LookUp, LookedUp};
use crate::metrics::LogMetrics;
use crate::sums::Sums;

/// Payload read at once. Records beyond it are skipped.
const READ_BYTES: usize = 1 << 20;
/// Lost records that are kept in view; each turn looks at them again.
const KEPT: usize = 32;

/// Looks up records and remembers which are not there.
pub(crate) struct Sampler {
    pub metrics: LogMetrics,
    pub log: Arc<dyn ReadLog>,
    pub accounts: Arc<dyn Accounts>,
    pub look_up: Arc<dyn LookUp>,
    pub ids: Arc<dyn Ids>,
    pub clock: Arc<dyn Clock>,
    /// Of each question to the log or the store.
    pub deadline: Duration,
    /// Records of one turn.
    pub records: u64,
    pub seen: Mutex<Sample>,
}

/// What the last turn saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// `None` before the first turn.
    pub taken_at: Option<Timestamp>,
    /// Records that the last turn looked up and could judge.
    pub looked_up: u64,
    /// Not found by two turns, one after the other.
    pub missing: Vec<Lost>,
    /// Not found by the last turn: the next one looks again before they count.
    suspects: Vec<Lost>,
}

/// A record that is not in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub position: Position,
    /// [`LookedUp::about`].
    pub about: Vec<(&'static str, String)>,
}

impl Sampler {
    pub fn seen(&self) -> Sample {
        self.kept().clone()
    }

    /// Makes the metrics before anything is counted, so that a scrape finds them at zero.
    pub fn register(&self) {
        self.metrics.sampled("found").increment(0);
        self.metrics.sampled("missing").increment(0);
        self.metrics.missing().set(0);
    }

    fn kept(&self) -> MutexGuard<'_, Sample> {
        // A value is replaced whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One turn: those not found before, and some more.
    ///
    /// # Errors
    /// The log or the store did not answer; what is known stays as it was.
    pub async fn turn(&self) -> Result<(), String> {
        let before = self.seen();
        let accounts = self.ask(self.accounts.accounts()).await?;
        let spans = self.ask(self.log.spans()).await?;
        let settled = draw::settled(&Sums::of(&accounts, Some(&spans)));
        let unfound = before.missing.iter().chain(&before.suspects).map(|lost| lost.position);
        let again = self.look_up(&draw::these(unfound, &settled)).await?;
        let drawn = draw::draw(&settled, self.records, || self.random());
        let drawn = self.look_up(&drawn).await?;
        let sample = before.next(self.clock.now(), &again, &drawn);
        report(self.metrics, &before, &sample, &drawn);
        *self.kept() = sample;
        Ok(())
    }

    /// Every judged record of these stretches; `true`: it was found.
    async fn look_up(&self, stretches: &[Stretch]) -> Result<Vec<(Lost, bool)>, String> {
        let mut judged = Vec::new();
        for Stretch { partition, from, until } in stretches {
            let consumed = self.ask(self.log.read_range(*partition, *from, *until, READ_BYTES)).await?;
            let looked_up = self.ask(self.look_up.look_up(consumed)).await?;
            judged.extend(
                looked_up.into_iter().map(|LookedUp { position, about, found }| (Lost { position, about }, found)),
            );
        }
        Ok(judged)
    }

    async fn ask<T, E: ToString>(&self, question: impl Future<Output = Result<T, E>>) -> Result<T, String> {
        match timeout(self.deadline, question).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {:?}", self.deadline)),
        }
    }

    fn random(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.ids.random();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Sample {
    /// After a turn that looked `again` at what was not found before, and at what was `drawn`. What the log does not
    /// have any more cannot be looked at, and is forgotten.
    fn next(&self, now: Timestamp, again: &[(Lost, bool)], drawn: &[(Lost, bool)]) -> Sample {
        let unfound = |looked: &[(Lost, bool)]| -> Vec<Lost> {
            looked.iter().filter(|(_, found)| !found).map(|(lost, _)| lost.clone()).collect()
        };
        let was_unfound = |lost: &Lost| self.missing.contains(lost) || self.suspects.contains(lost);
        let missing: Vec<Lost> = unfound(again).into_iter().filter(was_unfound).collect();
        let mut suspects = unfound(drawn);
        suspects.retain(|lost| !was_unfound(lost));
        suspects.truncate(KEPT - missing.len().min(KEPT));
        Sample { taken_at: Some(now), looked_up: drawn.len() as u64, missing, suspects }
    }
}

/// Sets the metrics, and logs what changed.
fn report(metrics: LogMetrics, before: &Sample, now: &Sample, drawn: &[(Lost, bool)]) {
    let found = drawn.iter().filter(|(_, found)| *found).count();
    let newly: Vec<&Lost> = now.missing.iter().filter(|lost| !before.missing.contains(lost)).collect();
    for lost in &newly {
        let (position, about) = (lost.position, lost.in_words());
        tracing::error!(%position, about, "a record that the accounts call stored is not in the store");
    }
    for lost in before.missing.iter().filter(|lost| !now.missing.contains(lost)) {
        let (position, about) = (lost.position, lost.in_words());
        tracing::warn!(%position, about, "a record that was missing is in the store again, or the log has let go of it");
    }
    metrics.sampled("found").increment(found as u64);
    metrics.sampled("missing").increment(newly.len() as u64);
    metrics.missing().set(now.missing.len() as f64);
}

impl Lost {
    fn in_words(&self) -> String {
        let words: Vec<String> = self.about.iter().map(|(name, value)| format!("{name} {value}")).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(offset: i64) -> Lost {
        Lost { position: Position { generation: 1, partition: 0, offset }, about: vec![("owner", offset.to_string())] }
    }

    fn turn(before: &Sample, again: &[(i64, bool)], drawn: &[(i64, bool)]) -> Sample {
        let looked = |of: &[(i64, bool)]| of.iter().map(|(at, found)| (lost(*at), *found)).collect::<Vec<_>>();
        before.next(Timestamp::from_millis(1), &looked(again), &looked(drawn))
    }

    #[test]
    fn a_record_counts_as_missing_when_a_second_turn_does_not_find_it_either() {
        let first = turn(&Sample::default(), &[], &[(1, true), (2, false), (3, false)]);
        assert_eq!((first.looked_up, &first.missing, &first.suspects), (3, &vec![], &vec![lost(2), lost(3)]));
        let second = turn(&first, &[(2, true), (3, false)], &[(3, false), (4, true)]);
        assert_eq!((&second.missing, &second.suspects), (&vec![lost(3)], &vec![]));
        let third = turn(&second, &[(3, false)], &[]);
        assert_eq!(third.missing, [lost(3)]);
        // It was repaired, or the log has deleted it.
        assert_eq!(turn(&third, &[(3, true)], &[]).missing, []);
        assert_eq!(turn(&third, &[], &[]).missing, []);
    }

    #[test]
    fn as_many_are_kept_in_view_as_can_be_looked_at_again() {
        let all: Vec<(i64, bool)> = (0..100).map(|at| (at, false)).collect();
        let first = turn(&Sample::default(), &[], &all);
        assert_eq!(first.suspects.len(), KEPT);
        let again: Vec<(i64, bool)> = first.suspects.iter().map(|lost| (lost.position.offset, false)).collect();
        let second = turn(&first, &again, &all[50..]);
        assert_eq!((second.missing.len(), second.suspects.len()), (KEPT, 0));
    }
}
