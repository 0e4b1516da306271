//! Storms: many incidents of one route in one minute are one message with the list.

use std::collections::BTreeMap;

use tidegate_kernel::{Region, SmolStr};

use super::derived_id::{DeliveryId, group_id};
use super::routing::AlertMessage;
use super::{AlertKind, Edge};

/// More openings than this of one route and minute are grouped.
pub const MAX_SINGLE: usize = 5;
const MINUTE_MS: i64 = 60_000;

/// Messages as they leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    Single(AlertMessage),
    Group(MessageGroup),
}

/// Several openings of one route and minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageGroup {
    pub id: DeliveryId,
    pub route: SmolStr,
    /// The gravest kind.
    pub kind: AlertKind,
    /// In the order of time and id.
    pub messages: Vec<AlertMessage>,
}

/// Groups the openings of each route and minute. What is given must be all of the minutes that it is about: the minute of
/// a message is that of its `timestamp`, so that it does not matter when it is judged.
pub fn grouped(region: Region, messages: Vec<AlertMessage>) -> Vec<Leaving> {
    let mut openings: BTreeMap<(SmolStr, i64), Vec<AlertMessage>> = BTreeMap::new();
    let mut leaving = Vec::new();
    for message in messages {
        if message.edge == Edge::Firing {
            let minute = message.timestamp.as_millis().div_euclid(MINUTE_MS);
            openings.entry((message.route.clone(), minute)).or_default().push(message);
        } else {
            leaving.push(Leaving::Single(message));
        }
    }
    for ((route, minute), mut messages) in openings {
        if messages.len() <= MAX_SINGLE {
            leaving.extend(messages.into_iter().map(Leaving::Single));
            continue;
        }
        messages.sort_by_key(|message| (message.timestamp, message.incident));
        let gravest =
            messages.iter().map(|message| message.kind).min_by_key(|kind| (std::cmp::Reverse(kind.severity()), *kind));
        let Some(kind) = gravest else { continue };
        let id = group_id(region, &route, minute);
        leaving.push(Leaving::Group(MessageGroup { id, route, kind, messages }));
    }
    leaving
}
