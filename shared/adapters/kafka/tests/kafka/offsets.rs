//! What the broker does with committed offsets, and where offsets come from.

use std::time::Duration;

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kafka::{GroupProtocol, KafkaOptions};
use tidegate_ports::Append;

use crate::member::Member;
use crate::support::{DEADLINE, Fresh, key, plain, read_all, wait_until};

/// The group's committed offset, asked without the adapter.
pub fn committed(options: &KafkaOptions, group: &str, partition: u32) -> Option<i64> {
    let asking = stranger(group);
    let list = one(options, partition, Offset::Invalid);
    let answer = asking.committed_offsets(list, DEADLINE).expect("committed offsets");
    match answer.elements()[0].offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

/// A client with the group's name that is no member of it.
fn stranger(group: &str) -> BaseConsumer {
    plain().set("group.id", group).set("enable.auto.commit", "false").create().expect("a client")
}

fn one(options: &KafkaOptions, partition: u32, offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    let partition = i32::try_from(partition).expect("a partition");
    list.add_partition_offset(&options.topics.records, partition, offset).expect("an offset");
    list
}

async fn filled(partitions: u32) -> (Fresh, String) {
    let fresh = Fresh::topics(partitions).await;
    let log = fresh.log();
    for number in 0..10 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let group = format!("{}.group", fresh.records());
    (fresh, group)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_lets_a_group_go_back() {
    let (fresh, group) = filled(1).await;
    let client = stranger(&group);
    client.commit(&one(&fresh.options, 0, Offset::Offset(8)), CommitMode::Sync).expect("committed");
    client.commit(&one(&fresh.options, 0, Offset::Offset(3)), CommitMode::Sync).expect("committed");
    assert_eq!(committed(&fresh.options, &group, 0), Some(3), "so only this adapter keeps it from going back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_group_takes_no_commit_from_a_stranger() {
    for protocol in GroupProtocol::ALL {
        let (mut fresh, group) = filled(2).await;
        fresh.options.consume.protocol = protocol;
        let mut member = Member::join(&fresh.options, &group);
        member.owns(2).await;
        let refused = stranger(&group).commit(&one(&fresh.options, 0, Offset::Offset(1)), CommitMode::Sync);
        assert!(matches!(refused, Err(KafkaError::ConsumerCommit(_))), "{protocol:?}: {refused:?}");
        assert_eq!(committed(&fresh.options, &group, 0), None, "{protocol:?}");
    }
}

/// A second member of the classic group, with a client that is not the adapter's.
fn plain_member(fresh: &Fresh, group: &str) -> BaseConsumer {
    let member: BaseConsumer = plain()
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .create()
        .expect("a member");
    member.subscribe(&[fresh.records()]).expect("subscribed");
    member
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_whose_offset_went_back_gets_the_commit_again() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    // The read-back runs on a thread of its own: it counts with the process's recorder.
    metrics::set_global_recorder(recorder).expect("the only one in these tests");
    let (fresh, group) = filled(2).await;
    let mut member = Member::join(&fresh.options, &group);
    member.owns(2).await;
    let other = plain_member(&fresh, &group);
    wait_until("both have one", async || {
        let _ = other.poll(Duration::from_millis(10));
        member.poll().await;
        member.assigned.len() == 1 && other.assignment().is_ok_and(|list| list.count() == 1)
    })
    .await;
    member.commit_all().await;
    let ours = *member.assigned.keys().next().expect("one partition");
    let at = committed(&fresh.options, &group, ours).expect("a committed offset");
    assert!(at > 0);
    // The broker does not ask whose partition it is that a member commits.
    other.commit(&one(&fresh.options, ours, Offset::Offset(0)), CommitMode::Sync).expect("committed");
    assert_eq!(committed(&fresh.options, &group, ours), Some(0));
    wait_until("it is committed again", async || {
        let _ = other.poll(Duration::from_millis(10));
        member.poll().await;
        committed(&fresh.options, &group, ours) == Some(at)
    })
    .await;
    let series = format!("tidegate_kafka_committed_offset{{partition=\"{ours}\"}}");
    wait_until("the metric tells", async || {
        member.poll().await;
        let text = figures.render();
        text.lines().any(|line| line.starts_with(&series))
            && text.lines().any(|line| line.starts_with("tidegate_kafka_commits_behind_total") && !line.ends_with(" 0"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_names_the_first_offset_appended_since() {
    let (fresh, group) = filled(1).await;
    let messages = read_all(fresh.records(), 1, 10);
    let stamps: Vec<i64> = messages.iter().filter_map(|one| rdkafka::Message::timestamp(one).to_millis()).collect();
    assert!(stamps.is_sorted() && stamps.len() == 10, "{stamps:?}");
    let client = stranger(&group);
    let at = |time: i64| {
        let answer = client.offsets_for_times(one(&fresh.options, 0, Offset::Offset(time)), DEADLINE).expect("offsets");
        answer.elements()[0].offset()
    };
    for stamp in &stamps {
        let first = stamps.iter().position(|one| one >= stamp).expect("one of them") as i64;
        assert_eq!(at(*stamp), Offset::Offset(first));
    }
    assert_eq!(at(stamps[9] + 60_000), Offset::End, "later than all of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_returns_all_end_offsets() {
    let (fresh, group) = filled(4).await;
    let client = stranger(&group);
    let mut ends = TopicPartitionList::new();
    ends.add_partition_range(fresh.records(), 0, 3);
    ends.set_all_offsets(Offset::End).expect("set");
    let answer = client.offsets_for_times(ends, DEADLINE).expect("ends");
    let mut all = 0;
    for element in answer.elements() {
        let (_, end) = client.fetch_watermarks(fresh.records(), element.partition(), DEADLINE).expect("watermarks");
        assert_eq!(element.offset(), Offset::Offset(end));
        all += end;
    }
    assert_eq!(all, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_without_transactions_have_no_gaps() {
    let (fresh, _) = filled(1).await;
    let offsets: Vec<i64> = read_all(fresh.records(), 1, 10).iter().map(rdkafka::Message::offset).collect();
    assert_eq!(offsets, (0..10).collect::<Vec<_>>());
}
