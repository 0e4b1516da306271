//! What follows from saved runs, gathered over a transaction and written once at its end: usage, repeats, agents,
//! unpriced models.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};
use tidegate_agentping::{Run, Slug};
use tidegate_agentping_ports::EventRow;
use tidegate_kernel::{Month, SmolStr};

use super::repeats::Counted;
use crate::sqlite::values::signed;

#[derive(Debug, Default)]
pub(super) struct FollowUps {
    /// By team and month: units of the runs less those counted before.
    usage: HashMap<(i64, Month), i64>,
    /// By team, month and agent: repeats of the runs less those counted before.
    repeats: HashMap<(i64, Month, Slug), i64>,
    /// By team and slug: first and last opening received, in milliseconds.
    agents: HashMap<(i64, Slug), (i64, i64)>,
    unpriced: HashSet<(i64, Month, SmolStr, SmolStr)>,
}

impl FollowUps {
    /// Adds a run that is being stored; `counted` are the units of the row it replaces.
    pub fn of_run(&mut self, team_no: i64, run: &Run, counted: &[(Month, u64)]) {
        for (units, sign) in [(run.units.as_slice(), 1), (counted, -1)] {
            for (month, units) in units {
                *self.usage.entry((team_no, *month)).or_default() += sign * signed(*units);
            }
        }
        for opening in run.start.iter().chain(&run.implied) {
            let at = opening.received_at.as_millis();
            let seen = self.agents.entry((team_no, opening.start.agent.clone())).or_insert((at, at));
            *seen = (seen.0.min(at), seen.1.max(at));
        }
    }

    /// Adds the repeats of a run that is being stored; `counted` are those of the row it replaces.
    pub fn of_repeats(&mut self, team_no: i64, repeats: Counted, counted: Counted) {
        for (repeats, sign) in [(repeats, 1), (counted, -1)] {
            for (agent, month, times) in repeats {
                *self.repeats.entry((team_no, month, agent)).or_default() += sign * signed(times);
            }
        }
    }

    /// Adds an event that is being stored.
    pub fn of_event(&mut self, team_no: i64, row: &EventRow) {
        if let Some(call) = row.event.call.as_ref().filter(|call| !call.priced) {
            let month = Month::of(row.received_at);
            self.unpriced.insert((team_no, month, call.provider.clone(), call.model.clone()));
        }
    }

    pub fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        let mut usage = connection.prepare_cached(
            "INSERT INTO usage (team_no, month, units) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET units = units + excluded.units",
        )?;
        for ((team_no, month), units) in self.usage.into_iter().filter(|(_, units)| *units != 0) {
            usage.execute(params![team_no, month.number(), units])?;
        }
        let mut repeats = connection.prepare_cached(
            "INSERT INTO repeats (team_no, month, agent, times) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET times = times + excluded.times",
        )?;
        for ((team_no, month, agent), times) in self.repeats.into_iter().filter(|(_, times)| *times != 0) {
            repeats.execute(params![team_no, month.number(), agent.as_str(), times])?;
        }
        let mut agents = connection.prepare_cached(
            "INSERT INTO agents (team_no, slug, first_seen_ms, last_seen_ms) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET first_seen_ms = min(first_seen_ms, excluded.first_seen_ms), \
             last_seen_ms = max(last_seen_ms, excluded.last_seen_ms) \
             WHERE excluded.first_seen_ms < first_seen_ms OR excluded.last_seen_ms > last_seen_ms",
        )?;
        for ((team_no, slug), (first, last)) in self.agents {
            agents.execute(params![team_no, slug.as_str(), first, last])?;
        }
        let mut unpriced = connection.prepare_cached(
            "INSERT INTO unpriced (team_no, month, provider, model) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?;
        for (team_no, month, provider, model) in self.unpriced {
            unpriced.execute(params![team_no, month.number(), provider.as_str(), model.as_str()])?;
        }
        Ok(())
    }
}
