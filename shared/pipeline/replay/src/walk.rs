//! The replay itself: read a chunk, choose, append in waves, save the progress.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tidegate_lifecycle::Stop;
use tidegate_ports::AppendError;
use tidegate_shedding::ShedThresholds;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::candidate::Candidate;
use crate::choice::Reason;
use crate::choose::{Choose, CountFates as _};
use crate::chooser::Chooser;
use crate::error::ReplayError;
use crate::pacer::{Grant, Pacer};
use crate::ports::ReplayPorts;
use crate::progress_file::{Progress, ProgressFile};
use crate::source::ChunkReader;
use crate::state::{Doing, Ended, ReplayState, Spent, doing, patiently, rest};
use crate::traffic::{Allowed, Traffic, Yield};
use crate::waves::waves;

/// Appends in flight, at most.
const IN_FLIGHT_MAX: usize = 256;
/// Records of a chunk, at most. A chunk is about a second's work, so that little is done twice after a kill.
const CHUNK_RECORDS_MAX: u32 = 500;
/// Time between two readings of the lag while live traffic goes first.
const YIELD_POLL: Duration = Duration::from_millis(500);

/// A replay in progress.
pub struct Walk<'w, C: Choose> {
    ports: &'w ReplayPorts,
    file: &'w ProgressFile,
    progress: Progress<C::Counts>,
    chooser: Chooser<C>,
    pacer: Pacer,
    traffic: Traffic,
    state: Arc<watch::Sender<ReplayState>>,
    began: Instant,
    reader: ChunkReader,
}

/// How fast, and when it waits.
#[derive(Clone, Copy, Debug)]
pub struct ReplayPace {
    /// Records a second, at least 1.
    pub rate: u32,
    pub thresholds: ShedThresholds,
}

impl<'w, C: Choose> Walk<'w, C> {
    /// A replay that continues where `progress` is, and saves it to `file`.
    pub fn new(
        ports: &'w ReplayPorts,
        chooser: Chooser<C>,
        file: &'w ProgressFile,
        progress: Progress<C::Counts>,
        pace: ReplayPace,
    ) -> Self {
        let (done, total) = (progress.plan.done(), progress.plan.total());
        let state = ReplayState { done, total, records: 0, doing: Doing::Going, spent: Spent::default() };
        Walk {
            ports,
            file,
            progress,
            chooser,
            pacer: Pacer::new(pace.rate),
            traffic: Traffic::new(ports.lag.clone(), pace.thresholds),
            state: Arc::new(watch::Sender::new(state)),
            began: Instant::now(),
            // At most CHUNK_RECORDS_MAX.
            reader: ChunkReader::new(ports, pace.rate.clamp(1, CHUNK_RECORDS_MAX) as usize),
        }
    }

    /// Follows the state.
    pub fn state(&self) -> watch::Receiver<ReplayState> {
        self.state.subscribe()
    }

    /// Goes on until all is done or it is stopped, which happens between two appends. The progress file is then
    /// where it was last saved: after the last whole chunk.
    ///
    /// # Errors
    /// What does not pass by waiting, and what to do about it.
    pub async fn run(mut self, stop: &Stop) -> Result<(Ended, Progress<C::Counts>), ReplayError> {
        self.file.save(&self.progress)?;
        if !self.learn_again(stop).await? {
            return Ok((Ended::Stopped, self.progress));
        }
        loop {
            if stop.is_stopping() {
                return Ok((Ended::Stopped, self.progress));
            }
            let (plan, reader) = (&self.progress.plan, &mut self.reader);
            let read = patiently("reading the log", &self.state, stop, async || reader.next(plan).await);
            let read = timed(&self.state, |spent| &mut spent.reading, read).await?;
            let Some(chunk) = read else { return Ok((Ended::Stopped, self.progress)) };
            let Some(mut chunk) = chunk else { return Ok((Ended::Whole, self.progress)) };
            let candidates = std::mem::take(&mut chunk.candidates);
            let Some(mut counts) = self.replay(candidates, stop).await? else {
                return Ok((Ended::Stopped, self.progress));
            };
            counts.passed_over(Reason::Gone, chunk.gone);
            chunk.finish(&mut self.progress.plan);
            self.progress.counts.add(&counts);
            self.file.save(&self.progress)?;
            let (done, total) = (self.progress.plan.done(), self.progress.plan.total());
            self.state.send_modify(|state| (state.done, state.total) = (done, total));
        }
    }

