//! What a member does while the group's coordinator does not answer. The broker is a mock one.

use std::time::Duration;

use bytes::Bytes;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tidegate_kafka::{KafkaLag, KafkaLog, KafkaOptions, Topics};
use tidegate_kernel::Region;
use tidegate_ports::{Append, Consume, LogError, ReadLag};

use crate::member::Member;
use crate::support::{clock, key, wait_until};

type Mock = MockCluster<'static, rdkafka::producer::DefaultProducerContext>;

/// Two partitions with twenty records, all read by one member.
async fn all_read() -> (Mock, KafkaOptions, Member) {
    let cluster = Mock::new(1).expect("a mock cluster");
    let mut options = KafkaOptions::new(cluster.bootstrap_servers(), Topics::named("mock", Region::Eu, 1), 2);
    // Longer than a busy machine keeps this process from its turn.
    options.append.request_timeout = Duration::from_secs(30);
    options.append.message_timeout = Duration::from_secs(60);
    options.consume.session_timeout = Duration::from_secs(120);
    cluster.create_topic(&options.topics.records, 2, 1).expect("a topic");
    let log = KafkaLog::connect(options.clone(), clock()).expect("a log");
    for number in 0..20 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let mut member = Member::join(&options, "group");
    member.owns(2).await;
    member.poll_until("all records", |member| member.read.len() == 20).await;
    member.read.iter().for_each(|(from, offset)| member.ledger.done(*from, *offset));
    (cluster, options, member)
}

async fn lag_is_gone(options: &KafkaOptions, member: &mut Member) {
    let lag = KafkaLag::watch(options, "group", clock()).expect("a reader");
    wait_until("what is owed is paid by polls", async || {
        member.poll().await;
        lag.read().await.is_ok_and(|reading| reading.records == 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_owed_and_paid_later() {
    let (cluster, options, mut member) = all_read().await;
    let mut done = member.ledger.take_committable().into_iter();
    let (first, second) = (done.next().expect("one"), done.next().expect("another"));
    cluster.broker_round_trip_time(1, Duration::from_secs(30)).expect("slow");
    let unanswered = member.consumer.commit(first).await;
    assert!(matches!(unanswered, Err(LogError::Unavailable(_))), "{unanswered:?}");
    // The next one does not wait as long again: the member must keep polling.
    let Err(LogError::Unavailable(cause)) = member.consumer.commit(second).await else { panic!("answered") };
    assert!(cause.contains("as one before it does"), "{cause}");
    cluster.broker_round_trip_time(1, Duration::ZERO).expect("fast");
    lag_is_gone(&options, &mut member).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_meets_a_rebalance_is_tried_again() {
    let (cluster, options, mut member) = all_read().await;
    let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS; 3];
    cluster.request_errors(RDKafkaApiKey::OffsetCommit, &errors);
    member.commit_all().await;
    lag_is_gone(&options, &mut member).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_refused_for_good_is_reported_and_queued() {
    let (cluster, options, mut member) = all_read().await;
    cluster
        .request_errors(RDKafkaApiKey::OffsetCommit, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED]);
    let first = member.ledger.take_committable()[0];
    let refused = member.consumer.commit(first).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    // The other partition is never committed: only its records are left once the queued offset is committed.
    let lag = KafkaLag::watch(&options, "group", clock()).expect("a reader");
    let of_first = member.read.iter().filter(|(from, _)| *from == first.partition()).count() as u64;
    wait_until("the owed one is paid", async || {
        member.poll().await;
        lag.read().await.is_ok_and(|reading| reading.records == 20 - of_first)
    })
    .await;
}
