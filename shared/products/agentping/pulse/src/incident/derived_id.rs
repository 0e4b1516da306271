//! Ids that follow from what they name.

use sha2::{Digest, Sha256};
use tidegate_agentping::RunId;
use tidegate_kernel::id::{Id, IdKind, PublicKind};
use tidegate_kernel::{Region, Timestamp};

use super::{Edge, IncidentOrigin, Subject};

/// An incident.
#[derive(Debug)]
pub enum IncidentKind {}
impl IdKind for IncidentKind {
    const PREFIX: &'static str = "inc";
}
impl PublicKind for IncidentKind {}
pub type IncidentId = Id<IncidentKind>;

/// One message to one route: the same on each try, and the same from each judge.
#[derive(Debug)]
pub enum DeliveryKind {}
impl IdKind for DeliveryKind {
    const PREFIX: &'static str = "whd";
}
impl PublicKind for DeliveryKind {}
pub type DeliveryId = Id<DeliveryKind>;

/// Hashes parts, each with its length, so that no two lists of parts are the same bytes.
#[derive(Clone)]
struct Parts(Sha256);

impl Parts {
    fn of(what: &str) -> Self {
        Parts(Sha256::new()).and(what.as_bytes())
    }

    fn and(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    fn and_origin(self, origin: IncidentOrigin) -> Self {
        match origin {
            IncidentOrigin::Slot(at) => self.and(b"slot").and_instant(at),
            IncidentOrigin::Run(run) => self.and_run(b"run", run),
            IncidentOrigin::Child { child, .. } => self.and_run(b"child", child),
        }
    }

    fn and_instant(self, at: Timestamp) -> Self {
        self.and(&at.as_millis().to_be_bytes())
    }

    fn and_run(self, what: &[u8], run: RunId) -> Self {
        self.and(what).and(run.region().as_str().as_bytes()).and(&run.bits().to_be_bytes())
    }

    fn bits(self) -> u128 {
        let hash: [u8; 32] = self.0.finalize().into();
        hash.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
    }
}

/// The incident of a subject that this slot or run opens, at `opened_at`. An agent's id is its own in the region,
/// whatever the team, so it stands for both. A slot is decided once; a run that its idle timeout has ended can go on
/// and end again.
pub fn incident_id(subject: &Subject, opened_by: IncidentOrigin, opened_at: Timestamp) -> IncidentId {
    let agent = subject.agent;
    let parts = Parts::of("incident").and(&agent.bits().to_be_bytes()).and(subject.kind.as_str().as_bytes());
    let parts = parts.and_origin(opened_by);
    let parts = match opened_by {
        IncidentOrigin::Slot(_) => parts,
        IncidentOrigin::Run(_) | IncidentOrigin::Child { .. } => parts.and_instant(opened_at),
    };
    Id::from_bits(agent.region(), parts.bits())
}

/// The message of an edge to a route. Slots have one each; runs, reminders and the like have one for each instant.
pub fn delivery_id(
    region: Region,
    incident: IncidentId,
    route: &str,
    edge: Edge,
    at: IncidentOrigin,
    when: Timestamp,
) -> DeliveryId {
    let parts = Parts::of("delivery").and(&incident.bits().to_be_bytes()).and(route.as_bytes());
    let parts = parts.and(edge.as_str().as_bytes()).and_origin(at);
    let parts = match (edge, at) {
        (Edge::Firing | Edge::Repeat, IncidentOrigin::Slot(_)) => parts,
        _ => parts.and_instant(when),
    };
    Id::from_bits(region, parts.bits())
}

/// The message that stands for several of one route and minute.
pub fn group_id(region: Region, route: &str, minute: i64) -> DeliveryId {
    Id::from_bits(region, Parts::of("group").and(route.as_bytes()).and(&minute.to_be_bytes()).bits())
}
