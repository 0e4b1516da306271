//! Making the topics, and checking them.

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use tidegate_kafka::topics::{self, Mismatch};
use tidegate_kafka::{Created, KafkaOptions, TopicLayout, TopicsError};

use crate::support::{Fresh, admin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_once_and_then_as_wanted() {
    let fresh = Fresh::named(3);
    let names = vec![fresh.options.topics.records.clone(), fresh.options.topics.dead_letters.clone()];
    let missing = topics::check(&fresh.options, &fresh.layout).await.expect_err("nothing is there yet");
    let expected: Vec<Mismatch> = names.iter().map(|topic| Mismatch::Missing { topic: topic.clone() }).collect();
    assert_eq!(missing, TopicsError::Mismatch(expected));
    assert!(missing.to_string().contains("tidegate topics create"));

    let made = topics::create(&fresh.options, &fresh.layout).await.expect("made");
    assert_eq!(made, Created { created: names.clone(), existed: vec![] });
    let found = topics::check(&fresh.options, &fresh.layout).await.expect("as wanted");
    assert_eq!(found.topics, [(names[0].clone(), 3), (names[1].clone(), 1)]);
    let again = topics::create(&fresh.options, &fresh.layout).await.expect("there already");
    assert_eq!(again, Created { created: vec![], existed: names });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_there_is_never_altered() {
    let fresh = Fresh::topics(3).await;
    let more = TopicLayout { partitions: 6, ..fresh.layout };
    let options = KafkaOptions { partitions: 6, ..fresh.options.clone() };
    let refused = topics::create(&options, &more).await.expect_err("another partition count");
    let topic = fresh.records().to_owned();
    assert_eq!(refused, TopicsError::Mismatch(vec![Mismatch::Partitions { topic, found: 3, wanted: 6 }]));
    topics::check(&fresh.options, &fresh.layout).await.expect("as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_difference_of_a_topic_made_by_hand_is_reported() {
    let fresh = Fresh::named(2);
    let by_hand = NewTopic::new(fresh.records(), 2, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    admin().create_topics([&by_hand], &AdminOptions::new()).await.expect("an answer").remove(0).expect("made");
    let mut options = fresh.options.clone();
    options.append.max_record_bytes = 8 << 20;
    options.append.queue_bytes = 32 << 20;
    let layout = TopicLayout { min_insync_replicas: 2, ..fresh.layout };
    // The topic may take a moment to be known.
    let text = loop {
        let error = topics::check(&options, &layout).await.expect_err("it lacks a lot").to_string();
        if !error.contains(&format!("{} does not exist", fresh.records())) {
            break error;
        }
    };
    for part in [
        "cleanup.policy=compact, needed is delete",
        "message.timestamp.type=CreateTime, needed is LogAppendTime",
        "min.insync.replicas=1, needed is at least 2",
        "max.message.bytes=1048588, needed is at least 8396800",
        "dead-letters.g7 does not exist",
        "kafka-configs --alter",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_out_of_reach_are_named() {
    let fresh = Fresh::named(1);
    let options = KafkaOptions { brokers: "127.0.0.1:1".to_owned(), ..fresh.options.clone() };
    let error = topics::check(&options, &fresh.layout).await.expect_err("no broker answers");
    assert!(matches!(&error, TopicsError::Unavailable { brokers, .. } if brokers == "127.0.0.1:1"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_replicas_than_brokers_are_refused_with_the_way_out() {
    let fresh = Fresh::named(1);
    let layout = TopicLayout { replication: 99, ..fresh.layout };
    let error = topics::create(&fresh.options, &layout).await.expect_err("not 99 brokers").to_string();
    assert!(error.contains("99 replicas") && error.contains("kafka.replication"), "{error}");
}
