//! The orders that agents can be listed in.

use std::cmp::Reverse;

use crate::pages::agents::Line;
use crate::parts::health::STATES;
use crate::parts::value::Members;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    /// The gravest first.
    State,
    /// The next to come first; those without one last.
    NextSlot,
    /// The longest first.
    RunTime,
    LastRun,
    Runs,
    Failed,
    Cost,
}

impl Order {
    pub const ALL: [Order; 8] = [
        Order::Name,
        Order::State,
        Order::NextSlot,
        Order::RunTime,
        Order::LastRun,
        Order::Runs,
        Order::Failed,
        Order::Cost,
    ];
    /// Completes "'sort' must ".
    pub const MUST: &'static str = "be one of name, state, next, time, last, runs, failed, cost";

    /// As the query has it.
    pub const fn word(self) -> &'static str {
        match self {
            Order::Name => "name",
            Order::State => "state",
            Order::NextSlot => "next",
            Order::RunTime => "time",
            Order::LastRun => "last",
            Order::Runs => "runs",
            Order::Failed => "failed",
            Order::Cost => "cost",
        }
    }

    /// The head of its column.
    pub const fn name(self) -> &'static str {
        match self {
            Order::Name => "Agent",
            Order::State => "State",
            Order::NextSlot => "Next slot",
            Order::RunTime => "Run time (p50)",
            Order::LastRun => "Last run",
            Order::Runs => "Runs today",
            Order::Failed => "Failed today",
            Order::Cost => "Cost today",
        }
    }

    /// What `aria-sort` says of its column.
    pub const fn direction(self) -> &'static str {
        match self {
            Order::Name | Order::NextSlot => "ascending",
            Order::State | Order::RunTime | Order::LastRun | Order::Runs | Order::Failed | Order::Cost => "descending",
        }
    }

    pub const fn is_number(self) -> bool {
        matches!(self, Order::RunTime | Order::Runs | Order::Failed | Order::Cost)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Order::ALL.into_iter().find(|order| order.word() == text)
    }

    /// Sorts lines that come by name: among equals they stay so.
    pub fn sort(self, lines: &mut [Line]) {
        match self {
            Order::Name => {}
            Order::State => lines.sort_by_key(gravity),
            Order::NextSlot => lines.sort_by_key(|line| {
                let next = line.judged.instant("next_slot");
                (next.is_none(), next)
            }),
            Order::RunTime => lines.sort_by_key(|line| Reverse(line.judged.number("median_duration_ms"))),
            Order::LastRun => lines.sort_by_key(|line| Reverse(line.agent.last_seen)),
            Order::Runs => lines.sort_by_key(|line| Reverse(line.today.runs)),
            Order::Failed => lines.sort_by_key(|line| Reverse(line.today.failed)),
            Order::Cost => lines.sort_by_key(|line| Reverse(line.today.cost)),
        }
    }
}

/// The place of its state among all, the gravest first.
fn gravity(line: &Line) -> usize {
    STATES.iter().position(|state| *state == line.judged.text("state")).unwrap_or(STATES.len())
}
