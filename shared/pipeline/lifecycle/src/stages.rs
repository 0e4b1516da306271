//! The ordered stop: one stage after another, each with a hard deadline.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

type Ending = Pin<Box<dyn Future<Output = Result<(), Unfinished>> + Send>>;

struct Stage {
    name: &'static str,
    deadline: Duration,
    ending: Ending,
    /// Whether an abort at the deadline loses nothing.
    may_be_cut: bool,
}

/// The stages of a process's stop, in order. A stage begins only after the one before it has ended or missed its
/// deadline.
#[derive(Default)]
pub struct Stages(Vec<Stage>);

/// What a part or a stage did not finish, in words: a line of the exit report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished(String);

impl Unfinished {
    pub fn new(what: impl Into<String>) -> Self {
        Unfinished(what.into())
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for Unfinished {}

/// Work that a stage could not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub stage: &'static str,
    pub what: String,
}

/// The outcome of the stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ExitReport {
    pub left: Vec<Left>,
}

impl Stages {
    /// Adds a stage after the existing ones. `ending` returns an error that says what was left unfinished, if anything.
    pub fn then(
        &mut self,
        name: &'static str,
        deadline: Duration,
        ending: impl Future<Output = Result<(), Unfinished>> + Send + 'static,
    ) {
        self.0.push(Stage { name, deadline, ending: Box::pin(ending), may_be_cut: false });
    }

    /// Adds a stage that loses nothing when it is aborted (a job that starts again at the next start). An abort is
    /// logged and not reported as left; a failure is reported.
    pub fn then_or_cut(
        &mut self,
        name: &'static str,
        deadline: Duration,
        ending: impl Future<Output = Result<(), Unfinished>> + Send + 'static,
    ) {
        self.0.push(Stage { name, deadline, ending: Box::pin(ending), may_be_cut: true });
    }

    /// The names of the stages, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|stage| stage.name).collect()
    }

    /// How long all stages together may take.
    pub fn deadline(&self) -> Duration {
        self.0.iter().map(|stage| stage.deadline).sum()
    }

    /// Runs the stages. A stage that fails or is too slow is reported, and the next one begins.
    pub async fn run(self) -> ExitReport {
        let mut report = ExitReport::default();
        for Stage { name, deadline, ending, may_be_cut } in self.0 {
            let began = Instant::now();
            tracing::info!(stage = name, deadline_ms = millis(deadline), "stopping");
            let ended = match timeout(deadline, ending).await {
                Ok(ended) => ended,
                Err(_) if may_be_cut => {
                    tracing::warn!(stage = name, deadline_ms = millis(deadline), "cut off; nothing is lost by it");
                    continue;
                }
                Err(_) => Err(Unfinished::new(format!("not done within {} ms", millis(deadline)))),
            };
            match ended {
                Ok(()) => tracing::info!(stage = name, took_ms = millis(began.elapsed()), "stopped"),
                Err(Unfinished(what)) => {
                    tracing::error!(stage = name, took_ms = millis(began.elapsed()), "left behind: {what}");
                    report.left.push(Left { stage: name, what });
                }
            }
        }
        report
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl ExitReport {
    /// The exit code: 0 when all stages ended, 1 when something was left.
    pub fn code(&self) -> u8 {
        u8::from(!self.left.is_empty())
    }

    /// Adds unfinished work to the report.
    pub fn add(&mut self, stage: &'static str, what: impl Into<String>) {
        self.left.push(Left { stage, what: what.into() });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::{Arc, Mutex};

    use super::*;

    type Diary = Arc<Mutex<Vec<&'static str>>>;

    fn note(diary: &Diary, what: &'static str) {
        diary.lock().unwrap().push(what);
    }

    #[tokio::test]
    async fn a_stage_begins_when_the_one_before_it_has_ended() {
        let diary = Diary::default();
        let mut stages = Stages::default();
        for (name, begins, ends) in
            [("ingest", "ingest begins", "ingest ends"), ("persister", "persister begins", "persister ends")]
        {
            let diary = diary.clone();
            stages.then(name, Duration::from_secs(5), async move {
                note(&diary, begins);
                tokio::task::yield_now().await;
                note(&diary, ends);
                Ok(())
            });
        }
        assert_eq!(stages.names(), ["ingest", "persister"]);
        assert_eq!(stages.deadline(), Duration::from_secs(10));
        assert_eq!(stages.run().await.code(), 0);
        assert_eq!(*diary.lock().unwrap(), ["ingest begins", "ingest ends", "persister begins", "persister ends"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_or_failing_stage_is_reported_and_does_not_hold_up_the_next() {
        let diary = Diary::default();
        let last = diary.clone();
        let mut stages = Stages::default();
        stages.then("slow", Duration::from_millis(50), pending());
        stages.then("failing", Duration::from_secs(1), async { Err(Unfinished::new("3 records uncommitted")) });
        stages.then("last", Duration::from_secs(1), async move {
            note(&last, "done");
            Ok(())
        });
        let report = stages.run().await;
        assert_eq!(report.code(), 1);
        assert_eq!(
            report.left,
            [
                Left { stage: "slow", what: "not done within 50 ms".to_owned() },
                Left { stage: "failing", what: "3 records uncommitted".to_owned() },
            ]
        );
        assert_eq!(*diary.lock().unwrap(), ["done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_cut_off_is_not_left_behind_and_what_fails_is() {
        let mut stages = Stages::default();
        stages.then_or_cut("slow job", Duration::from_millis(50), pending());
        assert_eq!(stages.run().await.code(), 0);
        let mut stages = Stages::default();
        stages.then_or_cut("broken job", Duration::from_secs(1), async { Err(Unfinished::new("panicked")) });
        let report = stages.run().await;
        assert_eq!(report.code(), 1);
        assert_eq!(report.left, [Left { stage: "broken job", what: "panicked".to_owned() }]);
    }
}
