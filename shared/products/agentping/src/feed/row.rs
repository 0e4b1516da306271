//! A row of the feed as it is stored.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use tidegate_kernel::{Timestamp, Usd};

use crate::run::Opening;
use crate::{Event, FinishStatus, Run, RunId, RunKey, RunStatus, Slug, TeamId};

/// The version that this build writes. It reads every version up to it.
pub const VERSION: u16 = 1;
/// How long a row is kept, in milliseconds, counted from when its record was appended: 30 days.
pub const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// Unpriced models in one row. A record may name more.
pub const UNPRICED_MAX: usize = 10;

/// Models in one row. A record may name more.
pub const MODELS_MAX: usize = 20;

/// What one record did to its run, and the run after it. Unset members are absent from its JSON. It is read by
/// the list in `decoding.rs`: a new member is added to both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedRow {
    pub(super) v: u16,
    pub team: TeamId,
    pub run: RunId,
    /// When the record was received.
    #[serde(rename = "received_at_ms")]
    pub received_at: Timestamp,
    /// When the record was appended to the log.
    #[serde(rename = "appended_at_ms")]
    pub appended_at: Timestamp,
    /// What the record did.
    #[serde(flatten)]
    pub did: Did,
    /// A replay appended the record again.
    #[serde(skip_serializing_if = "is_false")]
    pub replayed: bool,
    /// The store had lost the row, and its run had gone on: `did` may say more than was so, the members of the run
    /// are those of a later state, and what the record added to the cost is not known.
    #[serde(skip_serializing_if = "is_false")]
    pub recovered: bool,
    /// Of the opening in force, as all labels.
    pub agent: Slug,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<SmolStr>,
    #[serde(rename = "parent_run_id", skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    #[serde(rename = "started_at_ms")]
    pub started_at: Timestamp,
    /// [`Opening::listed_at`], where it is not the start.
    #[serde(rename = "listed_at_ms", skip_serializing_if = "Option::is_none")]
    pub(super) listed_at: Option<Timestamp>,
    /// The status of the finish, or `running`. Idle timeouts are the reader's: see `idle`.
    pub status: RunStatus,
    #[serde(rename = "finished_at_ms", skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Of a run with a finish, as [`Run::duration_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// When and how the run ends if nothing more comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleEnd>,
    #[serde(rename = "alive_at_ms", skip_serializing_if = "Option::is_none")]
    pub alive_at: Option<Timestamp>,
    /// What the run costs so far.
    #[serde(rename = "cost_nanos_usd", skip_serializing_if = "is_zero")]
    pub cost: Usd,
    /// What earlier rows of the run said that it costs.
    #[serde(rename = "cost_before_nanos_usd", skip_serializing_if = "is_zero")]
    pub cost_before: Usd,
    /// Under what earlier rows of the run filed its cost, where the record changed that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<FiledUnder>,
    /// Provider and model of calls in the record's new events that no rate was there for; at most [`UNPRICED_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unpriced: Vec<(SmolStr, SmolStr)>,
    /// What the calls in the record's new events cost by model; at most [`MODELS_MAX`], and none that cost nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelSpend>,
}

/// What calls of a model cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSpend {
    #[serde(rename = "p")]
    pub provider: SmolStr,
    #[serde(rename = "m")]
    pub model: SmolStr,
    #[serde(rename = "n")]
    pub cost: Usd,
}

/// What a record did to its run. Any of it may be true together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Did {
    #[serde(skip_serializing_if = "is_false")]
    pub opened: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub ended: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub reopened: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub alive: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub after_end: bool,
}

/// How an idle timeout ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleEnd {
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    pub status: FinishStatus,
}

/// What a run's cost is filed under in every sum of spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiledUnder {
    pub agent: Slug,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<SmolStr>,
    #[serde(rename = "listed_at_ms")]
    pub listed_at: Timestamp,
}

/// Why a text is no row that this build can read.
#[derive(Debug, thiserror::Error)]
pub enum FeedRowError {
    #[error("the row does not decode: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("the row has version {found}; this build reads versions 1 to {VERSION}")]
    Version { found: u16 },
}