    /// Learns from what an interrupted replay has done before; `false`: stopped meanwhile.
    async fn learn_again(&mut self, stop: &Stop) -> Result<bool, ReplayError> {
        if !self.chooser.learns() {
            return Ok(true);
        }
        let mut before = self.progress.plan.done_part();
        let mut reader = ChunkReader::new(self.ports, CHUNK_RECORDS_MAX as usize);
        loop {
            let (plan, reader) = (&before, &mut reader);
            let read = patiently("reading the log", &self.state, stop, async || reader.next(plan).await);
            let Some(chunk) = read.await? else { return Ok(false) };
            let Some(chunk) = chunk else { return Ok(true) };
            self.chooser.learn(&chunk.candidates);
            chunk.finish(&mut before);
        }
    }

    /// Chooses and appends; `None`: stopped before all of it was appended.
    async fn replay(
        &mut self,
        candidates: Vec<Candidate<C::Record>>,
        stop: &Stop,
    ) -> Result<Option<C::Counts>, ReplayError> {
        let chooser = &mut self.chooser;
        let asked = patiently("asking the store", &self.state, stop, async || chooser.choose(&candidates).await);
        let asked = timed(&self.state, |spent| &mut spent.asking_the_store, asked).await?;
        let Some(choices) = asked else { return Ok(None) };
        let mut counts = choices.counts;
        for wave in waves(choices.chosen) {
            let mut left = &wave[..];
            while !left.is_empty() {
                let Some(some) = self.permit(left.len(), stop).await else { return Ok(None) };
                let (now, later) = left.split_at(some.min(left.len()));
                let fates = join_all(now.iter().map(|candidate| self.append(candidate, stop)));
                let fates = timed(&self.state, |spent| &mut spent.appending, fates).await;
                self.traffic.used(now.len() as u64);
                self.state.send_modify(|state| state.records += now.len() as u64);
                for (candidate, fate) in now.iter().zip(fates) {
                    match fate? {
                        None => return Ok(None),
                        Some(Fate::Safe) => counts.appended(&candidate.record),
                        Some(Fate::TooLarge) => counts.passed_over(Reason::TooLarge, 1),
                    }
                }
                left = later;
            }
        }
        Ok(Some(counts))
    }

    /// Waits until something may be appended, and says how many records; `None`: stopped.
    async fn permit(&mut self, wanted: usize, stop: &Stop) -> Option<usize> {
        loop {
            let wait = match self.traffic.allowed().await {
                Allowed::Records(records) => {
                    doing(&self.state, Doing::Going);
                    let most = wanted.min(IN_FLIGHT_MAX).min(usize::try_from(records).unwrap_or(usize::MAX));
                    match self.pacer.grant(self.began.elapsed(), most) {
                        Grant::Now(_) if stop.is_stopping() => return None,
                        Grant::Now(some) => return Some(some),
                        Grant::In(wait) => wait,
                    }
                }
                Allowed::AskIn(wait) => wait,
                Allowed::Nothing(why) => self.yielding(why),
            };
            if !timed(&self.state, |spent| &mut spent.waiting, rest(wait, stop)).await {
                return None;
            }
        }
    }

    fn yielding(&self, why: Yield) -> Duration {
        doing(&self.state, Doing::Yielding(why));
        YIELD_POLL
    }

    /// Appends until it is safe; `None`: stopped while the log was away.
    async fn append(&self, candidate: &Candidate<C::Record>, stop: &Stop) -> Result<Option<Fate>, ReplayError> {
        patiently("appending", &self.state, stop, async || {
            match self.ports.again.append_again(candidate.again()).await {
                Ok(_) => Ok(Fate::Safe),
                Err(AppendError::TooLarge { .. }) => Ok(Fate::TooLarge),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

/// Awaits the work, and adds the time it took.
async fn timed<T>(
    state: &watch::Sender<ReplayState>,
    part: impl FnOnce(&mut Spent) -> &mut Duration,
    work: impl Future<Output = T>,
) -> T {
    let began = Instant::now();
    let done = work.await;
    // No reader is woken for it: progress lines are printed on a timer.
    state.send_if_modified(|state| {
        *part(&mut state.spent) += began.elapsed();
        false
    });
    done
}

/// How an append ended.
enum Fate {
    Safe,
    TooLarge,
}

#[cfg(test)]
mod tests;
