//! What a replay is asked for: which part of the log, and which of its records.

use std::fmt;

use tidegate_agentping::{Slug, TeamId};
use tidegate_kernel::Timestamp;
use tidegate_kernel::free_json::text_hash;

use super::offsets::OffsetRanges;
use crate::log_commands::kind::Kind;

/// Everything that says which records are chosen. Equal selections are the same replay, which is how an interrupted one
/// is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Whose log: the topic's name, or the data folder.
    pub log: String,
    pub range: Range,
    pub filters: Filters,
}

/// Which part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// What was appended at or after `from` and before `to`; `None` is when the replay was first begun.
    Time {
        from: Timestamp,
        to: Option<Timestamp>,
    },
    Offsets(OffsetRanges),
    /// Every dead letter.
    DeadLetters,
}

/// Which of its records. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub team: Option<TeamId>,
    pub agent: Option<Slug>,
    pub kind: Option<Kind>,
}

impl Selection {
    /// Places named one by one are taken whatever is there: a record that is a replay itself, too, and one that this
    /// build cannot read.
    pub const fn is_explicit(&self) -> bool {
        matches!(self.range, Range::Offsets(_))
    }

    /// A short name of its own, the same for the same selection.
    pub fn name(&self) -> String {
        format!("{:016x}", text_hash(&[self.to_string().as_bytes()]))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.range {
            Range::Time { from, to: Some(to) } => write!(f, "records appended from {from} to {to}")?,
            Range::Time { from, to: None } => write!(f, "records appended from {from} on")?,
            Range::Offsets(ranges) => write!(f, "records at {ranges}")?,
            Range::DeadLetters => write!(f, "dead letters")?,
        }
        let Filters { team, agent, kind } = &self.filters;
        if let Some(kind) = kind {
            write!(f, " of kind {}", kind.name())?;
        }
        if let Some(agent) = agent {
            write!(f, " of agent '{agent}'")?;
        }
        if let Some(team) = team {
            write!(f, " of team {team}")?;
        }
        write!(f, " in {}", self.log)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;

    #[test]
    fn each_part_makes_another_replay() {
        let plain = Selection {
            log: "tidegate.eu.records.g1".to_owned(),
            range: Range::Time { from: Timestamp::from_millis(1_000), to: None },
            filters: Filters::default(),
        };
        let with = |filters| Selection { filters, ..plain.clone() };
        let team = Some(TeamId::from_bits(Region::Eu, 7));
        let other = [
            Selection { log: "tidegate.us.records.g1".to_owned(), ..plain.clone() },
            Selection { range: Range::DeadLetters, ..plain.clone() },
            Selection { range: Range::Offsets("0:1-2".parse().unwrap()), ..plain.clone() },
            Selection {
                range: Range::Time { from: Timestamp::from_millis(1_000), to: Some(Timestamp::from_millis(2_000)) },
                ..plain.clone()
            },
            with(Filters { team, ..Filters::default() }),
            with(Filters { agent: Slug::parse("a").ok(), ..Filters::default() }),
            with(Filters { kind: Some(Kind::Start), ..Filters::default() }),
        ];
        let mut names: Vec<String> = other.iter().chain([&plain]).map(Selection::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), other.len() + 1);
        assert_eq!(plain.name(), plain.clone().name());
        assert_eq!(plain.to_string(), "records appended from 1970-01-01T00:00:01.000Z on in tidegate.eu.records.g1");
    }
}
