//! A run as the store keeps it, and the values derived from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_kernel::{FreeJson, Month, Timestamp, Usd};

use crate::record::{Idle, Start};
use crate::{FinishStatus, HeartbeatStatus, RunStatus};

pub mod clock_skew;
mod repeats;

pub use clock_skew::ClockSkew;
pub use repeats::Repeats;

/// The registers and sums of a run. Its events are stored separately, keyed by event id.
///
/// There are three registers, each set by the first matching record in log order: `start` by an opening call, `implied`
/// by a closing heartbeat (it opens and closes in one call, but a real start takes precedence), and `finish` by any
/// closing call. All other fields are sums or maxima, so order does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Opening>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implied: Option<Opening>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Closing>,
    /// How many events the run has.
    #[serde(default)]
    pub events: u64,
    /// The sum of the events' costs.
    #[serde(rename = "events_cost_nanos_usd", default)]
    pub events_cost: Usd,
    /// Whether an event reported an error.
    #[serde(default)]
    pub errored: bool,
    /// Whether a record contradicted the stored run and was not applied.
    #[serde(default)]
    pub conflicted: bool,
    /// When a start or an event was last received.
    #[serde(rename = "last_activity_ms", default)]
    pub last_activity: Timestamp,
    /// When the run last reported that it is alive: by an event that [says so](crate::Event::is_alive), or by another start.
    #[serde(rename = "alive_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub alive_at: Option<Timestamp>,
    /// When a record of any kind was last received. An orphan's age is measured from it.
    #[serde(rename = "last_received_ms", default)]
    pub last_received: Timestamp,
    /// Units counted towards the monthly quota, by month of receipt, in month order.
    #[serde(default)]
    pub units: Vec<(Month, u64)>,
}

/// The opening of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    pub start: Start,
    /// Whether the client sent `started_at`. A heartbeat may omit it; then it is the server's time of receipt.
    pub started_at_given: bool,
    #[serde(rename = "received_at_ms")]
    pub received_at: Timestamp,
    /// Figures that only an opening heartbeat has.
    #[serde(default)]
    pub reported: Reported,
}

/// The closing of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    pub status: FinishStatus,
    #[serde(rename = "finished_at_ms")]
    pub finished_at: Timestamp,
    #[serde(rename = "received_at_ms")]
    pub received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<FreeJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<FreeJson>,
    #[serde(default)]
    pub reported: Reported,
    /// Later closing calls with the same id. They change nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
}

/// Figures that the client reports and that are stored unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<FreeJson>,
    #[serde(rename = "cost_nanos_usd", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

impl Run {
    /// The run's opening: a real start before an implied one. `None` for an orphan, which is not shown until its start
    /// comes.
    pub fn opening(&self) -> Option<&Opening> {
        self.start.as_ref().or(self.implied.as_ref())
    }

    /// The idle rule in force, if any.
    pub fn idle(&self) -> Option<Idle> {
        self.opening().and_then(|opening| opening.start.idle)
    }

    /// When the idle timeout closes the run, if nothing else does: the last activity plus the timeout.
    pub fn idle_deadline(&self) -> Option<Timestamp> {
        if self.finish.is_some() {
            return None;
        }
        self.idle().map(|idle| self.last_activity.plus_millis(i64::from(idle.timeout_s) * 1_000))
    }

    fn closed_by_silence(&self, now: Timestamp) -> Option<Idle> {
        self.idle_deadline().filter(|deadline| *deadline <= now).and_then(|_| self.idle())
    }

    /// The status at `now`. An idle close applies from its deadline on, without a write; a later event reopens the run.
    pub fn status_at(&self, now: Timestamp) -> RunStatus {
        match (&self.finish, self.closed_by_silence(now)) {
            (Some(finish), _) => finish.status.into(),
            (None, Some(idle)) => idle.status.into(),
            (None, None) => RunStatus::Running,
        }
    }

    /// When the run ended, as seen at `now`. An idle close has the time of the last activity.
    pub fn finished_at(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.finish {
            Some(finish) => Some(finish.finished_at),
            None => self.closed_by_silence(now).map(|_| self.last_activity),
        }
    }

    /// The duration in milliseconds: the client's number, else the time from start to end. `None` while the run is
    /// open, without a start, or if the end is before the start.
    pub fn duration_ms(&self, now: Timestamp) -> Option<u64> {
        let given = self.finish.as_ref().and_then(|finish| finish.reported.duration_ms);
        given.or_else(|| self.finished_at(now)?.millis_from(self.opening()?.start.started_at))
    }

    /// The cost: the sum of the events' costs plus the heartbeats' reported cost (the closing one's before the opening
    /// one's).
    pub fn cost(&self) -> Usd {
        self.events_cost.plus(self.reported(|reported| reported.cost).unwrap_or(Usd::ZERO))
    }

    /// A reported figure: of the closing call, else of the opening one.
    pub fn reported<T>(&self, figure: impl Fn(&Reported) -> Option<T>) -> Option<T> {
        let closing = self.finish.as_ref().and_then(|finish| figure(&finish.reported));
        closing.or_else(|| self.opening().and_then(|opening| figure(&opening.reported)))
    }

    /// The closing call's output, else the opening one's.
    pub fn output(&self) -> Option<FreeJson> {
        self.reported(|reported| reported.output.clone())
    }

    /// The start's metadata with the finish's merged over it, finish keys winning (AgentPing: finish).
    pub fn metadata(&self) -> Option<FreeJson> {
        let opened = self.opening().and_then(|opening| opening.start.metadata.as_ref());
        let closed = self.finish.as_ref().and_then(|finish| finish.metadata.as_ref());
        match (opened, closed) {
            (Some(under), Some(over)) => Some(merge(under, over)),
            (one, other) => one.or(other).cloned(),
        }
    }

    /// The heartbeat word for the current status.
    pub fn heartbeat_status(&self) -> HeartbeatStatus {
        self.finish.as_ref().map_or(HeartbeatStatus::Start, |finish| HeartbeatStatus::of_finish(finish.status))
    }

    /// Bytes of free JSON in the run, the main part of its size.
    pub fn free_json_bytes(&self) -> usize {
        let size = |json: &Option<FreeJson>| json.as_ref().map_or(0, |json| json.as_str().len());
        let opened = self.start.iter().chain(&self.implied);
        let opened: usize = opened.map(|opening| size(&opening.start.metadata) + size(&opening.reported.output)).sum();
        let closed = self
            .finish
            .as_ref()
            .map_or(0, |finish| size(&finish.metadata) + size(&finish.scores) + size(&finish.reported.output));
        opened + closed
    }

    /// Units counted towards the quota in `month`.
    pub fn units_in(&self, month: Month) -> u64 {
        self.units.iter().find(|(counted, _)| *counted == month).map_or(0, |(_, units)| *units)
    }
}

/// Merges two flat objects. Metadata was validated as flat objects at admission; for anything else `over` is returned.
fn merge(under: &FreeJson, over: &FreeJson) -> FreeJson {
    type Object = BTreeMap<String, FreeJson>;
    let parse = |json: &FreeJson| serde_json::from_str::<Object>(json.as_str());
    let (Ok(mut merged), Ok(winner)) = (parse(under), parse(over)) else {
        return over.clone();
    };
    merged.extend(winner);
    serde_json::to_string(&merged).ok().and_then(|text| FreeJson::parse(&text).ok()).unwrap_or_else(|| over.clone())
}
