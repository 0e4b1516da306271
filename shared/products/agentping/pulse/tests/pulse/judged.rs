//! A judge of one agent: openings and changes go in, decisions come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tidegate_agentping::{FinishStatus, RunId};
use tidegate_agentping_pulse::{Coverage, Doubt, Doubts, OpenedRun, ScheduleChange, SlotDecision, SlotOutcome};
use tidegate_kernel::{Region, Timestamp};

use crate::samples::*;

pub fn run(number: u128) -> RunId {
    RunId::from_bits(Region::Eu, number)
}

/// `12:30` of the day that tests take place on, or a whole instant.
pub fn time(text: &str) -> Timestamp {
    match text.len() {
        5 => at(&format!("2026-05-15T{text}:00Z")),
        8 => at(&format!("2026-05-15T{text}Z")),
        _ => at(text),
    }
}

#[derive(Default)]
pub struct Judged {
    pub coverage: Coverage,
    pub doubts: Vec<Doubt>,
    pub decisions: Vec<SlotDecision>,
}

impl Judged {
    /// An agent that has run before, with a schedule since the midnight before.
    pub fn with(definition: Value) -> Self {
        let mut judged = Judged { coverage: Coverage::new(Some(time("00:00").plus_millis(-1))), ..Judged::default() };
        judged.set("00:00", definition);
        judged
    }

    pub fn set(&mut self, from: &str, members: Value) {
        self.coverage.change(time(from), ScheduleChange::Set(Arc::new(definition(members))));
    }

    pub fn change(&mut self, from: &str, change: ScheduleChange) {
        self.coverage.change(time(from), change);
    }

    pub fn opened(&mut self, number: u128, received_at: &str) {
        self.opened_at(number, received_at, None);
    }

    pub fn opened_at(&mut self, number: u128, received_at: &str, started_at: Option<&str>) {
        let opened = OpenedRun {
            run: run(number),
            received_at: time(received_at),
            started_at: started_at.map(time),
            ended: None,
        };
        self.coverage.opened(opened, &mut |decision| self.decisions.push(decision));
    }

    pub fn ended(&mut self, number: u128, status: FinishStatus) {
        self.coverage.ended(run(number), status, &mut |decision| self.decisions.push(decision));
    }

    pub fn to(&mut self, until: &str) {
        let doubts = Doubts { of_all: &self.doubts, of_team: &[] };
        self.coverage.advance(time(until), &doubts, &mut |decision| self.decisions.push(decision));
    }

    /// What is last said of each slot, as `12:00 missed`.
    pub fn slots(&self) -> Vec<String> {
        let mut last: BTreeMap<Timestamp, SlotOutcome> = BTreeMap::new();
        self.decisions.iter().for_each(|decision| {
            last.insert(decision.slot.at, decision.outcome);
        });
        last.iter().map(|(at, outcome)| format!("{} {}", &at.to_string()[11..16], outcome.as_str())).collect()
    }
}
