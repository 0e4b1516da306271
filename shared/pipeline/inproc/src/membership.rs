//! Consumer group membership within one process: which member owns which partition, and how partitions move. Pure; the
//! time is an argument.
//!
//! Partitions are spread evenly over the members, and only the surplus of a member moves. Its owner gets a `Revoking`
//! event with a deadline, and its next call confirms that it is done. After that call, or after the deadline, another
//! member gets the partition under a greater epoch.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use tidegate_kernel::{Partition, PartitionEpoch};

/// The id of a group member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(u64);

/// A change of a member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberEvent {
    Assigned(PartitionEpoch),
    /// These partitions go to other members: with this member's next call, or after `deadline`.
    Revoking {
        partitions: Vec<PartitionEpoch>,
        deadline: Duration,
    },
    /// The deadline has passed: these partitions are no longer the member's.
    Lost(Vec<PartitionEpoch>),
}

/// One group.
#[derive(Debug)]
pub struct Membership {
    members: BTreeMap<MemberId, VecDeque<MemberEvent>>,
    seats: Vec<Seat>,
    next_member: u64,
    next_epoch: u64,
    patience: Duration,
    changed: bool,
}

/// One partition's ownership.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    owner: Option<MemberId>,
    epoch: u64,
    leaving: Option<Leaving>,
}

#[derive(Clone, Copy, Debug)]
struct Leaving {
    deadline: Instant,
    notified: bool,
}

impl Membership {
    /// `patience`: how long an owner may take to hand a partition over.
    pub fn new(partitions: u32, patience: Duration) -> Self {
        Membership {
            members: BTreeMap::new(),
            seats: vec![Seat::default(); partitions as usize],
            next_member: 0,
            next_epoch: 1,
            patience,
            changed: false,
        }
    }

    pub fn join(&mut self, now: Instant) -> MemberId {
        let member = MemberId(self.next_member);
        self.next_member += 1;
        self.members.insert(member, VecDeque::new());
        self.spread(now);
        member
    }

    /// Removes a member. Its partitions go to the others at once.
    pub fn leave(&mut self, member: MemberId, now: Instant) {
        self.members.remove(&member);
        for seat in self.seats.iter_mut().filter(|seat| seat.owner == Some(member)) {
            (seat.owner, seat.leaving) = (None, None);
        }
        self.spread(now);
    }

    /// Handles a call of a member, which confirms the revocations it was notified of. Returns its next event.
    pub fn call(&mut self, member: MemberId, now: Instant) -> Option<MemberEvent> {
        let mut freed = false;
        for seat in self.seats.iter_mut().filter(|seat| seat.owner == Some(member)) {
            if seat.leaving.is_some_and(|leaving| leaving.notified) {
                (seat.owner, seat.leaving) = (None, None);
                freed = true;
            }
        }
        if freed {
            self.spread(now);
        }
        self.expire(now);
        while let Some(event) = self.members.get_mut(&member)?.pop_front() {
            // An assignment that was taken back before the member's call is dropped.
            if !matches!(event, MemberEvent::Assigned(assigned) if !self.owns(member, assigned, now)) {
                return Some(event);
            }
        }
        self.notify_leaving(member, now)
    }

    /// Whether any assignment changed since the last call of this function: wake the other members then.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Takes away the partitions whose owners missed their deadline. Returns whether there were any.
    pub fn expire(&mut self, now: Instant) -> bool {
        let mut lost: BTreeMap<MemberId, Vec<PartitionEpoch>> = BTreeMap::new();
        for (partition, seat) in (0..).zip(&mut self.seats) {
            if let (Some(owner), Some(_)) = (seat.owner, seat.leaving.filter(|leaving| leaving.deadline <= now)) {
                lost.entry(owner).or_default().push(PartitionEpoch { partition, epoch: seat.epoch });
                (seat.owner, seat.leaving) = (None, None);
            }
        }
        let expired = !lost.is_empty();
        for (owner, partitions) in lost {
            if let Some(events) = self.members.get_mut(&owner) {
                events.push_back(MemberEvent::Lost(partitions));
            }
        }
        if expired {
            self.spread(now);
        }
        expired
    }

