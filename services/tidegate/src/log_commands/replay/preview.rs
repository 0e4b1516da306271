//! The dry run: says what would be appended, and what that would do. Nothing is written anywhere.

use std::sync::Arc;

use tidegate_lifecycle::Stop;
use tidegate_replay::{
    Choose, Chooser, ChunkReader, CountFates as _, Doing, Ended, Reason, ReplayError, ReplayPlan, ReplayPorts,
    ReplayState, Spent, patiently,
};
use tokio::sync::watch;

use super::product::Foresee;

const CHUNK_RECORDS: usize = 500;

/// A dry run in progress.
pub struct Preview<'p, C: Choose, F> {
    ports: &'p ReplayPorts,
    plan: ReplayPlan,
    chooser: Chooser<C>,
    state: Arc<watch::Sender<ReplayState>>,
    counts: C::Counts,
    foresee: F,
}

impl<'p, C: Choose, F: Foresee<C::Record>> Preview<'p, C, F> {
    pub fn new(ports: &'p ReplayPorts, foresee: F, chooser: Chooser<C>, plan: ReplayPlan) -> Self {
        let state =
            ReplayState { done: 0, total: plan.total(), records: 0, doing: Doing::Going, spent: Spent::default() };
        let (state, counts) = (Arc::new(watch::Sender::new(state)), C::Counts::default());
        Preview { ports, plan, chooser, state, counts, foresee }
    }

    /// The state, from now on.
    pub fn state(&self) -> watch::Receiver<ReplayState> {
        self.state.subscribe()
    }

    /// Looks at everything, unless it is stopped.
    ///
    /// # Errors
    /// What does not pass by waiting.
    pub async fn run(mut self, stop: &Stop) -> Result<(Ended, C::Counts, F), ReplayError> {
        let mut reader = ChunkReader::new(self.ports, CHUNK_RECORDS);
        loop {
            if stop.is_stopping() {
                return Ok((Ended::Stopped, self.counts, self.foresee));
            }
            let plan = &self.plan;
            let read = patiently("reading the log", &self.state, stop, async || reader.next(plan).await);
            let Some(chunk) = read.await? else { continue };
            let Some(mut chunk) = chunk else { return Ok((Ended::Whole, self.counts, self.foresee)) };
            let candidates = std::mem::take(&mut chunk.candidates);
            let chooser = &mut self.chooser;
            let asked = async || chooser.choose(&candidates).await;
            let Some(choices) = patiently("asking the store", &self.state, stop, asked).await? else { continue };
            self.counts.add(&choices.counts);
            self.counts.passed_over(Reason::Gone, chunk.gone);
            let chosen = choices.chosen;
            chosen.iter().for_each(|candidate| self.counts.appended(&candidate.record));
            let foresee = &self.foresee;
            let loaded = async || foresee.load(&chosen).await;
            let loaded = patiently("asking the store", &self.state, stop, loaded).await?;
            let Some(loaded) = loaded else { continue };
            let looked_at = chosen.len() as u64;
            self.foresee.take(chosen, loaded);
            chunk.finish(&mut self.plan);
            let done = self.plan.done();
            self.state.send_modify(|state| {
                state.done = done;
                state.records += looked_at;
            });
        }
    }
}
