//! Under load, persisters are killed, leave and join, and another program writes garbage to the topic: at no moment is
//! any record unaccounted for, and in the end the sums are those that an outsider counts on the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::{Value, json};
use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::verdict;
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, LogClient, Settings};
use tidegate_tests::{Deployment, Plan, Target, Team, eventually, wire};
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::BINARY;
use crate::adding_up::{is_sound, settled, shown, total};

const CLIENTS: u64 = 4;
const SOME: u64 = 80;
const LOOK: Duration = Duration::from_millis(200);
const DELIVERS: Duration = Duration::from_secs(90);
const SHOWS: Duration = Duration::from_secs(60);
/// A sample is taken once a minute, and the first one may be of a part of the records.
const SAMPLES: Duration = Duration::from_secs(240);

/// Looks all the time; the number of looks. A moment at which something is missing ends it.
fn watched(deployment: Arc<Deployment>, over: Arc<AtomicBool>) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let (mut ticks, mut looks) = (interval(LOOK), 0);
        while !over.load(Ordering::SeqCst) {
            ticks.tick().await;
            // While the store is held up, control may not answer in time: the next look asks again.
            let Ok(view) = shown(&deployment).await else { continue };
            assert_ne!(view["adds_up"], false, "{view}");
            looks += 1;
        }
        looks
    })
}

/// One record into each partition that no version of Tidegate wrote.
fn write_rubbish(brokers: &str, topic: &str, partitions: u32) {
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("plain options");
    for partition in 0..partitions {
        let partition = i32::try_from(partition).expect("a topic has few partitions");
        let record = BaseRecord::<(), [u8]>::to(topic).payload(b"no record").partition(partition);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    }
    producer.flush(DELIVERS).expect("a broker takes them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_accounted_for_while_persisters_come_and_go() {
    let settings = Settings { persisters: 2, spare_persisters: 1, ..Settings::default() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let over = Arc::new(AtomicBool::new(false));
    let watch = watched(target.deployment(), over.clone());
    let clients = Clients::begin(team, CLIENTS);
    let (brokers, topic) = (Addresses::found().kafka, settings.records_topic());
    for round in 0..3 {
        clients.acknowledge(SOME).await;
        target.servers().named("persist-0").kill();
        let (brokers, topic, partitions) = (brokers.clone(), topic.clone(), settings.partitions);
        let written = tokio::task::spawn_blocking(move || write_rubbish(&brokers, &topic, partitions));
        written.await.expect("the rubbish is taken");
        clients.acknowledge(SOME).await;
        // A member more, and one less: the partitions move twice.
        target.servers().named("persist-0").start().await;
        target.servers().named("persist-2").begin();
        clients.acknowledge(SOME).await;
        let leaves = target.servers().named("persist-2");
        assert!(leaves.stop().await, "round {round}: it does not leave in order:\n{}", leaves.log());
    }
    let load = clients.end().await;
    println!("{}", verdict::check(&load.team, &load.book.all()).await);
    let view = settled(&target).await;
    over.store(true, Ordering::SeqCst);
    let looks = watch.await.expect("all was accounted for at every moment");
    assert!(looks > 10, "{looks} looks are no watch");

    is_sound(&view);
    let log = LogClient::connect(&Addresses::found(), &settings.records_topic(), &settings.group());
    let ends: i64 = log.ends().await.unwrap().iter().sum();
    assert_eq!(total(&view, "accepted"), ends, "{view}");
    assert_eq!(total(&view, "dead"), 3 * i64::from(settings.partitions), "the rubbish, and nothing else: {view}");
    assert_eq!(total(&view, "conflict"), 0, "{view}");
}

/// What waits is in flight, in the view as on the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_in_flight() {
    let settings = Settings::small();
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let untouched = shown(&target).await.unwrap();
    is_sound(&untouched);
    assert_eq!((total(&untouched, "accepted"), &untouched["adds_up"]), (0, &json!(true)));
    assert!(target.servers().named("persist-0").stop().await);
    for _ in 0..20 {
        team.start(&wire::start(&team.run_id(), "a")).await.expect(202);
    }
    eventually(SHOWS, "all of it is in flight", async || {
        let view = shown(&target).await?;
        let holds = total(&view, "accepted") == 20 && total(&view, "in_flight") == 20 && view["adds_up"] == true;
        if holds { Ok(()) } else { Err(view.to_string()) }
    })
    .await;
    target.servers().named("persist-0").start().await;
    let view = settled(&target).await;
    assert_eq!((total(&view, "stored"), total(&view, "accepted")), (20, 20), "{view}");
}

/// The store loses its runs and keeps the accounts: these add up, and the sample names what is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_the_store_has_lost_are_missing_in_the_sample() {
    let settings = Settings::small();
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let runs: Vec<String> = (0..5).map(|_| team.run_id()).collect();
    for run in &runs {
        team.start(&wire::start(run, "a")).await.expect(202);
        team.batch(run, &[wire::log_event(&team.event_id())]).await.expect(202);
    }
    settled(&target).await;
    let sampled = async |what: &str, says: fn(&Value) -> bool| {
        let looked = async || {
            let view = shown(&target).await?;
            if says(&view) { Ok(view) } else { Err(view.to_string()) }
        };
        eventually(SAMPLES, what, looked).await
    };
    let found = sampled("all is found", |view| view["sample"]["looked_up"] == 10).await;
    assert_eq!((&found["adds_up"], &found["sample"]["missing"]), (&json!(true), &json!([])), "{found}");

    let cql = Rows::connect(&Addresses::found().cql).await.unwrap();
    cql.execute(&format!("TRUNCATE {}.runs", settings.keyspace())).await.unwrap();
    let lost = sampled("the loss is told", |view| view["adds_up"] == false).await;
    let missing = lost["sample"]["missing"].as_array().unwrap();
    let is_ours = |one: &Value| runs.iter().any(|run| one["run"] == **run);
    assert!(!missing.is_empty() && missing.iter().all(is_ours), "{lost}");
    assert_eq!((total(&lost, "difference"), total(&lost, "stored")), (0, 10), "{lost}");
}
