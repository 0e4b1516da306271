//! What judging an agent finds, as it is written: slots, incidents and messages.

use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{AlertMessage, Alerting, Edge, IncidentOrigin, Judgement, RoutePolicy};
use tidegate_agentping_verdicts::{IncidentDoc, SlotDoc};
use tidegate_kernel::Timestamp;

use super::{Bench, Watching};
use crate::judge::findings::Findings;
use crate::judge::outbox::{Alert, RouteChoice};

impl Watching {
    /// Does something, and notes what was found by it.
    pub(super) fn judged(
        &mut self,
        bench: &Bench<'_>,
        findings: &mut Findings,
        act: impl FnOnce(&mut Self, &Alerting<'_>, &mut Vec<Judgement>),
    ) {
        let policies: Vec<RoutePolicy<'_>> = bench.routes.iter().map(RouteChoice::policy).collect();
        let agent = self.id();
        let mut origins: Vec<(IncidentId, IncidentOrigin)> = self.open_incidents().collect();
        let mut found = Vec::new();
        act(self, &Alerting { agent, routes: &policies }, &mut found);
        for (index, judgement) in found.iter().enumerate() {
            match judgement {
                Judgement::Slot(decision) => {
                    let incident = incident_of(decision.slot.at, &found[index + 1..]);
                    let doc = SlotDoc::of(decision, incident);
                    let before = self.recent.outcome_at(doc.at);
                    self.recent.note_slot(&doc);
                    findings.slot(&doc, before, agent);
                }
                Judgement::Edge(edge) => {
                    let known = origins.iter().find(|(id, _)| *id == edge.incident).map(|(_, origin)| *origin);
                    let origin = known.unwrap_or(edge.origin);
                    if known.is_none() {
                        origins.push((edge.incident, origin));
                    }
                    let doc = IncidentDoc::of(edge, &self.slug, origin);
                    findings.incident(&doc, edge.edge.as_str(), self.team);
                }
                Judgement::Message(message) => findings.alert(self.alert(message)),
            }
        }
    }

    fn alert(&self, message: &AlertMessage) -> Alert {
        let schedule = self.judge.coverage().definition().cloned();
        let slot = match message.origin {
            IncidentOrigin::Slot(at) => Some(at),
            IncidentOrigin::Run(_) | IncidentOrigin::Child { .. } => None,
        };
        let tolerance_ms = schedule.as_ref().map(|schedule| i64::from(schedule.tolerance_s) * 1_000);
        let after = |at| schedule.as_ref()?.slot_following(at).map(|slot| slot.at);
        Alert {
            message: message.clone(),
            team: self.team,
            agent: self.id(),
            slug: self.slug.clone(),
            deadline: slot.zip(tolerance_ms).map(|(at, tolerance_ms)| at.plus_millis(tolerance_ms)),
            next_expected_at: slot.and_then(after),
            schedule: schedule.clone(),
            last_success: self.judge.last_success().copied(),
            last_run: self.last_run,
            child: self.failed_children.iter().find(|known| message.origin.child() == Some(known.run)).copied(),
        }
    }
}

/// The incident that a slot opened or is part of: its edge follows the slot.
fn incident_of(slot: Timestamp, then: &[Judgement]) -> Option<IncidentId> {
    let until_next = then.iter().take_while(|judgement| !matches!(judgement, Judgement::Slot(_)));
    let mut edges = until_next.filter_map(|judgement| match judgement {
        Judgement::Edge(edge) if edge.origin == IncidentOrigin::Slot(slot) => Some(edge),
        _ => None,
    });
    edges.find(|edge| edge.edge != Edge::Resolved).map(|edge| edge.incident)
}
