//! The sample: some records that the accounts call stored, looked up in the store. The sums alone would add up also where
//! the store has lost what was settled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_agentping::{Record, RunKey};
use tidegate_agentping_ports::{NotedAccounts, RunWanted, StoredSummary};
use tidegate_kernel::{Position, Timestamp};
use tidegate_metric::Counter;
use tidegate_ports::{Clock, Ids, ReadLog};
use tokio::time::timeout;

use super::Sums;
use super::draw::{self, Stretch};
use super::verdict::{Looked, Verdict};
use crate::metrics::{CONSERVATION_MISSING, CONSERVATION_SAMPLED};

/// Payload read at once. Records beyond it are skipped.
const READ_BYTES: usize = 1 << 20;
/// Lost records that are kept in view; each turn looks at them again.
const KEPT: usize = 32;

/// Looks up records and remembers which are not there.
pub(super) struct Sampler {
    pub log: Arc<dyn ReadLog>,
    pub accounts: Arc<dyn NotedAccounts>,
    pub stored: Arc<dyn StoredSummary>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub position: Position,
    pub key: RunKey,
}

impl Sampler {
    pub fn seen(&self) -> Sample {
        self.kept().clone()
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
        report(&before, &sample, &drawn);
        *self.kept() = sample;
        Ok(())
    }

    /// Every judged record of these stretches; `true`: it was found.
    async fn look_up(&self, stretches: &[Stretch]) -> Result<Vec<(Lost, bool)>, String> {
        let mut judged = Vec::new();
        for Stretch { partition, from, until } in stretches {
            let consumed = self.ask(self.log.read_range(*partition, *from, *until, READ_BYTES)).await?;
            let positions: Vec<Position> = consumed.iter().map(|one| one.position).collect();
            let notes = self.ask(self.accounts.notes(&positions)).await?;
            for (one, note) in consumed.into_iter().zip(&notes) {
                // What cannot be read was not stored: its note may have ended.
                let Ok(record) = Record::decode(&one.payload) else { continue };
                let stored = self.ask(self.stored.stored(RunWanted::of(&record))).await?;
                let lost = Lost { position: one.position, key: record.key() };
                let (position, appended_at, note) = (one.position, one.appended_at, note.as_ref());
                let looked = Looked { record, position, appended_at, note, stored };
                match looked.verdict(self.clock.now()) {
                    Verdict::Found => judged.push((lost, true)),
                    Verdict::Missing => judged.push((lost, false)),
                    Verdict::NotJudged => {}
                }
            }
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
            looked.iter().filter(|(_, found)| !found).map(|(lost, _)| *lost).collect()
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
fn report(before: &Sample, now: &Sample, drawn: &[(Lost, bool)]) {
    let found = drawn.iter().filter(|(_, found)| *found).count();
    let newly: Vec<&Lost> = now.missing.iter().filter(|lost| !before.missing.contains(lost)).collect();
    for Lost { position, key } in &newly {
        tracing::error!(
            %position, run = %key.run, team = %key.team,
            "a record that the accounts call stored is not in the store"
        );
    }
    for Lost { position, key } in before.missing.iter().filter(|lost| !now.missing.contains(lost)) {
        tracing::warn!(%position, run = %key.run, "a record that was missing is in the store again, or the log has let go of it");
    }
    count("found").increment(found as u64);
    count("missing").increment(newly.len() as u64);
    CONSERVATION_MISSING.handle().set(now.missing.len() as f64);
}

/// Made before anything is counted, so that a scrape finds them at zero.
pub(super) fn made() {
    count("found").increment(0);
    count("missing").increment(0);
    CONSERVATION_MISSING.handle().set(0);
}

fn count(result: &'static str) -> Counter {
    CONSERVATION_SAMPLED.with([("result", result)])
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::key;

    use super::*;

    fn lost(offset: i64) -> Lost {
        Lost { position: Position { generation: 1, partition: 0, offset }, key: key(offset as u128) }
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
