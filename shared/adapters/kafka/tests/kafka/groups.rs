//! What a group does when members come, go, stop polling, or are impersonated.

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tidegate_kafka::{GroupProtocol, KafkaOptions};
use tidegate_ports::{Append, Consume};

use crate::member::Member;
use crate::offsets::committed;
use crate::support::{DEADLINE, Fresh, key, plain, random, wait_until};

/// Four partitions with forty records, and a group.
async fn filled(protocol: GroupProtocol) -> (Fresh, String) {
    let mut fresh = Fresh::topics(4).await;
    fresh.options.consume.protocol = protocol;
    let log = fresh.log();
    for number in 0..40 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let group = format!("{}.group", fresh.records());
    (fresh, group)
}

/// The group's only member, which has read everything.
async fn with_all(options: &KafkaOptions, group: &str) -> Member {
    let mut member = Member::join(options, group);
    member.owns(4).await;
    member.poll_until("all records", |member| member.read.len() == 40).await;
    member
}

/// Polls both until the first is asked for partitions.
async fn until_revoked(first: &mut Member, second: &mut Member) {
    while first.revoking.is_empty() {
        first.poll().await;
        second.poll().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_partition_waits_for_its_owner() {
    for protocol in GroupProtocol::ALL {
        let (fresh, group) = filled(protocol).await;
        let mut first = with_all(&fresh.options, &group).await;
        let mut second = Member::join(&fresh.options, &group);
        until_revoked(&mut first, &mut second).await;
        // The first one is asked, and does not answer: it drains. Until then the group assigns its partitions to no
        // member, and takes its commits.
        let asked_for = first.revoking.clone();
        for _ in 0..20 {
            second.poll().await;
        }
        assert!(asked_for.iter().all(|gone| !second.assigned.contains_key(&gone.partition)), "{protocol:?}");
        first.commit_all().await;
        for gone in &asked_for {
            let read = first.read.iter().filter(|(from, _)| from == gone).count();
            let committed = committed(&fresh.options, &group, gone.partition).unwrap_or(0);
            assert_eq!(usize::try_from(committed), Ok(read), "{protocol:?}: what was drained is committed");
        }
        let deadline = std::time::Instant::now() + DEADLINE;
        while second.assigned.len() < 2 {
            assert!(std::time::Instant::now() < deadline, "{protocol:?}: not handed over");
            first.poll().await;
            second.poll().await;
        }
        second.poll().await;
        assert_eq!(second.read, [], "{protocol:?}: everything was applied before it was handed over");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_without_end_is_ended() {
    for protocol in GroupProtocol::ALL {
        let (mut fresh, group) = filled(protocol).await;
        fresh.options.consume.drain_deadline = std::time::Duration::from_millis(500);
        let mut first = with_all(&fresh.options, &group).await;
        let mut second = Member::join(&fresh.options, &group);
        until_revoked(&mut first, &mut second).await;
        // The first one does not poll, and the deadline passes: from then on its commits change nothing.
        let taken = first.revoking.clone();
        wait_until("the deadline", async || {
            second.poll().await;
            !taken.iter().any(|gone| first.consumer.holds(*gone))
        })
        .await;
        first.commit_all().await;
        for gone in &taken {
            assert_eq!(committed(&fresh.options, &group, gone.partition), None, "{protocol:?}: not its to commit");
        }
        wait_until("the partitions change hands", async || {
            first.poll().await;
            second.poll().await;
            second.assigned.len() == taken.len()
        })
        .await;
        let in_taken = first.read.iter().filter(|(from, _)| taken.contains(from)).count();
        second.poll_until("its records", |member| member.read.len() == in_taken).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_does_not_poll_loses_its_partitions() {
    for protocol in GroupProtocol::ALL {
        let (fresh, group) = filled(protocol).await;
        let session = std::time::Duration::from_secs(15);
        let mut stuck = fresh.options.clone();
        stuck.consume.session_timeout = session;
        stuck.consume.drain_deadline = session / 2;
        stuck.extra.push(("max.poll.interval.ms".to_owned(), session.as_millis().to_string()));
        let mut first = with_all(&stuck, &group).await;
        let mut second = Member::join(&fresh.options, &group);
        // Without a poll of the first one, not even a revocation reaches it.
        second.owns(4).await;
        second.poll_until("all records", |member| member.read.len() == 40).await;
        second.commit_all().await;
        // What the first one commits under its lost assignment is refused or changes nothing.
        first.read.iter().for_each(|(from, offset)| first.ledger.done(*from, *offset));
        for done in first.ledger.take_committable() {
            let _ = first.consumer.commit(done).await;
        }
        first.poll_until("the loss", |member| member.assigned.is_empty() && !member.lost.is_empty()).await;
        for partition in 0..4 {
            let read = second.read.iter().filter(|(from, _)| from.partition == partition).count();
            let at = committed(&fresh.options, &group, partition).unwrap_or(0);
            assert_eq!(usize::try_from(at), Ok(read), "{protocol:?}");
        }
        // It is a member like any other afterwards.
        let deadline = std::time::Instant::now() + DEADLINE;
        while first.assigned.is_empty() {
            assert!(std::time::Instant::now() < deadline, "{protocol:?}: never a member again");
            first.poll().await;
            second.poll().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fatal_error_costs_the_membership_and_not_the_process() {
    let (mut fresh, group) = filled(GroupProtocol::Classic).await;
    let instance = random();
    fresh.options.extra.push(("group.instance.id".to_owned(), instance.clone()));
    let mut member = Member::join(&fresh.options, &group);
    member.owns(4).await;
    // Another client joins with its instance id: the group fences it, which is fatal to librdkafka's consumer.
    let impostor: BaseConsumer = plain()
        .set("group.id", &group)
        .set("group.instance.id", &instance)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .create()
        .expect("an impostor");
    impostor.subscribe(&[fresh.records()]).expect("subscribed");
    wait_until("it is fenced", async || {
        let _ = impostor.poll(std::time::Duration::from_millis(10));
        member.poll().await;
        member.lost.len() == 4
    })
    .await;
    // It joins again by itself, and fences the impostor in turn.
    member.owns(4).await;
    member.poll_until("all records", |member| member.read.len() >= 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_hands_over_at_once() {
    for protocol in GroupProtocol::ALL {
        let (mut fresh, group) = filled(protocol).await;
        // Were the session waited for, it would take ten minutes.
        fresh.options.consume.session_timeout = std::time::Duration::from_secs(600);
        let mut first = with_all(&fresh.options, &group).await;
        first.commit_all().await;
        first.consumer.leave().await;
        let mut second = Member::join(&fresh.options, &group);
        second.owns(4).await;
        drop(second);
        assert!(tidegate_kafka::all_closed(DEADLINE).await);
        let mut third = Member::join(&fresh.options, &group);
        third.owns(4).await;
        third.poll().await;
        assert_eq!(third.read, []);
    }
}
