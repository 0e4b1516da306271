//! Reads the places of a plan, a chunk at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_kernel::Position;
use tidegate_ports::{Consumed, DeadLetters, LogError, ReadLog};

use super::choice::Candidate;
use super::plan::{LETTERS_AT_ONCE, Plan, Stretch};
use super::ports::Ports;

const READ_BYTES: usize = 1 << 20;

/// Some offsets, and the records there.
#[derive(Debug)]
pub struct Chunk {
    pub candidates: Vec<Candidate>,
    /// Places that the log does not have any more.
    pub gone: u64,
    step: Step,
}

/// How far the plan is once the chunk is done.
#[derive(Debug)]
enum Step {
    Stretch { index: usize, next: i64 },
    Letters { after: Position, done: u64 },
    NoMoreLetters,
}

/// Where chunks come from: of each stretch in turn, so that every partition's consumer has its share.
pub struct Source {
    log: Arc<dyn ReadLog>,
    letters: Arc<dyn DeadLetters>,
    records_max: usize,
    /// The stretch whose turn it is, and what was read of it and not given out. Reading on is cheap for a log, and
    /// beginning elsewhere is not, so stretches take turns only when this is used up.
    turn: usize,
    held: VecDeque<Consumed>,
}

impl Source {
    /// Gives chunks of up to `records_max` records.
    pub fn new(ports: &Ports, records_max: usize) -> Self {
        let (log, letters) = (ports.log.clone(), ports.letters.clone());
        Source { log, letters, records_max, turn: 0, held: VecDeque::new() }
    }

    /// The next chunk; `None`: the plan is done.
    ///
    /// # Errors
    /// [`LogError`]; asking again is right.
    pub async fn next(&mut self, plan: &Plan) -> Result<Option<Chunk>, LogError> {
        match plan {
            Plan::Stretches(all) => self.of_stretches(all).await,
            Plan::Letters(ahead) if ahead.done >= ahead.total => Ok(None),
            Plan::Letters(ahead) => {
                let some = self.letters.list(ahead.after, self.records_max.min(LETTERS_AT_ONCE)).await?;
                let Some(last) = some.last() else {
                    // Fewer than were counted: retention took some.
                    let gone = ahead.total - ahead.done;
                    return Ok(Some(Chunk { candidates: Vec::new(), gone, step: Step::NoMoreLetters }));
                };
                let after = last.position;
                let ours = some.into_iter().filter(|letter| ahead.holds(letter.position));
                let candidates: Vec<Candidate> = ours.map(Candidate::of_letter).collect();
                let done = candidates.len() as u64;
                Ok(Some(Chunk { candidates, gone: 0, step: Step::Letters { after, done } }))
            }
        }
    }

    async fn of_stretches(&mut self, all: &[Stretch]) -> Result<Option<Chunk>, LogError> {
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
        let candidates: Vec<Candidate> = self.held.drain(..given).map(Candidate::of_record).collect();
        // Nothing there: the rest of the stretch was deleted.
        let next = candidates.last().map_or(stretch.until, |last| last.position.offset + 1);
        let gone = next.abs_diff(stretch.next) - candidates.len() as u64;
        if self.held.is_empty() {
            self.turn = (index + 1) % all.len();
        }
        Ok(Some(Chunk { candidates, gone, step: Step::Stretch { index, next } }))
    }
}

impl Chunk {
    /// The chunk is done: the plan moves on.
    pub fn finish(self, plan: &mut Plan) {
        match (plan, self.step) {
            (Plan::Stretches(all), Step::Stretch { index, next }) => all[index].next = next,
            (Plan::Letters(ahead), Step::Letters { after, done }) => {
                ahead.after = Some(after);
                ahead.done += done;
            }
            (Plan::Letters(ahead), Step::NoMoreLetters) => ahead.done = ahead.total,
            // A chunk is given back to the plan that it was read from.
            (Plan::Letters(_), Step::Stretch { .. }) | (Plan::Stretches(_), _) => {}
        }
    }
}
