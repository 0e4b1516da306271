//! Short ways to write what tests are about.

use serde_json::{Map, Value, json};
use tidegate_agentping_pulse::{Cron, Definition, Zone};
use tidegate_kernel::Timestamp;

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

pub fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

pub fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub fn definition(value: Value) -> Definition {
    Definition::parse(&members(value)).unwrap_or_else(|fault| panic!("{}: {fault}", fault.member))
}

/// A cron expression in a zone, with defaults.
pub fn in_zone(cron: &str, zone: &str) -> Definition {
    definition(json!({"cron": cron, "timezone": zone}))
}

/// The slots from `from` to `to`, both included, to the second.
pub fn between(definition: &Definition, from: &str, to: &str) -> Vec<String> {
    let (from, to) = (at(from), at(to));
    let first = definition.slot_after(from.plus_millis(-1));
    let slots = std::iter::successors(first, |slot| definition.slot_following(slot.at));
    slots.map(|slot| slot.at).take_while(|at| *at <= to).map(|at| at.to_string().replace(":00.000Z", "Z")).collect()
}
