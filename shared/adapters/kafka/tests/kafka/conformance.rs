//! The ports' own suites, as every other log runs them.

use async_trait::async_trait;
use tidegate_conformance::log::{LogUnderTest, MakeLog};
use tidegate_conformance::replay::ReplayUnderTest;
use tidegate_conformance::{dead_letters, log, replay};
use tidegate_kafka::{GroupProtocol, KafkaConsumer, KafkaDeadLetters, KafkaLag, KafkaLog, KafkaReadLog};
use tidegate_ports::{Append, Consume, ReadLag};

use crate::support::{Fresh, clock};

struct Make {
    protocol: GroupProtocol,
}

struct UnderTest {
    log: KafkaLog,
    fresh: Fresh,
}

#[async_trait]
impl MakeLog for Make {
    async fn fresh(&self, partitions: u32) -> Box<dyn LogUnderTest> {
        let mut fresh = Fresh::topics(partitions).await;
        fresh.options.consume.protocol = self.protocol;
        Box::new(UnderTest { log: fresh.log(), fresh })
    }
}

#[async_trait]
impl LogUnderTest for UnderTest {
    fn appender(&self) -> &dyn Append {
        &self.log
    }

    async fn consumer(&self, group: &str) -> Box<dyn Consume> {
        Box::new(KafkaConsumer::join(&self.fresh.options, &self.group(group), clock()).expect("a member"))
    }

    async fn lag(&self, group: &str) -> Box<dyn ReadLag> {
        Box::new(KafkaLag::watch(&self.fresh.options, &self.group(group), clock()).expect("a reader of lag"))
    }

    fn max_record_bytes(&self) -> usize {
        self.fresh.options.append.max_record_bytes
    }
}

impl UnderTest {
    /// Groups are the brokers', not the topic's.
    fn group(&self, name: &str) -> String {
        format!("{}.{name}", self.fresh.records())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_suite_holds_with_the_classic_protocol() {
    log::suite(&Make { protocol: GroupProtocol::Classic }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_suite_holds_with_the_consumer_protocol() {
    log::suite(&Make { protocol: GroupProtocol::Consumer }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dead_letters_suite_holds() {
    let fresh = Fresh::topics(1).await;
    let letters = KafkaDeadLetters::open(&fresh.options, clock()).expect("a place for dead letters");
    dead_letters::suite(&letters).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_replay_suite_holds() {
    let fresh = Fresh::topics(3).await;
    let log = fresh.log();
    let reader = KafkaReadLog::open(&fresh.options).expect("a reader");
    let group = format!("{}.replays", fresh.records());
    let consumer = Box::new(KafkaConsumer::join(&fresh.options, &group, clock()).expect("a member"));
    replay::suite(ReplayUnderTest { append: &log, again: &log, reader: &reader, consumer }).await;
}
