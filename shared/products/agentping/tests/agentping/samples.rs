//! Records of one run, with times in milliseconds after [`T0`].

use tidegate_agentping::{Body, Event, Finish, FinishStatus, ModelCall, Record, RunKey, Start};
use tidegate_agentping_testkit::{AFTERNOON, EventWith as _, FinishWith as _, StartWith as _, run_id, team};
pub use tidegate_agentping_testkit::{heartbeat, json};
use tidegate_kernel::{Timestamp, Usd};

pub const T0: i64 = AFTERNOON.as_millis();

pub fn at(millis: i64) -> Timestamp {
    AFTERNOON.plus_millis(millis)
}

pub fn key() -> RunKey {
    RunKey { team: team(7), run: run_id(42) }
}

pub fn record(received: i64, body: Body) -> Record {
    Record::new(key(), at(received), body)
}

pub fn start(agent: &str, started: i64) -> Start {
    tidegate_agentping_testkit::start(agent).at(at(started))
}

pub fn idle_start(agent: &str, timeout_s: u32) -> Start {
    start(agent, 0).idle(timeout_s, FinishStatus::Success)
}

pub fn event(id: u128, cost_nanos: u64, errored: bool) -> Event {
    let cost = Usd::from_nanos(cost_nanos);
    let call = ModelCall { provider: "p".into(), model: "m".into(), cost, priced: cost_nanos > 0 };
    let event = tidegate_agentping_testkit::event(id).at(at(id as i64)).kind("llm_call").hash(1_000 + id as u64);
    Event { errored, ..event.call(call) }
}

pub fn finish(status: FinishStatus, finished: i64) -> Finish {
    tidegate_agentping_testkit::finish(status).at(at(finished))
}
