//! What is sent in which order, and how much at once.

use tidegate_agentping::TeamId;
use tidegate_kernel::Region;

use super::*;

const LIMITS: QueueLimits = QueueLimits { messages: 6, at_once: 2, at_once_failing: 1 };

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + second * 1_000)
}

fn incident(number: u128) -> IncidentId {
    IncidentId::from_bits(Region::Eu, number)
}

fn id(number: u128) -> DeliveryId {
    DeliveryId::from_bits(Region::Eu, number)
}

fn message(number: u128, route: &str, edge: MessageEdge, incidents: &[u128], second: i64) -> DeliveryRef {
    DeliveryRef {
        id: id(number),
        team: TeamId::from_bits(Region::Eu, 1),
        route: route.into(),
        timestamp: at(second),
        made_at: at(second),
        edge,
        incidents: incidents.iter().map(|number| incident(*number)).collect(),
        is_muted: false,
        due: None,
        asked_at: None,
    }
}

fn offer(queue: &mut Queue, number: u128, route: &str, edge: MessageEdge, incidents: &[u128], second: i64) {
    queue.offer(Outstanding::Delivery(message(number, route, edge, incidents, second)));
}

/// The numbers of what is taken.
fn take(queue: &mut Queue, second: i64) -> Vec<u128> {
    let number = |ready: Ready| match ready {
        Ready::Try(one) => one.id.bits(),
        Ready::Release(docs) => panic!("{docs:?}"),
    };
    queue.take(at(second), |_| false).into_iter().map(number).collect()
}

/// AC-61: also while the alert waits for its next try; what is of another incident goes on.
#[test]
fn ac_61_a_recovery_waits_for_its_alert() {
    let mut queue = Queue::new(LIMITS);
    offer(&mut queue, 2, "ops", MessageEdge::Resolved, &[1], 1);
    offer(&mut queue, 1, "ops", MessageEdge::Firing, &[1], 1);
    assert_eq!(take(&mut queue, 1), [1]);
    queue.ended(id(1), QueueEnd::Again(at(100)), None);
    offer(&mut queue, 3, "ops", MessageEdge::Firing, &[2], 3);
    assert_eq!(take(&mut queue, 50), [3]);
    queue.ended(id(3), QueueEnd::Sent, None);
    assert_eq!(take(&mut queue, 100), [1]);
    assert_eq!(take(&mut queue, 101), [0; 0]);
    queue.ended(id(1), QueueEnd::Sent, None);
    assert_eq!(take(&mut queue, 101), [2]);
    queue.ended(id(2), QueueEnd::Sent, None);
    assert_eq!((queue.len(), queue.lanes.len(), queue.routes.len()), (0, 0, 0));
}

/// AC-61: also where what recovered it was received before the alert became true.
#[test]
fn ac_61_a_late_recovery_waits_for_its_alert() {
    let mut queue = Queue::new(LIMITS);
    offer(&mut queue, 1, "ops", MessageEdge::Firing, &[1], 10);
    offer(&mut queue, 2, "ops", MessageEdge::Reminder, &[1], 20);
    offer(&mut queue, 3, "ops", MessageEdge::Resolved, &[1], 5);
    for number in 1..=3 {
        assert_eq!(take(&mut queue, 30), [number]);
        queue.ended(id(number), QueueEnd::Sent, None);
    }
}

/// AC-61: a group is ahead of the recoveries of all its incidents.
#[test]
fn ac_61_a_recovery_waits_for_the_group_of_its_alert() {
    let mut queue = Queue::new(LIMITS);
    offer(&mut queue, 5, "ops", MessageEdge::Group, &[1, 2, 3], 1);
    offer(&mut queue, 6, "ops", MessageEdge::Resolved, &[2], 2);
    offer(&mut queue, 7, "other", MessageEdge::Resolved, &[2], 2);
    let mut taken = take(&mut queue, 2);
    taken.sort_unstable();
    assert_eq!(taken, [5, 7]);
    queue.ended(id(5), QueueEnd::Failed, None);
    assert_eq!(take(&mut queue, 2), [6]);
}

#[test]
fn a_route_has_so_many_tries_at_once_and_fewer_while_it_fails() {
    let mut queue = Queue::new(LIMITS);
    for number in 1..=4 {
        offer(&mut queue, number, "ops", MessageEdge::Firing, &[number], number as i64);
    }
    offer(&mut queue, 9, "other", MessageEdge::Firing, &[9], 9);
    assert_eq!(take(&mut queue, 9), [1, 2, 9]);
    queue.ended(id(1), QueueEnd::Again(at(500)), None);
    assert_eq!(take(&mut queue, 9), [0; 0], "one is in progress, and it fails");
    queue.ended(id(2), QueueEnd::Sent, None);
    assert_eq!(take(&mut queue, 9), [3, 4]);
}

/// Slack takes one after the other.
#[test]
fn a_route_may_have_one_try_at_a_time() {
    let mut queue = Queue::new(LIMITS);
    for number in 1..=3 {
        offer(&mut queue, number, "ops", MessageEdge::Firing, &[number], 0);
    }
    assert_eq!(queue.take(at(0), |_| true).len(), 1);
    queue.ended(id(1), QueueEnd::Sent, Some(at(1)));
    assert_eq!(queue.take(at(0), |_| true), []);
    assert_eq!(queue.take(at(1), |_| true).len(), 1);
}

