//! The results of appends when brokers are away, slow or faulty. Mock brokers cause the faults.

use std::time::Duration;

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tidegate_kafka::{KafkaLog, KafkaOptions, Topics};
use tidegate_kernel::Region;
use tidegate_ports::{Append, AppendError};

use crate::support::{DEADLINE, clock, key, wait_until};

type Mock = MockCluster<'static, DefaultProducerContext>;

/// A mock broker with the topic, and a log on it whose patience ends within a test.
fn mock() -> (Mock, KafkaLog) {
    let cluster = Mock::new(1).expect("a mock cluster");
    let options = options(cluster.bootstrap_servers());
    cluster.create_topic(&options.topics.records, 1, 1).expect("a topic");
    let log = KafkaLog::connect(options, clock()).expect("a log");
    (cluster, log)
}

/// A record is sent in time though a busy machine keeps the client from its turn for a while.
fn options(brokers: String) -> KafkaOptions {
    let mut options = KafkaOptions::new(brokers, Topics::named("mock", Region::Eu, 1), 1);
    options.append.request_timeout = Duration::from_secs(20);
    options.append.message_timeout = Duration::from_secs(25);
    options.append.max_record_bytes = 64 * 1024;
    options.append.queue_bytes = 128 * 1024;
    options
}

/// An address without a listener, whose port no other test is given.
fn nowhere() -> String {
    "127.0.0.1:1".to_owned()
}

