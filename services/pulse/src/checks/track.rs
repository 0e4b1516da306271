//! How a check has come out so far, and the incident that follows from it. Pure.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{AgentId, Slug, TeamId};
use tidegate_agentping_checks::{CheckDoc, CheckOutcome};
use tidegate_agentping_pulse::incident::derived_id::delivery_id;
use tidegate_agentping_pulse::incident::routing::Routing;
use tidegate_agentping_pulse::incident::track::{InARow, Track};
use tidegate_agentping_pulse::incident::{IncidentEdge, Subject};
use tidegate_agentping_pulse::{AlertKind, AlertMessage, IncidentOrigin};
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::free_json::text_hash_128;
use tidegate_kernel::{SmolStr, Timestamp};

use super::CheckEvent;

/// A check's results, as they count. The rank of its row is its last result's; of its members others read `track`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckTrack {
    #[serde(default)]
    pub track: Track,
    #[serde(default)]
    pub routing: Routing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// When it was found that the check was removed. It is stored before the incident is resolved, so that whoever
    /// resolves it again says the same.
    #[serde(rename = "removed_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    #[serde(default)]
    pub rank: u64,
}

/// The result that was taken in last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    pub run: String,
    #[serde(rename = "ended_at_ms")]
    ended_at: Timestamp,
    pub outcome: CheckOutcome,
    /// How often the run had come out otherwise before.
    #[serde(default, skip_serializing_if = "is_zero")]
    turn: u32,
    /// The agent's [key](tidegate_agentping::names); absent in rows of an earlier build, as the check's name is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Slug>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_name: Option<SmolStr>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Why a check has no incident any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The check was removed: its documents do not say when.
    Removed,
    /// It was switched off, or its agent was deleted.
    Since(Timestamp),
}

impl Over {
    /// Whether what a check has said of runs that ended up to `ended_at` is over.
    pub fn of(settings: &TeamSettings, check: &str, ended_at: Timestamp) -> Option<Over> {
        let Some(stored) = settings.checks.get(check) else { return Some(Over::Removed) };
        // Of a check of a later build nothing is known.
        let doc = serde_json::from_value::<CheckDoc>(stored.clone()).ok()?;
        if !doc.enabled {
            return Some(Over::Since(doc.since));
        }
        let agent = settings.agents.get(&Slug::parse(&doc.agent).ok()?)?;
        agent.deleted_at.filter(|deleted| ended_at <= *deleted).map(Over::Since)
    }
}

impl CheckTrack {
    pub fn is_news(&self, event: &CheckEvent) -> bool {
        let Some(last) = &self.last else { return true };
        let same_run = last.run == event.run.run.to_string();
        if same_run { last.outcome != event.outcome } else { event.ended_at >= last.ended_at }
    }

    /// When the last run failed of those that count, if any does.
    pub fn last_failed(&self) -> Option<Timestamp> {
        self.track.last_bad().max(self.track.open().map(|open| open.opened_at))
    }

    /// Takes a result in. Returns what happens to the incident.
    pub fn apply(
        &mut self,
        event: &CheckEvent,
        settings: &TeamSettings,
        messages: &mut Vec<AlertMessage>,
    ) -> Vec<IncidentEdge> {
        let run = event.run.run.to_string();
        let turn = self.last.as_ref().filter(|last| last.run == run).map_or(0, |last| last.turn.saturating_add(1));
        let subject = subject_of(event.team, &event.check, turn);
        let (origin, at) = (IncidentOrigin::Run(event.run.run), event.ended_at);
        let rule = InARow { alert_after: event.alert_after, recover_after: 1 };
        let settled = self.track.settle(&subject, at);
        let changed = match event.outcome {
            CheckOutcome::Fail => self.track.bad(&subject, rule, origin, at),
            CheckOutcome::Pass => self.track.good(&subject, rule, origin, at),
            CheckOutcome::Skipped | CheckOutcome::Error => None,
        };
        let edges: Vec<IncidentEdge> = settled.into_iter().chain(changed).collect();
        let policies = settings.route_policies(settings.names.name(&event.agent));
        for edge in &edges {
            self.routing.route(event.team.region(), edge, &policies, &mut |message| messages.push(message));
        }
        let (agent, check_name) = (Some(event.agent.clone()), Some(event.check_name.clone()));
        self.last = Some(Last { run, ended_at: at, outcome: event.outcome, turn, agent, check_name });
        self.rank = rank_at(at).max(self.rank + 1);
        edges
    }

    /// The check is over since `at`: what is open is resolved, and what comes later counts from the beginning.
    ///
    /// Two judges may find at different instants, or for different reasons, that a check is over. The id of a recovery
    /// depends on neither, so that the outbox takes it once.
    pub fn end(
        &mut self,
        (team, check): (TeamId, &str),
        at: Timestamp,
        messages: &mut Vec<AlertMessage>,
    ) -> Option<IncidentEdge> {
        let edge = self.track.end(&subject_of(team, check, 0), IncidentOrigin::Slot(at), at);
        if let Some(edge) = &edge {
            let (region, opened_by) = (team.region(), IncidentOrigin::Slot(edge.opened_at));
            // It goes to whoever got its opening, whatever is routed where by now.
            self.routing.route(region, edge, &[], &mut |message| {
                let id = delivery_id(region, edge.incident, &message.route, edge.edge, opened_by, edge.opened_at);
                messages.push(AlertMessage { id, ..message });
            });
        }
        // A check that goes on under its id may be removed again.
        self.removed_at = None;
        self.rank = rank_at(at).max(self.rank + 1);
        edge
    }
}

/// A check has incidents of its own, so its id stands where an agent's does. A run that is judged again within ten
/// minutes can fail, pass and fail: each turn has incidents of its own, too.
pub(super) fn subject_of(team: TeamId, check: &str, turn: u32) -> Subject {
    let (team_bits, turn_bits) = (team.bits().to_be_bytes(), turn.to_be_bytes());
    let parts: [&[u8]; 4] = [&team_bits, b"check", check.as_bytes(), &turn_bits];
    let parts = if turn == 0 { &parts[..3] } else { &parts[..] };
    Subject { agent: AgentId::from_bits(team.region(), text_hash_128(parts)), kind: AlertKind::CheckFailed }
}

fn rank_at(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0)
}