/// How a record came: what its row says in addition to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub appended_at: Timestamp,
    pub replayed: bool,
}

impl FeedRow {
    /// A row that says how the run is, and nothing of what the record did.
    pub(super) fn of(key: RunKey, received_at: Timestamp, arrival: Arrival, run: &Run, opening: &Opening) -> Self {
        let finish = run.finish.as_ref();
        let (start, listed_at) = (&opening.start, opening.listed_at());
        FeedRow {
            v: VERSION,
            team: key.team,
            run: key.run,
            received_at,
            appended_at: arrival.appended_at,
            did: Did::default(),
            replayed: arrival.replayed,
            recovered: false,
            agent: start.agent.clone(),
            customer_id: start.customer_id.clone(),
            feature: start.feature.clone(),
            parent: start.parent_run_id,
            started_at: start.started_at,
            listed_at: (listed_at != start.started_at).then_some(listed_at),
            status: finish.map_or(RunStatus::Running, |finish| finish.status.into()),
            finished_at: finish.map(|finish| finish.finished_at),
            duration_ms: finish.and_then(|_| run.duration_ms(received_at)),
            idle: run.idle_deadline().zip(run.idle()).map(|(at, idle)| IdleEnd { at, status: idle.status }),
            alive_at: run.alive_at,
            cost: run.cost(),
            cost_before: Usd::ZERO,
            moved_from: None,
            unpriced: Vec::new(),
            models: Vec::new(),
        }
    }

    /// The instant whose day and month the run's cost counts in: [`Opening::listed_at`].
    pub fn listed_at(&self) -> Timestamp {
        self.listed_at.unwrap_or(self.started_at)
    }

    /// One JSON object.
    ///
    /// # Errors
    /// Never for a row that a fold has made: it holds texts and numbers only.
    pub fn encode(&self) -> Result<String, FeedRowError> {
        let mut bytes = Vec::with_capacity(512);
        serde_json::to_writer(&mut bytes, self)?;
        Ok(String::from_utf8(bytes).unwrap_or_default())
    }

    /// Unknown members are ignored, so that a newer minor form stays readable.
    ///
    /// # Errors
    /// [`FeedRowError`].
    pub fn decode(text: &str) -> Result<Self, FeedRowError> {
        let row: FeedRow = serde_json::from_str(text)?;
        if row.v == 0 || row.v > VERSION {
            return Err(FeedRowError::Version { found: row.v });
        }
        Ok(row)
    }
}

impl FiledUnder {
    pub(super) fn of(opening: &Opening) -> Self {
        let start = &opening.start;
        FiledUnder {
            agent: start.agent.clone(),
            customer_id: start.customer_id.clone(),
            feature: start.feature.clone(),
            listed_at: opening.listed_at(),
        }
    }
}

pub(super) fn is_unpriced(event: &Event) -> bool {
    event.call.as_ref().is_some_and(|call| !call.priced)
}

pub(super) fn unpriced_of(events: &[Event]) -> Vec<(SmolStr, SmolStr)> {
    let mut named: Vec<(SmolStr, SmolStr)> = Vec::new();
    for call in events.iter().filter(|event| is_unpriced(event)).filter_map(|event| event.call.as_ref()) {
        let is_new = !named.iter().any(|(provider, model)| *provider == call.provider && *model == call.model);
        if is_new && named.len() < UNPRICED_MAX {
            named.push((call.provider.clone(), call.model.clone()));
        }
    }
    named
}

pub(super) fn models_of(events: &[Event]) -> Vec<ModelSpend> {
    let mut models: Vec<ModelSpend> = Vec::new();
    for call in events.iter().filter_map(|event| event.call.as_ref()).filter(|call| call.cost != Usd::ZERO) {
        let is_full = models.len() >= MODELS_MAX;
        match models.iter_mut().find(|one| one.provider == call.provider && one.model == call.model) {
            Some(sum) => sum.cost = sum.cost.plus(call.cost),
            None if !is_full => {
                models.push(ModelSpend { provider: call.provider.clone(), model: call.model.clone(), cost: call.cost })
            }
            None => {}
        }
    }
    models
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(cost: &Usd) -> bool {
    *cost == Usd::ZERO
}
