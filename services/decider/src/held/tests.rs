//! What is held, tried and left out.

use super::*;

const LIMITS: HeldLimits =
    HeldLimits { deliveries: 12, bytes: 1 << 20, of_owner: 8, of_queue: 6, at_once: 3, at_once_failing: 1, known: 20 };
const NOW: Timestamp = at(100);

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// Each queue is an owner's, who is named by its first letter.
fn to_send(queue: &str, number: u32, bytes: usize) -> ToSend {
    let delivery = Delivery { id: format!("{queue}{number:03}").into(), body: vec![b'x'; bytes] };
    let owner = &queue[..1];
    ToSend { owner: LogKey::new(owner.as_bytes(), &[owner]), delivery, tries: 0, noted_at: None, queue: queue.into() }
}

fn offered(queues: &[(&str, u32)]) -> Held {
    let mut held = Held::new(LIMITS);
    for (queue, count) in queues {
        for number in 0..*count {
            held.offer(to_send(queue, number, 1), NOW, NOW);
        }
    }
    held
}

fn taken(held: &mut Held, now: Timestamp) -> Vec<String> {
    held.take(now).into_iter().map(|one| one.delivery.id.to_string()).collect()
}

const WELL: TryEnd = TryEnd::Finished { well: true };

#[test]
fn each_is_tried_once_and_at_most_so_many_of_a_queue_at_once() {
    let mut held = offered(&[("a", 5), ("b", 2)]);
    held.offer(to_send("a", 0, 1), NOW, NOW);
    assert_eq!(taken(&mut held, at(99)), [""; 0], "not due");
    assert_eq!(taken(&mut held, NOW), ["a000", "a001", "a002", "b000", "b001"]);
    assert_eq!(taken(&mut held, NOW), [""; 0]);
    assert!(!held.ended(&"a001".into(), (1, NOW), WELL, NOW));
    assert_eq!(taken(&mut held, NOW), ["a003"]);
    for id in ["a000", "a002", "a003", "b000", "b001"] {
        held.ended(&id.into(), (1, NOW), WELL, NOW);
    }
    assert_eq!(taken(&mut held, NOW), ["a004"]);
    held.ended(&"a004".into(), (1, NOW), WELL, NOW);
    assert_eq!((held.deliveries.len(), held.queues.len(), held.bytes, held.next_at()), (0, 0, 0, None));
}

#[test]
fn a_queue_that_fails_has_fewer_tries_at_once_until_one_goes_well() {
    let mut held = offered(&[("a", 6)]);
    assert_eq!(taken(&mut held, NOW).len(), 3);
    for id in ["a000", "a001", "a002"] {
        held.ended(&id.into(), (1, NOW), TryEnd::Again(at(105)), NOW);
    }
    assert_eq!(taken(&mut held, NOW), ["a003"]);
    held.ended(&"a003".into(), (1, NOW), TryEnd::Again(at(105)), NOW);
    assert_eq!(taken(&mut held, NOW), ["a004"]);
    held.ended(&"a004".into(), (1, NOW), WELL, NOW);
    assert_eq!(taken(&mut held, at(105)), ["a005", "a000", "a001"], "two are free, and one that waited");
    assert_eq!(held.deliveries["a000"].tries, 1);
}

#[test]
fn what_is_due_late_is_left_to_the_store() {
    let mut held = offered(&[("a", 1)]);
    let later = NOW.plus_millis(HORIZON_MS + 1);
    held.offer(to_send("a", 1, 1), later, NOW);
    assert_eq!(held.deliveries.len(), 1);
    held.take(NOW);
    assert!(!held.ended(&"a000".into(), (1, NOW), TryEnd::Again(later), NOW));
    assert_eq!((held.deliveries.len(), held.queues.len(), held.next_at()), (0, 0, None));
    held.offer(to_send("a", 0, 1), later, at(101));
    assert_eq!(held.next_at(), Some(later), "soon enough now");
}

#[test]
fn a_queue_has_a_bound_and_asks_for_a_sweep_when_it_has_room() {
    let mut held = offered(&[("a", 9), ("b", 1)]);
    assert_eq!(held.deliveries.len(), 7, "the others' place is kept");
    let mut asked = Vec::new();
    while let Some(one) = held.take(NOW).into_iter().find(|one| one.queue == "a") {
        // The other ones of this round end as well, so that nothing stays under way.
        let rest: Vec<SmolStr> = held.deliveries.keys().filter(|id| id.starts_with('a')).cloned().collect();
        asked.push(held.ended(&one.delivery.id, (1, NOW), WELL, NOW));
        if rest.len() == 1 {
            break;
        }
    }
    assert!(asked.contains(&true), "{asked:?}");
    held.sweep_begins(NOW, true);
    assert!(held.queues.values().all(|queue| !queue.is_left_out));
}

#[test]
fn all_have_a_bound_in_number_and_bytes() {
    let mut held = offered(&[("a", 6), ("b", 6), ("c", 3)]);
    assert_eq!((held.deliveries.len(), held.is_left_out), (12, true));
    assert!(held.take(NOW).len() == 6);
    let mut large = Held::new(LIMITS);
    large.offer(to_send("a", 0, 2 << 20), NOW, NOW);
    large.offer(to_send("b", 0, 1), NOW, NOW);
    assert_eq!((large.deliveries.len(), large.is_left_out), (1, true), "one that is larger than all is sent alone");
    held.forget(&"a000".into());
    assert_eq!(held.deliveries.len(), 11);
}

