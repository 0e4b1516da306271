//! Fills a running deployment with a week of believable AgentPing traffic, over HTTP, to look at.
//!
//! What is sent follows from the team's name and the time alone: the same runs have the same ids and the same content every
//! time, so a repeat adds nothing but what has happened since. `week.rs` says which runs there are, `story.rs`
//! what happens in one.

mod calls;
mod dice;
mod habits;
mod orders;
mod settings;
mod story;
mod week;

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use tidegate_kernel::{Region, Timestamp};

pub use calls::DemoError;
pub use orders::order;

use calls::Calls;
use habits::HABITS;
use story::PlannedRun;

/// Agents whose runs are sent at the same time.
const AT_ONCE: usize = 6;
/// Events of a request at most (AgentPing: batches).
const BATCH: usize = 50;

/// Where the traffic goes.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The front door, as clients reach it.
    pub ingest_url: String,
    /// The management API.
    pub control_url: String,
    /// An API key of the team, of full access.
    pub key: String,
    pub team: String,
    pub region: Region,
    /// The week ends then.
    pub until: Timestamp,
}

/// What there is of the week, whether it was sent now or before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    pub agents: usize,
    pub runs: usize,
    pub events: usize,
    /// Requests that were answered with what was stored before.
    pub repeated: usize,
    /// Whether guard blocked the agent that spends too much; it may need some seconds to know.
    pub is_blocked: bool,
}

/// Sends the settings, then the week, agent by agent, and asks guard. `progress` gets a line from time to time.
///
/// # Errors
/// What was refused, or did not answer.
pub async fn fill(options: &DemoOptions, progress: impl Fn(&str)) -> Result<Filled, DemoError> {
    let calls = Calls::new(options)?;
    settings::apply(&calls).await?;
    progress("settings are in place: schedules, checks, a guard rule, a route");
    let mut filled = Filled { agents: HABITS.len(), ..Filled::default() };
    let calls = &calls;
    let mut sending = stream::iter(HABITS)
        .map(|habit| async move {
            let runs = week::runs(habit, &options.team, options.until);
            let mut sent = Filled::default();
            // In their order: the last run of an agent is the one that its state follows.
            for run in &runs {
                sent.add(send(calls, &story::planned(habit, run, options)).await?);
            }
            Ok::<_, DemoError>((habit.agent, runs.len(), sent))
        })
        .buffer_unordered(AT_ONCE);
    let mut done = 0;
    while let Some(sent) = sending.next().await {
        let (agent, runs, sent) = sent?;
        done += 1;
        filled.add(sent);
        progress(&format!("{done}/{} {agent}: {runs} runs, {} events", HABITS.len(), sent.events));
    }
    drop(sending);
    settings::pause(calls).await?;
    filled.is_blocked = settings::is_blocked(calls).await?;
    Ok(filled)
}

impl Filled {
    fn add(&mut self, other: Filled) {
        self.runs += other.runs;
        self.events += other.events;
        self.repeated += other.repeated;
    }
}

/// Sends a run: its start, its events, its end if it has ended; and its children.
async fn send(calls: &Calls, planned: &PlannedRun) -> Result<Filled, DemoError> {
    let mut repeated = usize::from(calls.report("/v1/runs", &planned.start).await?);
    for batch in planned.events.chunks(BATCH) {
        let path = format!("/v1/runs/{}/events", planned.id);
        repeated += usize::from(calls.report(&path, &json!({ "events": batch })).await?);
    }
    if let Some(finish) = &planned.finish {
        repeated += usize::from(calls.report(&format!("/v1/runs/{}/finish", planned.id), finish).await?);
    }
    let mut filled = Filled { runs: 1, events: planned.events.len(), repeated, ..Filled::default() };
    for child in &planned.children {
        filled.add(Box::pin(send(calls, child)).await?);
    }
    Ok(filled)
}

/// JSON objects of requests.
type Body = Value;
