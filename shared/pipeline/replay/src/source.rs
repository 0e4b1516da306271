//! Reads the records of a plan, a chunk at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_kernel::Position;
use tidegate_ports::{Consumed, DeadLetters, LogError, ReadLog};

use crate::candidate::{Candidate, Replayable};
use crate::plan::{DEAD_LETTERS_AT_ONCE, ReplayPlan, Stretch};
use crate::ports::ReplayPorts;

const READ_BYTES: usize = 1 << 20;

/// Some of a plan's records.
#[derive(Debug)]
pub struct Chunk<R> {
    pub candidates: Vec<Candidate<R>>,
    /// Records that the log does not have any more.
    pub gone: u64,
    step: Step,
}

/// How far the plan is once the chunk is done.
#[derive(Debug)]
enum Step {
    Stretch { index: usize, next: i64 },
    DeadLetters { after: Position, done: u64 },
    NoMoreDeadLetters,
}

/// Reads chunks of each stretch in turn, so that every partition's consumer has its share.
pub struct ChunkReader {
    log: Arc<dyn ReadLog>,
    dead_letters: Arc<dyn DeadLetters>,
    records_max: usize,
    /// The stretch whose turn it is. A log reads on cheaply, and seeks at a cost, so the turn passes on only when `held`,
    /// which was read of it and is not in a chunk yet, is used up.
    turn: usize,
    held: VecDeque<Consumed>,
}

impl ChunkReader {
    /// Reads chunks of up to `records_max` records.
    pub fn new(ports: &ReplayPorts, records_max: usize) -> Self {
        let (log, dead_letters) = (ports.log.clone(), ports.dead_letters.clone());
        ChunkReader { log, dead_letters, records_max, turn: 0, held: VecDeque::new() }
    }

    /// The next chunk; `None`: the plan is done.
    ///
    /// # Errors
    /// [`LogError`]; asking again is right.
    pub async fn next<R: Replayable>(&mut self, plan: &ReplayPlan) -> Result<Option<Chunk<R>>, LogError> {
        match plan {
            ReplayPlan::Stretches(all) => self.of_stretches(all).await,
            ReplayPlan::DeadLetters(ahead) if ahead.done >= ahead.total => Ok(None),
            ReplayPlan::DeadLetters(ahead) => {
                let some = self.dead_letters.list(ahead.after, self.records_max.min(DEAD_LETTERS_AT_ONCE)).await?;
                let Some(last) = some.last() else {
                    // Fewer than were counted: retention took some.
                    let gone = ahead.total - ahead.done;
                    return Ok(Some(Chunk { candidates: Vec::new(), gone, step: Step::NoMoreDeadLetters }));
                };
                let after = last.position;
                let ours = some.into_iter().filter(|dead_letter| ahead.holds(dead_letter.position));
                let candidates: Vec<Candidate<R>> = ours.map(Candidate::of_dead_letter).collect();
                let done = candidates.len() as u64;
                Ok(Some(Chunk { candidates, gone: 0, step: Step::DeadLetters { after, done } }))
            }
        }
    }

    async fn of_stretches<R: Replayable>(&mut self, all: &[Stretch]) -> Result<Option<Chunk<R>>, LogError> {
        let open = |index: &usize| all[*index].next < all[*index].until;
        if self.held.is_empty() {
            let Some(index) = (0..all.len()).map(|step| (self.turn + step) % all.len()).find(open) else {
                return Ok(None);
            };
            let Stretch { partition, next, until, .. } = all[index];
            self.held = self.log.read_range(partition, next, until, READ_BYTES).await?.into();
            self.turn = index;
        }
        let (index, stretch) = (self.turn, all[self.turn]);
        let given = self.held.len().min(self.records_max);
        let candidates: Vec<Candidate<R>> = self.held.drain(..given).map(Candidate::of_record).collect();
        // Without a record, the rest of the stretch was deleted.
        let next = candidates.last().map_or(stretch.until, |last| last.position.offset + 1);
        let gone = next.abs_diff(stretch.next) - candidates.len() as u64;
        if self.held.is_empty() {
            self.turn = (index + 1) % all.len();
        }
        Ok(Some(Chunk { candidates, gone, step: Step::Stretch { index, next } }))
    }
}

impl<R> Chunk<R> {
    /// The chunk is done: the plan moves on.
    pub fn finish(self, plan: &mut ReplayPlan) {
        match (plan, self.step) {
            (ReplayPlan::Stretches(all), Step::Stretch { index, next }) => all[index].next = next,
            (ReplayPlan::DeadLetters(ahead), Step::DeadLetters { after, done }) => {
                ahead.after = Some(after);
                ahead.done += done;
            }
            (ReplayPlan::DeadLetters(ahead), Step::NoMoreDeadLetters) => ahead.done = ahead.total,
            // A chunk finishes in the plan that it was read from.
            (ReplayPlan::DeadLetters(_), Step::Stretch { .. }) | (ReplayPlan::Stretches(_), _) => {}
        }
    }
}