    /// The instant at which [`expire`](Self::expire) next takes partitions away.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.seats.iter().filter_map(|seat| Some(seat.leaving?.deadline)).min()
    }

    /// Whether this assignment is still valid.
    pub fn owns(&self, member: MemberId, assigned: PartitionEpoch, now: Instant) -> bool {
        self.seats.get(assigned.partition as usize).is_some_and(|seat| {
            let in_time = seat.leaving.is_none_or(|leaving| now < leaving.deadline);
            seat.owner == Some(member) && seat.epoch == assigned.epoch && in_time
        })
    }

    fn notify_leaving(&mut self, member: MemberId, now: Instant) -> Option<MemberEvent> {
        let mut partitions = Vec::new();
        let mut deadline = Duration::MAX;
        for (partition, seat) in (0..).zip(&mut self.seats).filter(|(_, seat)| seat.owner == Some(member)) {
            if let Some(leaving) = seat.leaving.as_mut().filter(|leaving| !leaving.notified) {
                leaving.notified = true;
                deadline = deadline.min(leaving.deadline.saturating_duration_since(now));
                partitions.push(PartitionEpoch { partition, epoch: seat.epoch });
            }
        }
        if partitions.is_empty() { None } else { Some(MemberEvent::Revoking { partitions, deadline }) }
    }

    /// Assigns partitions without an owner, and plans revocations of each member's surplus.
    fn spread(&mut self, now: Instant) {
        if self.members.is_empty() {
            return;
        }
        // Planned revocations of which the owner is not notified yet are planned again.
        for seat in self.seats.iter_mut().filter(|seat| seat.leaving.is_some_and(|leaving| !leaving.notified)) {
            seat.leaving = None;
        }
        let (fair, extra) = (self.seats.len() / self.members.len(), self.seats.len() % self.members.len());
        // The oldest members get the remainder.
        let quotas: Vec<(MemberId, usize)> =
            self.members.keys().enumerate().map(|(rank, member)| (*member, fair + usize::from(rank < extra))).collect();
        for partition in 0..self.seats.len() {
            let needy = || quotas.iter().find(|(member, quota)| self.staying(*member).count() < *quota);
            if self.seats[partition].owner.is_none()
                && let Some((member, _)) = needy()
            {
                self.assign(partition, *member);
            }
        }
        for (member, quota) in quotas {
            let surplus: Vec<usize> = self.staying(member).skip(quota).collect();
            for partition in surplus {
                self.seats[partition].leaving = Some(Leaving { deadline: now + self.patience, notified: false });
                self.changed = true;
            }
        }
    }

    fn assign(&mut self, partition: usize, member: MemberId) {
        let epoch = self.next_epoch;
        self.next_epoch += 1;
        self.changed = true;
        self.seats[partition] = Seat { owner: Some(member), epoch, leaving: None };
        if let Some(events) = self.members.get_mut(&member) {
            // The cast is lossless: `new` takes the count as a `u32`.
            events.push_back(MemberEvent::Assigned(PartitionEpoch { partition: partition as Partition, epoch }));
        }
    }

    /// Indices of the partitions that the member owns and is not handing over.
    fn staying(&self, member: MemberId) -> impl Iterator<Item = usize> {
        let stays = move |seat: &Seat| seat.owner == Some(member) && seat.leaving.is_none();
        self.seats.iter().enumerate().filter(move |(_, seat)| stays(seat)).map(|(partition, _)| partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Calls until there are no more events.
    fn drain_events(group: &mut Membership, member: MemberId, now: Instant) -> Vec<MemberEvent> {
        std::iter::from_fn(|| group.call(member, now)).collect()
    }

    fn partitions(events: &[MemberEvent]) -> Vec<u32> {
        let assigned = events.iter().filter_map(|event| match event {
            MemberEvent::Assigned(assigned) => Some(assigned.partition),
            _ => None,
        });
        assigned.collect()
    }

    #[test]
    fn the_first_member_gets_everything_and_the_next_its_share_once_it_is_handed_over() {
        let now = Instant::now();
        let mut group = Membership::new(4, PATIENCE);
        let first = group.join(now);
        assert_eq!(partitions(&drain_events(&mut group, first, now)), [0, 1, 2, 3]);
        let second = group.join(now);
        assert_eq!(group.call(second, now), None, "nothing before the owner hands over");
        let Some(MemberEvent::Revoking { partitions: leaving, deadline }) = group.call(first, now) else {
            panic!("the owner is asked");
        };
        assert_eq!((leaving.len(), deadline), (2, PATIENCE));
        assert!(leaving.iter().all(|left| group.owns(first, *left, now)), "it may still commit");
        assert_eq!(group.call(second, now), None, "nothing before the owner is done");
        assert_eq!(group.call(first, now), None);
        assert!(leaving.iter().all(|left| !group.owns(first, *left, now)));
        assert_eq!(partitions(&drain_events(&mut group, second, now)), [2, 3]);
        assert_eq!(group.next_deadline(), None);
    }

    #[test]
    fn an_owner_that_misses_the_deadline_loses_its_partitions() {
        let now = Instant::now();
        let mut group = Membership::new(2, PATIENCE);
        let slow = group.join(now);
        drain_events(&mut group, slow, now);
        let other = group.join(now);
        let Some(MemberEvent::Revoking { partitions: leaving, .. }) = group.call(slow, now) else {
            panic!("it is asked")
        };
        let late = now + PATIENCE;
        assert_eq!(group.next_deadline(), Some(late));
        assert!(!group.owns(slow, leaving[0], late), "from the deadline on nothing counts");
        assert_eq!(partitions(&drain_events(&mut group, other, late)), [1]);
        assert_eq!(group.call(slow, late), Some(MemberEvent::Lost(leaving)));
    }

    #[test]
    fn an_assignment_taken_back_before_the_member_saw_it_is_no_event() {
        let now = Instant::now();
        let mut group = Membership::new(2, PATIENCE);
        let silent = group.join(now);
        let other = group.join(now);
        let late = now + PATIENCE;
        assert_eq!(partitions(&drain_events(&mut group, other, late)), [1]);
        assert_eq!(partitions(&drain_events(&mut group, silent, late)), [0]);
    }

    #[test]
    fn members_come_and_go_and_each_partition_has_one_owner_under_a_growing_epoch() {
        let mut now = Instant::now();
        let mut group = Membership::new(5, PATIENCE);
        let mut members: Vec<MemberId> = Vec::new();
        let mut epochs = [0; 5];
        let mut seed = 7u64;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (what, which) = ((seed >> 33) % 10, (seed >> 40) as usize);
            match what {
                0 if members.len() < 7 => members.push(group.join(now)),
                1 if !members.is_empty() => group.leave(members.swap_remove(which % members.len()), now),
                2 => now += PATIENCE / 3,
                _ if !members.is_empty() => {
                    let member = members[which % members.len()];
                    if let Some(MemberEvent::Assigned(assigned)) = group.call(member, now) {
                        let known = &mut epochs[assigned.partition as usize];
                        assert!(assigned.epoch > *known, "epochs grow");
                        *known = assigned.epoch;
                        assert!(group.owns(member, assigned, now));
                        let owners = members.iter().filter(|other| group.owns(**other, assigned, now));
                        assert_eq!(owners.count(), 1);
                    }
                }
                _ => {}
            }
        }
        // Without further changes the members reach fair shares.
        members.push(group.join(now));
        for _ in 0..3 {
            now += PATIENCE;
            members.iter().for_each(|member| drop(drain_events(&mut group, *member, now)));
        }
        let fair = 5 / members.len()..=5usize.div_ceil(members.len());
        assert!(members.iter().all(|member| fair.contains(&group.staying(*member).count())));
        assert_eq!(members.iter().map(|member| group.staying(*member).count()).sum::<usize>(), 5);
    }
}
