//! What is to be sent, in memory: what is due, in which order, and how much of a route at once. Pure.
//!
//! Messages to one route about one incident form a lane: only the first of a lane is tried, so that a recovery never
//! overtakes its alert. A group is in the lanes of all its incidents. The store is the truth: what does not fit is left
//! there, and found later.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tidegate_agentping_alerts::outbox::storm_minute;
use tidegate_agentping_alerts::{DeliveryDoc, DeliveryRef, MessageEdge, Outstanding};
use tidegate_agentping_pulse::{DeliveryId, IncidentId};
use tidegate_kernel::{SmolStr, Timestamp};

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub messages: usize,
    /// Tries of one route at once.
    pub at_once: usize,
    /// The same while its tries fail.
    pub at_once_failing: usize,
}

impl QueueLimits {
    pub const USUAL: QueueLimits = QueueLimits { messages: 100_000, at_once: 4, at_once_failing: 1 };
}

/// What is to be done now. It is in progress until [`Queue::ended`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ready {
    Try(DeliveryRef),
    /// Openings of one route and minute that have waited.
    Release(Vec<DeliveryDoc>),
}

/// How something ended, as far as what comes next depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueEnd {
    Sent,
    /// It is not tried any more.
    Failed,
    Again(Timestamp),
}

type Lane = (SmolStr, IncidentId);
/// Messages of a lane in this order: the recovery last, also of a run that was received before the alert became true;
/// the others by what became true first, an opening before what follows it.
type Place = (bool, Timestamp, bool, Timestamp, DeliveryId);

struct Entry {
    outgoing: Outstanding,
    due: Timestamp,
    state: EntryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryState {
    Timed,
    InProgress,
    /// Due, and not the first of a lane, or its route has as many tries as it may.
    Parked,
}

#[derive(Default)]
struct RouteTries {
    in_progress: usize,
    is_failing: bool,
    paused_until: Option<Timestamp>,
    parked: VecDeque<DeliveryId>,
}

/// The messages in memory.
pub(crate) struct Queue {
    limits: QueueLimits,
    entries: HashMap<DeliveryId, Entry>,
    timed: BTreeSet<(Timestamp, DeliveryId)>,
    lanes: HashMap<Lane, BTreeSet<Place>>,
    routes: HashMap<SmolStr, RouteTries>,
    storms: HashMap<(SmolStr, i64), BTreeSet<DeliveryId>>,
    is_left_out: bool,
}

impl Queue {
    pub fn new(limits: QueueLimits) -> Self {
        Queue {
            limits,
            entries: HashMap::new(),
            timed: BTreeSet::new(),
            lanes: HashMap::new(),
            routes: HashMap::new(),
            storms: HashMap::new(),
            is_left_out: false,
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A sweep from the oldest begins: it will find what was left out.
    pub fn sweep_begins(&mut self) {
        self.is_left_out = false;
    }

    /// Whether a sweep would find what has room by now.
    pub fn has_room_for_more(&self) -> bool {
        self.is_left_out && self.entries.len() <= self.limits.messages / 2
    }

    /// When the next one is due.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.timed.first().map(|(at, _)| *at)
    }

    /// Takes something in. What is known stays as it is, unless it was asked for again: a row may have been read before
    /// its last try.
    pub fn offer(&mut self, outgoing: Outstanding) {
        let (one, due) = (outgoing.to_ref(), outgoing.due());
        if let Some(entry) = self.entries.get_mut(&one.id) {
            let is_asked = one.asked_at > entry.outgoing.to_ref().asked_at;
            if is_asked && entry.state == EntryState::Timed && due < entry.due {
                self.timed.remove(&(entry.due, one.id));
                (entry.due, entry.outgoing) = (due, outgoing);
                self.timed.insert((due, one.id));
            }
            return;
        }
        // Nothing newer than what was left out comes in: it might overtake it.
        if self.is_left_out || self.entries.len() >= self.limits.messages {
            self.is_left_out = true;
            return;
        }
        self.insert(outgoing);
    }

    fn insert(&mut self, outgoing: Outstanding) {
        let (one, due) = (outgoing.to_ref(), outgoing.due());
        if self.entries.contains_key(&one.id) {
            return;
        }
        for lane in lanes_of(&one) {
            self.lanes.entry(lane).or_default().insert(place_of(&one));
        }
        if let Outstanding::Staged(doc) = &outgoing {
            self.storms.entry(storm_minute(doc)).or_default().insert(one.id);
        }
        self.timed.insert((due, one.id));
        self.entries.insert(one.id, Entry { outgoing, due, state: EntryState::Timed });
    }

    /// What is to be done now. `is_single`: of this one's route there is one try at a time.
    pub fn take(&mut self, now: Timestamp, is_single: impl Fn(&DeliveryRef) -> bool) -> Vec<Ready> {
        let mut ready = Vec::new();
        while let Some((due, id)) = self.timed.pop_first() {
            if due > now {
                self.timed.insert((due, id));
                break;
            }
            let Some(entry) = self.entries.get(&id) else { continue };
            match &entry.outgoing {
                Outstanding::Staged(doc) => ready.extend(self.take_storm(storm_minute(doc))),
                Outstanding::Delivery(one) => {
                    let (one, is_single) = (one.clone(), is_single(one));
                    ready.extend(self.take_delivery(one, is_single, now));
                }
            }
        }
        ready
    }

    /// All openings of a route and minute, also those that have not waited as long.
    fn take_storm(&mut self, storm: (SmolStr, i64)) -> Option<Ready> {
        let ids = self.storms.get(&storm).cloned().unwrap_or_default();
        let mut docs = Vec::new();
        for id in ids {
            let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.state != EntryState::InProgress) else {
                continue;
            };
            self.timed.remove(&(entry.due, id));
            entry.state = EntryState::InProgress;
            if let Outstanding::Staged(doc) = &entry.outgoing {
                docs.push((**doc).clone());
            }
        }
        (!docs.is_empty()).then_some(Ready::Release(docs))
    }

