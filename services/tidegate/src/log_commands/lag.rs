//! `tidegate lag`: how far persisters or deciders are behind, by partition.

mod output;
mod reading;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_ports::{Clock, FailureCause, LogError, PartitionLag, StoreError, SystemClock, Waits};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::assemble::read_only::{self, WatchedLag};
use crate::cli::{Api, LagArgs};
use crate::config::Config;
use crate::console::Console;
use crate::deployment::at_once;
use crate::failure::Failure;
use reading::{Pace, Reading};

/// Reads once, or until it is interrupted.
///
/// # Errors
/// It cannot be read, and what to do about it.
pub fn run(config: &Config, args: &LagArgs) -> Result<ExitCode, Failure> {
    let every = args.watch.then(|| Duration::from_secs(args.every_s.into()));
    at_once(config, live(config, args.api, every, args.json, Console::output()))
}

async fn live(
    config: &Config,
    api: Api,
    every: Option<Duration>,
    json: bool,
    mut console: Console,
) -> Result<ExitCode, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let watched = read_only::lag(config, api, &clock).await?;
    let unread = |error: LogError| {
        let (group, log) = (&watched.group, &watched.log);
        Failure::from(error).in_words(|error| format!("the lag of {group} on {log} is not known: {error}"))
    };
    let mut reader = Reader { waits: Waits::default(), began: Instant::now() };
    let Some(every) = every else {
        let reading = reader.read(&watched, &*clock).await.map_err(unread)?;
        print(&mut console, &watched, &reading, None, json);
        return Ok(ExitCode::SUCCESS);
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<Reading> = None;
    // Ends when the reader of a pipe has left.
    while !console.is_gone() {
        ticks.tick().await;
        match reader.read(&watched, &*clock).await {
            Ok(reading) => {
                let pace = before.as_ref().and_then(|before| Pace::between(before, &reading));
                print(&mut console, &watched, &reading, pace.as_ref(), json);
                before = Some(reading);
            }
            // Servers come back; a log that cannot be used stays so.
            Err(error @ LogError::Unavailable(_)) => Console::errors().line(format_args!("{}", unread(error))),
            Err(error @ LogError::Broken(_)) => return Err(unread(error)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the lag, and keeps how long records have waited.
struct Reader {
    waits: Waits,
    began: Instant,
}

impl Reader {
    async fn read(&mut self, watched: &WatchedLag, clock: &dyn Clock) -> Result<Reading, LogError> {
        let accounts = match &watched.accounts {
            Some(accounts) => accounts.accounts().await.map_err(unread_accounts)?,
            None => Vec::new(),
        };
        let partitions = watched.lag.partitions(&accounts).await?;
        let taken_at = Instant::now();
        let at = taken_at.saturating_duration_since(self.began);
        self.waits.note(at, &partitions);
        let age = |lag: &PartitionLag| (lag.records() > 0).then(|| self.waits.age_ms(at, lag));
        let ages_ms = partitions.iter().map(age).collect();
        Ok(Reading { at: clock.now(), taken_at, partitions, ages_ms })
    }
}

/// Where the accounts cannot be read, the lag is not known.
fn unread_accounts(error: StoreError) -> LogError {
    LogError::Unavailable(FailureCause::new(error.kind(), error.to_string()).caused_by(error))
}

fn print(console: &mut Console, watched: &WatchedLag, reading: &Reading, pace: Option<&Pace>, json: bool) {
    if json {
        console.json(&output::json(&watched.group, reading, pace));
    } else {
        output::text(console, &watched.group, reading, pace);
    }
}
