//! `tidegate lag`: how far the persisters are behind, by partition.

mod reading;
mod telling;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_ports::{Clock, LogError, PartitionLag, SystemClock, Waits};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::assemble::beside::{self, LagBeside};
use crate::cli::LagArgs;
use crate::config::Config;
use crate::deployment::at_once;
use crate::page::Page;
use reading::{Pace, Reading};

/// Reads once, or until it is interrupted.
///
/// # Errors
/// It cannot be read, and the way out.
pub fn run(config: &Config, args: &LagArgs) -> Result<ExitCode, String> {
    let every = args.watch.then(|| Duration::from_secs(args.every_s.into()));
    at_once(config, live(config, every, args.json, Page::output()))
}

async fn live(config: &Config, every: Option<Duration>, json: bool, mut page: Page) -> Result<ExitCode, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let watched = beside::lag(config, &clock).await?;
    let unread = |error: &LogError| format!("the lag of {} on {} is not known: {error}", watched.group, watched.log);
    let mut reader = Reader { waits: Waits::default(), began: Instant::now() };
    let Some(every) = every else {
        let reading = reader.read(&watched, &*clock).await.map_err(|error| unread(&error))?;
        tell(&mut page, &watched, &reading, None, json);
        return Ok(ExitCode::SUCCESS);
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<Reading> = None;
    // Whoever reads a pipe may have seen enough.
    while !page.is_gone() {
        ticks.tick().await;
        match reader.read(&watched, &*clock).await {
            Ok(reading) => {
                let pace = before.as_ref().and_then(|before| Pace::between(before, &reading));
                tell(&mut page, &watched, &reading, pace.as_ref(), json);
                before = Some(reading);
            }
            // Servers come back; a log that is not ours does not become so.
            Err(error @ LogError::Unavailable(_)) => Page::errors().line(format_args!("{}", unread(&error))),
            Err(error @ LogError::Broken(_)) => return Err(unread(&error)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the readings so far say of how long records have waited.
struct Reader {
    waits: Waits,
    began: Instant,
}

impl Reader {
    async fn read(&mut self, watched: &LagBeside, clock: &dyn Clock) -> Result<Reading, LogError> {
        let accounts = match &watched.accounts {
            Some(accounts) => {
                accounts.accounts().await.map_err(|error| LogError::Unavailable(error.to_string().into()))?
            }
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

fn tell(page: &mut Page, watched: &LagBeside, reading: &Reading, pace: Option<&Pace>, json: bool) {
    if json {
        page.json(&telling::json(&watched.group, reading, pace));
    } else {
        telling::text(page, &watched.group, reading, pace);
    }
}
