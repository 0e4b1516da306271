//! The digest of a mail route: what a period had, once it is judged. Pure.
//!
//! A digest is a message like any other: its id follows from team, route and the end of its period, so that whoever
//! makes it again changes nothing. Nothing of a run's output, metadata or tools is in it.

use serde::Serialize;
use serde_json::{Map, Value, json};
use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::{AlertKind, DeliveryId};
use tidegate_agentping_settings::{DigestSpan, RouteDigest};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use crate::body::MAX_BODY_BYTES;
use crate::derived::derived_delivery_id;
use crate::event::{Addressees, AlertEvent, MessageEdge};

mod words;

pub use words::{lines, title};

/// Entries of each list; if they do not fit into a message, fewer.
pub const LISTED: [usize; 6] = [100, 40, 15, 5, 1, 0];
/// Bytes of a message that are left to its other members.
const OTHER_BYTES: usize = 2_000;

/// What is known of a period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DigestFacts {
    /// Incidents of missed slots and of runs that were stuck or failed, as they were at the end of the period.
    pub down: Vec<DigestIncident>,
    /// Slots that no run covered.
    pub missed: Vec<DigestSlots>,
    /// Slots whose run arrived after they were judged.
    pub late: Vec<DigestSlots>,
    /// Slots that could not be judged, by their reason.
    pub unknown: Vec<DigestSlots>,
    pub failed_checks: Vec<DigestIncident>,
    pub failed_deliveries: Vec<DigestDelivery>,
    /// By agent, the most first; agents that have spent nothing are left out.
    pub spend: Vec<DigestSpend>,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DigestIncident {
    pub agent: SmolStr,
    pub alert: AlertKind,
    pub incident_id: SmolStr,
    #[serde(with = "iso")]
    pub opened_at: Timestamp,
    /// Absent: it was open at the end of the period.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Slots or runs in it.
    pub count: u32,
}

/// Slots of an agent that came out alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DigestSlots {
    pub agent: SmolStr,
    /// Why they could not be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    pub slots: u32,
    #[serde(with = "iso")]
    pub first: Timestamp,
    #[serde(with = "iso")]
    pub last: Timestamp,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DigestDelivery {
    /// The route's name.
    pub route: SmolStr,
    pub alert: AlertKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    pub delivery_id: SmolStr,
    #[serde(with = "iso")]
    pub created_at: Timestamp,
}

/// What an agent has spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DigestSpend {
    pub agent: SmolStr,
    #[serde(rename = "spent_usd", serialize_with = "tidegate_kernel::usd::decimal")]
    pub spent: Usd,
}

impl DigestFacts {
    /// Nothing is said, and nothing is sent.
    pub fn is_empty(&self) -> bool {
        let DigestFacts { down, missed, late, unknown, failed_checks, failed_deliveries, spend } = self;
        down.is_empty()
            && missed.is_empty()
            && late.is_empty()
            && unknown.is_empty()
            && failed_checks.is_empty()
            && failed_deliveries.is_empty()
            && spend.is_empty()
    }

    /// The message's own members. Lists have at most 100 entries, and fewer where all would be too long for a message;
    /// `more` says how many are left out of each.
    pub fn data(&self, digest: &RouteDigest, span: DigestSpan) -> Map<String, Value> {
        let mut data = Map::new();
        for listed in LISTED {
            data = self.listing(digest, span, listed);
            if serde_json::to_string(&data).is_ok_and(|text| text.len() <= MAX_BODY_BYTES - OTHER_BYTES) {
                break;
            }
        }
        data
    }

    fn listing(&self, digest: &RouteDigest, span: DigestSpan, listed: usize) -> Map<String, Value> {
        let (mut data, mut more) = (Map::new(), Map::new());
        data.insert("period".to_owned(), digest.every.as_str().into());
        data.insert("from".to_owned(), span.from.to_string().into());
        data.insert("to".to_owned(), span.to.to_string().into());
        data.insert("timezone".to_owned(), digest.timezone.name().into());
        let lists = [
            ("down", values(&self.down, listed)),
            ("missed", values(&self.missed, listed)),
            ("late", values(&self.late, listed)),
            ("unknown", values(&self.unknown, listed)),
            ("failed_checks", values(&self.failed_checks, listed)),
            ("failed_deliveries", values(&self.failed_deliveries, listed)),
        ];
        let mut put = |name: &str, (values, left): (Vec<Value>, usize)| {
            if left > 0 {
                more.insert(name.to_owned(), left.into());
            }
            values
        };
        for (name, list) in lists {
            let values = put(name, list);
            if !values.is_empty() {
                data.insert(name.to_owned(), values.into());
            }
        }
        if !self.spend.is_empty() {
            let total: Usd = self.spend.iter().map(|one| one.spent).sum();
            let spent = tidegate_kernel::usd::decimal(&total, serde_json::value::Serializer).unwrap_or(Value::Null);
            let agents = put("spend", values(&self.spend, listed));
            data.insert("spend".to_owned(), json!({"spent_usd": spent, "agents": agents}));
        }
        if !more.is_empty() {
            data.insert("more".to_owned(), Value::Object(more));
        }
        data
    }
}

/// The first of them, and how many more there are.
fn values(all: &[impl Serialize], listed: usize) -> (Vec<Value>, usize) {
    let values = all.iter().take(listed).filter_map(|one| serde_json::to_value(one).ok()).collect();
    (values, all.len().saturating_sub(listed))
}

/// The id of a route's digest of the period that ended on this day of UTC.
pub fn digest_id(team: TeamId, route: &str, span: DigestSpan) -> DeliveryId {
    let day = span.to.to_string();
    derived_delivery_id(team, &["digest", route, &day[..10]])
}

/// The id of a further digest of a day: the route's zone, or the zone's offset from UTC, was another one when the period
/// of the first one ended.
pub fn further_digest_id(team: TeamId, route: &str, span: DigestSpan) -> DeliveryId {
    derived_delivery_id(team, &["digest", route, &span.to.to_string()])
}

/// The digest as the outbox takes it, under one of these ids.
pub fn digest_event(
    team: TeamId,
    (route, delivery): (&SmolStr, DeliveryId),
    span: DigestSpan,
    data: Map<String, Value>,
) -> AlertEvent {
    AlertEvent {
        team,
        agent: None,
        kind: AlertKind::Digest,
        edge: MessageEdge::Digest,
        severity: AlertKind::Digest.severity(),
        timestamp: span.to,
        incident: None,
        data,
        to: Addressees::Route { route: route.clone(), delivery },
    }
}
