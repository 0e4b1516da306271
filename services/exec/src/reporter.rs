//! When a report is sent, and what happens if it is not taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_agentping::RunId;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, Ids};

use crate::options::{ExecOptions, NoteSink};
use crate::report::Report;
use crate::server::{Sent, Server, Unusable};
use crate::spool::Spool;

/// Runs that the command reports itself belong to this one (AgentPing: parents).
pub const RUN_VARIABLE: &str = "AGENTPING_PARENT_RUN";

/// The waits between the tries of the start's report, while the command runs. The last one repeats.
const START_PAUSES_S: [u64; 5] = [1, 2, 5, 15, 60];
/// How long old reports may delay the end of a command after its own report was taken.
const OLD_REPORTS: Duration = Duration::from_secs(1);

/// Reports one run of a command.
pub struct Reporter {
    pub start: Report,
    server: Server,
    spool: Option<Spool>,
    clock: Arc<dyn Clock>,
    run: RunId,
    within: Duration,
    note: NoteSink,
}

impl Reporter {
    /// Of a run that starts now.
    ///
    /// # Errors
    /// Nothing can be sent with these options.
    pub fn new(options: &ExecOptions, clock: Arc<dyn Clock>, ids: &dyn Ids, note: NoteSink) -> Result<Self, Unusable> {
        let server = Server::new(&options.url, options.token.as_deref())?;
        let now = clock.now();
        let run: RunId = ids.mint(server.credential().region(), now);
        let start = Report::start(run, &options.agent, now);
        let spool = options.spool.as_deref().map(|folder| Spool::new(folder, &options.url, options.agent.as_str()));
        Ok(Reporter { start, server, spool, clock, run, within: options.report_within, note })
    }

    pub const fn run(&self) -> RunId {
        self.run
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reports the start, with as many tries as it takes, and then what waits from before. It is dropped at the end of
    /// the command.
    pub async fn report_start(self: Arc<Self>) {
        for tries in 0.. {
            let (why, after) = match self.server.send(&self.start).await {
                Sent::Taken => break,
                Sent::Later { why, after } => (why, after.unwrap_or_default()),
                Sent::Refused(why) => return (self.note)(&format!("the start is not reported: {why}")),
            };
            if tries == 0 {
                (self.note)(&format!("the start is not reported yet: {why}"));
            }
            let pause = START_PAUSES_S.get(tries).or(START_PAUSES_S.last()).copied().unwrap_or(60);
            tokio::time::sleep(Duration::from_secs(pause).max(after.min(Duration::from_secs(3_600)))).await;
        }
        self.send_old().await;
    }

    /// Reports the end with one try, or keeps the report.
    pub async fn report_end(&self, report: &Report) {
        let began = Instant::now();
        let report = report.clone().without(self.server.token());
        let why = match tokio::time::timeout(self.within, self.server.send(&report)).await {
            Ok(Sent::Taken) => {
                let left = self.within.saturating_sub(began.elapsed()).min(OLD_REPORTS);
                // What is not sent by then waits for another run.
                let _ = tokio::time::timeout(left, self.send_old()).await;
                return;
            }
            Ok(Sent::Refused(why)) => return (self.note)(&format!("the end is not reported: {why}")),
            Ok(Sent::Later { why, .. }) => why,
            Err(_) => format!("no answer within {} ms", self.within.as_millis()),
        };
        self.keep(&report, &why);
    }

    /// Keeps the report of the end for another run.
    pub fn keep(&self, report: &Report, why: &str) {
        let report = report.clone().without(self.server.token());
        let Some(spool) = &self.spool else {
            return (self.note)(&format!("the end is not reported: {why}; there is no folder to keep the report in"));
        };
        match spool.keep(&report) {
            Ok(dropped) => {
                (self.note)(&format!("the end is not reported yet: {why}; the agent's next run sends it"));
                if dropped > 0 {
                    (self.note)(&format!("{dropped} older reports are dropped: too many wait"));
                }
            }
            Err(error) => (self.note)(&format!("the end is not reported: {why}; the report cannot be kept: {error}")),
        }
    }

    /// Sends what waits, the oldest first, until one is not taken now.
    async fn send_old(&self) {
        let Some(spool) = &self.spool else { return };
        for file in spool.waiting() {
            let Some(report) = spool.read(&file) else { continue };
            match self.server.send(&report).await {
                Sent::Taken => {}
                Sent::Later { .. } => return,
                Sent::Refused(why) => (self.note)(&format!("an old report, of {}, is dropped: {why}", report.id)),
            }
            spool.remove(&file);
        }
    }
}
