//! The kinds of records, as words on the command line.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tidegate_agentping::Body;

/// A kind of record: which call it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Start,
    Events,
    Finish,
    Heartbeat,
}

impl Kind {
    pub const fn of(body: &Body) -> Self {
        match body {
            Body::Start(_) => Kind::Start,
            Body::Events(_) => Kind::Events,
            Body::Finish(_) => Kind::Finish,
            Body::Heartbeat(_) => Kind::Heartbeat,
        }
    }

    /// As the record format and metrics have it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Start => "start",
            Kind::Events => "events",
            Kind::Finish => "finish",
            Kind::Heartbeat => "heartbeat",
        }
    }
}

/// Records counted by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByKind {
    pub start: u64,
    pub events: u64,
    pub finish: u64,
    pub heartbeat: u64,
    /// Records whose kind this build cannot read.
    #[serde(default)]
    pub unreadable: u64,
}

impl ByKind {
    pub const fn count(&mut self, kind: Option<Kind>) {
        let counted = match kind {
            Some(Kind::Start) => &mut self.start,
            Some(Kind::Events) => &mut self.events,
            Some(Kind::Finish) => &mut self.finish,
            Some(Kind::Heartbeat) => &mut self.heartbeat,
            None => &mut self.unreadable,
        };
        *counted += 1;
    }

    pub const fn add(&mut self, other: &ByKind) {
        self.start += other.start;
        self.events += other.events;
        self.finish += other.finish;
        self.heartbeat += other.heartbeat;
        self.unreadable += other.unreadable;
    }

    pub const fn total(&self) -> u64 {
        self.start + self.events + self.finish + self.heartbeat + self.unreadable
    }
}

/// `12 (4 start, 8 events)`: kinds without a record are left out.
impl std::fmt::Display for ByKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = [
            (self.start, "start"),
            (self.events, "events"),
            (self.finish, "finish"),
            (self.heartbeat, "heartbeat"),
            (self.unreadable, "unreadable"),
        ];
        let parts: Vec<String> =
            named.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
        write!(f, "{}", self.total())?;
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}