    fn take_delivery(&mut self, one: DeliveryRef, is_single: bool, now: Timestamp) -> Option<Ready> {
        let is_first =
            |lane: &Lane| self.lanes.get(lane).and_then(BTreeSet::first).is_none_or(|first| *first == place_of(&one));
        let is_first = lanes_of(&one).all(|lane| is_first(&lane));
        let route = self.routes.entry(one.route.clone()).or_default();
        // Whoever asked for a test waits for its answer.
        let is_test = one.edge == MessageEdge::Test;
        let paused_until = route.paused_until.filter(|until| *until > now && !is_test);
        let most = match (is_single, route.is_failing) {
            (true, _) => 1,
            (false, true) => self.limits.at_once_failing,
            (false, false) => self.limits.at_once,
        };
        let is_busy = route.in_progress >= most && !is_test;
        let entry = self.entries.get_mut(&one.id)?;
        if !is_first {
            entry.state = EntryState::Parked;
            return None;
        }
        if let Some(until) = paused_until {
            entry.due = until;
            self.timed.insert((until, one.id));
            return None;
        }
        if is_busy {
            entry.state = EntryState::Parked;
            route.parked.push_back(one.id);
            return None;
        }
        entry.state = EntryState::InProgress;
        route.in_progress += 1;
        Some(Ready::Try(one))
    }

    /// A try has ended. `pause`: nothing of its route is tried until then.
    pub fn ended(&mut self, id: DeliveryId, end: QueueEnd, pause: Option<Timestamp>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let name = entry.outgoing.to_ref().route;
        match end {
            QueueEnd::Again(at) => {
                (entry.due, entry.state) = (at, EntryState::Timed);
                self.timed.insert((at, id));
            }
            QueueEnd::Sent | QueueEnd::Failed => self.forget(id),
        }
        let Some(route) = self.routes.get_mut(&name) else { return };
        route.in_progress = route.in_progress.saturating_sub(1);
        route.is_failing = end != QueueEnd::Sent;
        route.paused_until = route.paused_until.max(pause);
        let parked = std::mem::take(&mut route.parked);
        if route.in_progress == 0 && parked.is_empty() && route.paused_until.is_none() && !route.is_failing {
            self.routes.remove(&name);
        }
        parked.into_iter().for_each(|id| self.unpark(id));
    }

    /// Openings became messages of their own, or a group. These take their places in one step: what waits behind an opening
    /// waits behind what it became.
    pub fn released(&mut self, ids: impl IntoIterator<Item = DeliveryId>, became: Vec<DeliveryRef>) {
        let mut lanes = Vec::new();
        for id in ids {
            lanes.extend(self.remove(id));
        }
        for one in became {
            self.insert(Outstanding::Delivery(one));
        }
        lanes.into_iter().for_each(|lane| self.unpark_first(&lane));
    }

    /// Openings could not be released now.
    pub fn not_released(&mut self, ids: impl IntoIterator<Item = DeliveryId>, again: Timestamp) {
        for id in ids {
            if let Some(entry) = self.entries.get_mut(&id) {
                (entry.due, entry.state) = (again, EntryState::Timed);
                self.timed.insert((again, id));
            }
        }
    }

    fn unpark(&mut self, id: DeliveryId) {
        if let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.state == EntryState::Parked) {
            entry.state = EntryState::Timed;
            self.timed.insert((entry.due, id));
        }
    }

    fn forget(&mut self, id: DeliveryId) {
        let lanes = self.remove(id);
        lanes.into_iter().for_each(|lane| self.unpark_first(&lane));
    }

    /// What is first in a lane by now may be due.
    fn unpark_first(&mut self, lane: &Lane) {
        if let Some((.., next)) = self.lanes.get(lane).and_then(|places| places.first()) {
            self.unpark(*next);
        }
    }

    /// Takes a message out of everything; returns the lanes that it was in.
    fn remove(&mut self, id: DeliveryId) -> Vec<Lane> {
        let Some(entry) = self.entries.remove(&id) else { return Vec::new() };
        self.timed.remove(&(entry.due, id));
        let one = entry.outgoing.to_ref();
        if let Outstanding::Staged(doc) = &entry.outgoing {
            let storm = storm_minute(doc);
            if let Some(ids) = self.storms.get_mut(&storm) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.storms.remove(&storm);
                }
            }
        }
        let lanes: Vec<Lane> = lanes_of(&one).collect();
        for lane in &lanes {
            let Some(places) = self.lanes.get_mut(lane) else { continue };
            places.remove(&place_of(&one));
            if places.is_empty() {
                self.lanes.remove(lane);
            }
        }
        lanes
    }
}

fn lanes_of(one: &DeliveryRef) -> impl Iterator<Item = Lane> {
    one.incidents.iter().map(|incident| (one.route.clone(), *incident))
}

fn place_of(one: &DeliveryRef) -> Place {
    let is_recovery = one.edge == MessageEdge::Resolved;
    let is_opening = matches!(one.edge, MessageEdge::Firing | MessageEdge::Group);
    (is_recovery, one.timestamp, !is_opening, one.made_at, one.id)
}

#[cfg(test)]
mod tests;