#[test]
fn a_page_that_was_asked_for_before_a_try_ended_does_not_bring_it_back() {
    let mut held = offered(&[("a", 1)]);
    held.take(NOW);
    held.page_begins();
    held.ended(&"a000".into(), (1, NOW), WELL, NOW);
    held.offer(to_send("a", 0, 1), NOW, NOW);
    assert_eq!(held.deliveries.len(), 0);
    held.page_ends();
    held.offer(to_send("a", 0, 1), NOW, NOW);
    assert_eq!(held.deliveries.len(), 1);
}

#[test]
fn an_owners_receivers_leave_room_for_others() {
    let mut held = offered(&[("a1", 4), ("a2", 4), ("a3", 4), ("b", 4)]);
    assert_eq!(held.deliveries.len(), 8 + 4);
    let of_b = taken(&mut held, NOW).into_iter().filter(|id| id.starts_with('b')).count();
    assert_eq!(of_b, 3);
    // What was left out has room once half of the owner's is gone.
    let ids = ["a1000", "a1001", "a1002", "a2000"];
    let finds = ids.map(|id| held.ended(&id.into(), (1, NOW), WELL, NOW));
    assert_eq!(finds, [false, false, false, true]);
    held.sweep_begins(NOW, true);
    held.offer(to_send("a3", 0, 1), NOW, NOW);
    assert_eq!(taken(&mut held, NOW).iter().filter(|id| *id == "a3000").count(), 1);
}

#[test]
fn a_queue_whose_receiver_asked_to_be_left_alone_rests_and_others_do_not() {
    let mut held = offered(&[("a", 5), ("b", 1)]);
    assert_eq!(taken(&mut held, NOW), ["a000", "a001", "a002", "b000"]);
    held.rest(&"a".into(), at(130));
    held.rest(&"a".into(), at(110));
    held.ended(&"a000".into(), (1, NOW), TryEnd::Again(at(131)), NOW);
    held.ended(&"a001".into(), (1, NOW), WELL, NOW);
    assert_eq!(taken(&mut held, at(129)), [""; 0], "also what was not tried yet");
    assert_eq!(held.next_at(), Some(at(130)));
    held.offer(to_send("b", 1, 1), at(129), at(129));
    assert_eq!(taken(&mut held, at(129)), ["b001"]);
    held.ended(&"a002".into(), (1, NOW), WELL, at(129));
    assert_eq!(taken(&mut held, at(130)), ["a003", "a004"]);
}

#[test]
fn a_queue_rests_although_nothing_of_it_is_held() {
    let mut held = offered(&[("a", 1)]);
    held.take(NOW);
    held.rest(&"a".into(), at(400));
    held.ended(&"a000".into(), (1, NOW), TryEnd::Again(at(400)), NOW);
    held.offer(to_send("a", 1, 1), at(101), at(101));
    assert_eq!(taken(&mut held, at(101)), [""; 0]);
    held.forget(&"a001".into());
    held.sweep_begins(at(399), false);
    assert_eq!(held.queues.len(), 1);
    held.sweep_begins(at(400), false);
    assert!(held.queues.is_empty());
}

#[test]
fn a_sweep_asks_for_what_is_due_soon_and_not_held() {
    let mut held = Held::new(LIMITS);
    assert_eq!(held.sweep_begins(NOW, false), None, "the store was not read yet");
    for number in 0..9 {
        held.offer(to_send("a", number, 1), NOW, NOW);
    }
    let late = NOW.plus_millis(HORIZON_MS + 1);
    held.offer(to_send("b", 0, 1), late, NOW);
    let shard = |owner: &str| LogKey::new(owner.as_bytes(), &[owner]).shard();
    let ids = |ids: &[&str]| ids.iter().copied().map(SmolStr::from).collect::<Vec<_>>();
    let left_out = [(shard("a"), ids(&["a006", "a007", "a008"]))];
    assert_eq!(held.sweep_begins(NOW, false), Some(left_out.clone().into()));
    assert_eq!(held.known(), Some(10));
    // What is finished is asked for no more, what is put off not before it is due.
    held.take(NOW);
    held.ended(&"a000".into(), (1, NOW), WELL, NOW);
    held.ended(&"a001".into(), (1, NOW), TryEnd::Again(late), NOW);
    held.gone(&"a006".into());
    let wanted = [(shard("a"), ids(&["a007", "a008"]))];
    assert_eq!(held.sweep_begins(NOW, false), Some(wanted.into()));
    let all = held.sweep_begins(at(101), false).unwrap();
    assert_eq!(all[&shard("a")], ids(&["a001", "a007", "a008"]));
    assert_eq!(all[&shard("b")], ids(&["b000"]));
    assert_eq!(held.sweep_begins(NOW, true), None);
}

#[test]
fn beyond_what_can_be_known_a_sweep_asks_for_everything() {
    let mut held = Held::new(LIMITS);
    held.sweep_begins(NOW, false);
    for number in 0..21 {
        held.offer(to_send("a", number, 1), NOW, NOW);
    }
    assert_eq!((held.known(), held.sweep_begins(NOW, false)), (None, None));
}
