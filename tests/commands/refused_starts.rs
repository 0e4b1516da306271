//! Roles that cannot start say why and how to continue; what may come later is waited for.

use tidegate_tests::process::free_ports;
use tidegate_tests::stack::Settings;
use tidegate_tests::{Plan, Target, Team};

use crate::BINARY;
use crate::place::Place;

const ANY_PORT: [&str; 2] = ["--ops-listen", "127.0.0.1:0"];

fn role(name: &str) -> Vec<&str> {
    let listening: &[&str] = if name == "persist" { &[] } else { &["--listen", "127.0.0.1:0"] };
    [&[name], listening, &ANY_PORT].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_topics_or_an_old_schema_end_the_start_at_once() {
    let place = Place::new();
    for name in ["ingest", "persist", "control"] {
        let ended = place.run(&role(name)).await;
        assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
        let told = ["tidegate migrate", "tidegate topics create"];
        assert!(told.iter().any(|way_out| ended.err.contains(way_out)), "{name}: {ended:?}");
    }
    place.done(&["migrate"]).await;
    for name in ["ingest", "persist"] {
        let ended = place.run(&role(name)).await;
        assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
        let topic = place.settings.records_topic();
        let told = format!("{topic} does not exist: run `tidegate topics create`");
        assert!(ended.err.contains(&told), "{name}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_not_there_are_waited_for_and_then_named() {
    let place = Place::new();
    place.done(&["migrate"]).await;
    let [port] = free_ports();
    let closed = format!("127.0.0.1:{port}");
    let stack = tidegate_tests::stack::Addresses::found();
    let impatient = place.impatient_file(10_000);
    let patched = |of: &str, text: &str| {
        let said = std::fs::read_to_string(&impatient).unwrap();
        assert!(said.contains(text), "{said}");
        let file = impatient.with_file_name(format!("without-{of}.toml"));
        std::fs::write(&file, said.replace(text, &closed)).unwrap();
        file
    };
    let (no_kafka, no_store) = (patched("kafka", &stack.kafka), patched("store", &stack.cql));
    for (file, names, what) in [
        (&no_kafka, &["ingest", "persist"][..], format!("gave up on Kafka at {closed} after start_timeout_ms = 10000")),
        (&no_store, &["control"], format!("gave up on the store at {closed} after start_timeout_ms = 10000")),
    ] {
        for name in names {
            let ended = place.run_on(file, &role(name)).await;
            assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
            assert!(ended.err.contains(&what), "{name}: {ended:?}");
            assert!(ended.err.contains("waiting"), "no progress was told: {ended:?}");
        }
    }
    let topics = place.run_on(&no_kafka, &["topics", "check"]).await;
    assert!(topics.code == Some(1) && topics.err.contains("gave up on Kafka"), "{topics:?}");
}

/// A gate that is down is a case of its own in every request, and none of the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_front_door_starts_without_redis() {
    let [port] = free_ports();
    let settings = Settings { redis_url: Some(format!("redis://127.0.0.1:{port}")), ..Settings::small() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    Team::create(target.deployment(), Plan::UNLIMITED).await;
    assert!(target.stop().await, "{}", target.log());
    for told in ["starting a front door", "starting a persister", "starting the read API", "stopping in order"] {
        assert!(target.log().contains(told), "'{told}' is not in {}", target.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_takes_a_new_keyspace_only() {
    let place = Place::new();
    place.done(&["migrate"]).await;
    place.done(&["topics", "create"]).await;
    let live = place.settings.keyspace();
    for (into, told) in [(live.as_str(), "is the live keyspace"), ("Not-A-Name", "names no keyspace")] {
        let ended = place.run(&["rebuild", "--into", into]).await;
        assert!(ended.code == Some(1) && ended.err.contains(told), "{ended:?}");
    }
    let same = place.run(&["compare", "--with", &live]).await;
    assert!(same.code == Some(1) && same.err.contains("the very keyspace"), "{same:?}");
    // An empty log is rebuilt at once, and equal.
    let again = format!("{live}_again");
    let told = place.done(&["rebuild", "--into", &again]).await;
    assert!(told.contains("0 of 0 records (100 %)") && told.contains("done"), "{told}");
    let told = place.done(&["compare", "--with", &again]).await;
    assert!(told.contains("are equal"), "{told}");
}