async fn append(log: &KafkaLog) -> Result<i64, AppendError> {
    log.append(key(1), Bytes::from_static(b"record")).await.map(|position| position.offset)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_a_record_is_certainly_not_persisted() {
    let mut options = options(nowhere());
    options.append.request_timeout = Duration::from_millis(500);
    options.append.message_timeout = Duration::from_secs(2);
    let log = KafkaLog::connect(options, clock()).expect("no broker is needed to begin");
    let refused = append(&log).await;
    assert!(matches!(refused, Err(AppendError::NotPersisted(_))), "{refused:?}");
    assert_eq!(log.waiting(), 0, "nothing is left that could still be delivered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_record_is_not_delivered_later() {
    let (cluster, log) = mock();
    assert_eq!(append(&log).await, Ok(0));
    cluster.broker_down(1).expect("down");
    let refused = append(&log).await;
    assert!(matches!(refused, Err(AppendError::NotPersisted(_))), "{refused:?}");
    cluster.broker_up(1).expect("up");
    // The next one takes the next offset: the one in between never came.
    let mut unknown = 0;
    let next = loop {
        match append(&log).await {
            Ok(offset) => break offset,
            Err(AppendError::NotPersisted(_)) => {}
            // Sent, and answered too late: it may have an offset.
            Err(AppendError::Unknown(_)) => unknown += 1,
            Err(other) => panic!("{other}"),
        }
    };
    assert!((1..=1 + unknown).contains(&next), "{next} after {unknown} unknown ones");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_an_answer_is_unknown() {
    let (cluster, log) = mock();
    assert_eq!(append(&log).await, Ok(0));
    cluster.broker_round_trip_time(1, DEADLINE).expect("slow");
    let unknown = append(&log).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_written_on_too_few_replicas_is_unknown() {
    let (cluster, log) = mock();
    assert_eq!(append(&log).await, Ok(0));
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND;
    cluster.request_errors(RDKafkaApiKey::Produce, &[error; 200]);
    let unknown = append(&log).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_refused_for_too_few_replicas_is_not_persisted() {
    let (cluster, log) = mock();
    assert_eq!(append(&log).await, Ok(0));
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
    cluster.request_errors(RDKafkaApiKey::Produce, &[error; 200]);
    let refused = append(&log).await;
    assert!(matches!(refused, Err(AppendError::NotPersisted(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passing_error_costs_time_and_no_record() {
    let (cluster, log) = mock();
    let errors = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    ];
    cluster.request_errors(RDKafkaApiKey::Produce, &errors);
    assert_eq!(append(&log).await, Ok(0));
    assert_eq!(append(&log).await, Ok(1), "written once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fatal_error_costs_the_producer_and_not_the_process() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let rebuilt = recorder.handle();
    let (cluster, log) = mock();
    assert_eq!(append(&log).await, Ok(0));
    // An out-of-order answer to the oldest request in progress: the producer cannot know any more what was written.
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
    let fate = append(&log).await;
    assert!(matches!(fate, Err(AppendError::Unknown(_))), "{fate:?}");
    let counted = || metrics::with_local_recorder(&recorder, || rebuilt.render());
    // The next ones are refused for certain until another producer has taken over.
    wait_until("another producer took over", async || {
        let appended = metrics::with_local_recorder(&recorder, || futures_util::FutureExt::now_or_never(append(&log)));
        let appended = match appended {
            Some(settled) => settled,
            None => append(&log).await,
        };
        match appended {
            Ok(_) => true,
            Err(AppendError::NotPersisted(_)) => false,
            Err(other) => panic!("{other}"),
        }
    })
    .await;
    assert!(counted().contains("tidegate_kafka_producer_rebuilt_total 1"), "{}", counted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once() {
    let mut options = options(nowhere());
    options.append.message_timeout = Duration::from_secs(600);
    let log = KafkaLog::connect(options, clock()).expect("a log");
    let large = Bytes::from(vec![b'x'; 60 * 1024]);
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let (log, large) = (log.clone(), large.clone());
            tokio::spawn(async move { log.append(key(1), large).await })
        })
        .collect();
    wait_until("two records wait", async || log.waiting() == 2).await;
    // Two of 60 KiB fill 128 KiB. Were it to wait for room, it would wait for ten minutes.
    let refused = tokio::time::timeout(DEADLINE, log.append(key(1), large)).await.expect("at once");
    let Err(AppendError::NotPersisted(cause)) = refused else { panic!("{refused:?}") };
    assert!(cause.contains("kafka.queue_bytes"), "{cause}");
    // Closing ends the waiting appends with an error and counts them.
    assert_eq!(log.close(Duration::from_millis(50)).await.left, 2);
    for task in tasks {
        let result = task.await.expect("no panic");
        assert!(matches!(result, Err(AppendError::NotPersisted(_))), "never sent: {result:?}");
    }
    let refused = append(&log).await;
    assert_eq!(refused, Err(AppendError::NotPersisted("the producer is closed".into())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_on_a_silent_broker_reports_an_unknown_outcome() {
    let (cluster, log) = mock();
    assert_eq!(append(&log).await, Ok(0));
    cluster.broker_round_trip_time(1, DEADLINE).expect("slow");
    let under_way = {
        let log = log.clone();
        tokio::spawn(async move { append(&log).await })
    };
    wait_until("a record waits", async || log.waiting() == 1).await;
    // Long enough for the record to be sent.
    assert_eq!(log.close(Duration::from_secs(10)).await.left, 1);
    let result = under_way.await.expect("no panic");
    assert!(matches!(result, Err(AppendError::Unknown(_))), "{result:?}");
}

#[test]
fn options_that_contradict_each_other_are_refused_with_both_values() {
    type Break = fn(&mut KafkaOptions);
    let cases: [(&str, Break); 5] = [
        ("message timeout of 100ms does not exceed the request timeout of 20s", |options| {
            options.append.message_timeout = Duration::from_millis(100);
        }),
        ("queue of 1000 bytes does not hold one record of 65536", |options| options.append.queue_bytes = 1_000),
        ("drain deadline of 30s is not below the session timeout of 30s", |options| {
            options.consume.drain_deadline = Duration::from_secs(30);
        }),
        ("0 partitions", |options| options.partitions = 0),
        ("no brokers", |options| options.brokers = " ".to_owned()),
    ];
    for (text, break_it) in cases {
        let mut options = options("127.0.0.1:1".to_owned());
        break_it(&mut options);
        let refused = KafkaLog::connect(options, clock()).err().expect(text).to_string();
        assert!(refused.contains(text), "{text}: {refused}");
    }
    let mut options = options("127.0.0.1:1".to_owned());
    options.extra.push(("sasl.pasword".to_owned(), "hunter2".to_owned()));
    assert!(!format!("{options:?}").contains("hunter2"));
    let refused = KafkaLog::connect(options, clock()).err().expect("an unknown property").to_string();
    assert!(refused.contains("sasl.pasword") && !refused.contains("hunter2"), "{refused}");
}
