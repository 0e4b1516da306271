//! Which of AgentPing's records a replay is asked for.

use std::fmt;

use tidegate_agentping::{Slug, TeamId};

use crate::log_commands::kind::Kind;

/// The filters of a selection. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub team: Option<TeamId>,
    pub agent: Option<Slug>,
    pub kind: Option<Kind>,
}

impl fmt::Display for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Filters { team, agent, kind } = self;
        if let Some(kind) = kind {
            write!(f, " of kind {}", kind.name())?;
        }
        if let Some(agent) = agent {
            write!(f, " of agent '{agent}'")?;
        }
        if let Some(team) = team {
            write!(f, " of team {team}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::{Region, Timestamp};
    use tidegate_replay::SelectionRange;

    use super::*;

    type Selection = tidegate_replay::Selection<Filters>;

    #[test]
    fn each_part_makes_another_replay() {
        let plain = Selection {
            log: "tidegate.eu.records.g1".to_owned(),
            range: SelectionRange::Time { from: Timestamp::from_millis(1_000), to: None },
            filters: Filters::default(),
        };
        let with = |filters| Selection { filters, ..plain.clone() };
        let team = Some(TeamId::from_bits(Region::Eu, 7));
        let other = [
            Selection { log: "tidegate.us.records.g1".to_owned(), ..plain.clone() },
            Selection { range: SelectionRange::DeadLetters, ..plain.clone() },
            Selection { range: SelectionRange::Offsets("0:1-2".parse().unwrap()), ..plain.clone() },
            Selection {
                range: SelectionRange::Time {
                    from: Timestamp::from_millis(1_000),
                    to: Some(Timestamp::from_millis(2_000)),
                },
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
