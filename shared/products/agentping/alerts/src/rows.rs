//! The rows of messages: what is stored of each, and where.

use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::{DeliveryId, IncidentId};
use tidegate_kernel::free_json::text_hash;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable};

use crate::delivery::DeliveryRef;

/// What is to be sent, by id: written by whoever found it, and never changed.
pub const DELIVERIES: RowTable = RowTable { name: "deliveries", keep_days: 90, meeting: Meeting::First };
/// The same by route and day, in the order of time; without texts.
pub const ROUTE_DELIVERIES: RowTable = RowTable { name: "route_deliveries", keep_days: 90, meeting: Meeting::First };
/// The same by incident, in the order of time.
pub const INCIDENT_DELIVERIES: RowTable =
    RowTable { name: "incident_deliveries", keep_days: 90, meeting: Meeting::First };
/// How far each message is, in the same places as [`ROUTE_DELIVERIES`].
pub const DELIVERY_PROGRESS: RowTable =
    RowTable { name: "delivery_progress", keep_days: 90, meeting: Meeting::HigherRank };
/// What is neither sent nor given up, by shard and by [`BUCKET_MS`].
pub const OUTBOX: RowTable = RowTable { name: "outbox", keep_days: OUTBOX_DAYS, meeting: Meeting::HigherRank };
/// What waits for the end of a mute, by shard.
pub const WITHHELD: RowTable = RowTable { name: "withheld", keep_days: 40, meeting: Meeting::HigherRank };
/// The open incidents of a route, and what of them was sent.
pub const OPEN_ALERTS: RowTable = RowTable { name: "open_alerts", keep_days: 90, meeting: Meeting::HigherRank };
/// How each route of a team does.
pub const ROUTE_HEALTH: RowTable = RowTable { name: "route_health", keep_days: 90, meeting: Meeting::HigherRank };

/// Every table of this crate.
pub const TABLES: [&RowTable; 8] = [
    &DELIVERIES,
    &ROUTE_DELIVERIES,
    &INCIDENT_DELIVERIES,
    &DELIVERY_PROGRESS,
    &OUTBOX,
    &WITHHELD,
    &OPEN_ALERTS,
    &ROUTE_HEALTH,
];

/// Shards of what waits. A route is in one of them.
pub const SHARDS: u16 = 8;
/// Days that something can wait: more than all tries take.
pub const OUTBOX_DAYS: u16 = 8;
/// What waits is stored by the quarter of a day in which it was made.
pub const BUCKET_MS: i64 = 6 * 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// Days of messages that are listed.
pub const LISTED_DAYS: i64 = 90;

/// The shard of a route.
pub fn shard_of(route: &str) -> u16 {
    (text_hash(&[route.as_bytes()]) % u64::from(SHARDS)) as u16
}

/// The number of the bucket of an instant.
pub const fn bucket_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(BUCKET_MS)
}

/// The number of the day of an instant.
pub const fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

pub fn delivery_key(id: DeliveryId) -> RowKey {
    RowKey { table: &DELIVERIES, shard: SmolStr::new(id.text().as_str()), row: SmolStr::default() }
}

/// The shard of a route's messages of one day.
pub fn route_day(route: &str, day: i64) -> SmolStr {
    SmolStr::from(format!("{route}/{day}"))
}

/// A message in the order of time.
pub fn timed_name(made_at: Timestamp, id: DeliveryId) -> SmolStr {
    SmolStr::from(format!("{:014}/{}", made_at.as_millis().max(0), id.text().as_str()))
}

/// The instant and the id that a name of [`timed_name`] holds.
pub fn named(name: &str) -> Option<(Timestamp, DeliveryId)> {
    let (at, id) = name.split_once('/')?;
    Some((Timestamp::from_millis(at.parse().ok()?), id.parse().ok()?))
}

pub fn timed_key(table: &'static RowTable, route: &str, made_at: Timestamp, id: DeliveryId) -> RowKey {
    RowKey { table, shard: route_day(route, day_of(made_at)), row: timed_name(made_at, id) }
}

/// A message about an incident.
pub fn incident_key(incident: IncidentId, made_at: Timestamp, id: DeliveryId) -> RowKey {
    let shard = SmolStr::new(incident.text().as_str());
    RowKey { table: &INCIDENT_DELIVERIES, shard, row: timed_name(made_at, id) }
}

/// The shard of a bucket of what waits.
pub fn outbox_shard(shard: u16, bucket: i64) -> SmolStr {
    SmolStr::from(format!("{shard}/{bucket}"))
}

pub fn outbox_key(one: &DeliveryRef) -> RowKey {
    waiting_key(&one.route, one.asked_at.unwrap_or(one.made_at), one.id)
}

fn waiting_key(route: &str, at: Timestamp, id: DeliveryId) -> RowKey {
    let shard = outbox_shard(shard_of(route), bucket_of(at));
    RowKey { table: &OUTBOX, shard, row: timed_name(at, id) }
}

/// An opening that waits for others: another row than that of the message that it becomes.
pub fn staged_key(route: &str, made_at: Timestamp, id: DeliveryId) -> RowKey {
    let RowKey { table, shard, row } = waiting_key(route, made_at, id);
    RowKey { table, shard, row: SmolStr::from(format!("{row}/staged")) }
}

/// An incident of a route that waits for the end of a mute, or a message that does.
pub fn withheld_key(route: &str, what: &str) -> RowKey {
    let shard = SmolStr::from(shard_of(route).to_string());
    RowKey { table: &WITHHELD, shard, row: SmolStr::from(format!("{route}/{what}")) }
}

pub fn open_shard(team: TeamId, route: &str) -> SmolStr {
    SmolStr::from(format!("{}/{route}", team.text().as_str()))
}

pub fn open_key(team: TeamId, route: &str, incident: IncidentId) -> RowKey {
    let row = SmolStr::new(incident.text().as_str());
    RowKey { table: &OPEN_ALERTS, shard: open_shard(team, route), row }
}

pub fn health_key(team: TeamId, route: &str) -> RowKey {
    let shard = SmolStr::new(team.text().as_str());
    RowKey { table: &ROUTE_HEALTH, shard, row: SmolStr::new(route) }
}