/// AC-56: a receiver that is slow slows its whole route, and no test.
#[test]
fn ac_56_a_pause_is_of_the_whole_route() {
    let mut queue = Queue::new(LIMITS);
    for number in 1..=2 {
        offer(&mut queue, number, "ops", MessageEdge::Firing, &[number], 0);
    }
    assert_eq!(take(&mut queue, 0).len(), 2);
    queue.ended(id(1), QueueEnd::Again(at(5)), Some(at(60)));
    queue.ended(id(2), QueueEnd::Sent, None);
    offer(&mut queue, 3, "ops", MessageEdge::Firing, &[3], 1);
    offer(&mut queue, 4, "ops", MessageEdge::Test, &[], 1);
    assert_eq!(take(&mut queue, 59), [4]);
    queue.ended(id(4), QueueEnd::Sent, None);
    assert_eq!(queue.next_at(), Some(at(60)));
    assert_eq!(take(&mut queue, 60).len(), 2);
}

/// Openings are released together, and are ahead of their recoveries while they wait.
#[test]
fn openings_of_a_minute_are_released_together() {
    let mut queue = Queue::new(LIMITS);
    let staged = |number: u128, second: i64| {
        let doc = DeliveryDoc {
            id: id(number),
            team: TeamId::from_bits(Region::Eu, 1),
            route: "ops".into(),
            incident: Some(incident(number)),
            alert: tidegate_agentping_pulse::AlertKind::RunFailed,
            agent: None,
            edge: MessageEdge::Firing,
            severity: tidegate_agentping_pulse::AlertSeverity::Error,
            timestamp: at(second),
            made_at: at(second),
            began: tidegate_agentping_alerts::Began::Waiting,
            members: Vec::new(),
            body: String::new(),
        };
        Outstanding::Staged(Box::new(doc))
    };
    queue.offer(staged(1, 0));
    queue.offer(staged(2, 3));
    queue.offer(staged(3, 61));
    offer(&mut queue, 4, "ops", MessageEdge::Resolved, &[2], 4);
    assert_eq!(queue.take(at(4), |_| false), []);
    let [Ready::Release(docs)] = &queue.take(at(5), |_| false)[..] else { panic!("one release") };
    assert_eq!(docs.iter().map(|doc| doc.id).collect::<Vec<_>>(), [id(1), id(2)]);
    queue.not_released([id(1), id(2)], at(7));
    assert_eq!(queue.take(at(7), |_| false).len(), 1);
    let became = |number: u128, second: i64| message(number, "ops", MessageEdge::Firing, &[number], second);
    queue.released([id(1), id(2)], vec![became(1, 0), became(2, 3)]);
    assert_eq!(take(&mut queue, 8), [1, 2]);
    queue.ended(id(2), QueueEnd::Sent, None);
    assert_eq!(take(&mut queue, 8), [4]);
    assert!(matches!(&queue.take(at(66), |_| false)[..], [Ready::Release(docs)] if docs.len() == 1));
}

/// What has no room is left to the store, and nothing newer comes in until it was found.
#[test]
fn what_does_not_fit_is_found_by_the_next_sweep() {
    let mut queue = Queue::new(LIMITS);
    for number in 1..=8 {
        offer(&mut queue, number, "ops", MessageEdge::Firing, &[number], number as i64);
    }
    assert_eq!((queue.len(), queue.has_room_for_more()), (6, false));
    let taken = take(&mut queue, 100);
    taken.iter().for_each(|number| queue.ended(id(*number), QueueEnd::Sent, None));
    offer(&mut queue, 20, "ops", MessageEdge::Resolved, &[7], 20);
    assert_eq!(queue.len(), 4, "it might overtake what was left out");
    take(&mut queue, 100).iter().for_each(|number| queue.ended(id(*number), QueueEnd::Sent, None));
    assert!(queue.has_room_for_more());
    queue.sweep_begins();
    offer(&mut queue, 7, "ops", MessageEdge::Firing, &[7], 7);
    assert_eq!((queue.len(), queue.has_room_for_more()), (3, false));
}

#[test]
fn what_is_asked_for_again_is_due_at_once() {
    let mut queue = Queue::new(LIMITS);
    offer(&mut queue, 1, "ops", MessageEdge::Firing, &[1], 0);
    assert_eq!(take(&mut queue, 0), [1]);
    queue.ended(id(1), QueueEnd::Again(at(9_000)), None);
    offer(&mut queue, 1, "ops", MessageEdge::Firing, &[1], 0);
    assert_eq!(take(&mut queue, 9), [0; 0], "a row that was read before its try changes nothing");
    let asked = message(1, "ops", MessageEdge::Firing, &[1], 0);
    let again = DeliveryRef { due: Some(at(10)), asked_at: Some(at(10)), ..asked };
    queue.offer(Outstanding::Delivery(again));
    assert_eq!((take(&mut queue, 9), take(&mut queue, 10)), (vec![], vec![1]));
}
