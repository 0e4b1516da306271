//! `migrate` and `topics`: once, again, both at once, and against what is there otherwise.

use crate::place::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_is_made_once_and_again_changes_nothing() {
    let place = Place::new();
    let keyspace = place.settings.keyspace();
    let told = place.done(&["migrate", "--dry-run"]).await;
    assert!(told.contains("would apply") && told.contains("runs") && told.contains("nothing was changed"), "{told}");
    // The dry run made nothing: there is still all to apply, and of two at once each finds the end well.
    let (one, two) = tokio::join!(place.done(&["migrate"]), place.done(&["migrate"]));
    assert!([&one, &two].into_iter().any(|told| told.contains("applied")), "{one}{two}");
    for words in [&["migrate"][..], &["migrate", "--dry-run"]] {
        let told = place.done(words).await;
        assert_eq!(told, format!("keyspace {keyspace} is up to date\n"), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyspace_replicated_otherwise_is_named_with_the_way_out() {
    let place = Place::new();
    place.done(&["migrate"]).await;
    let three = place.file_with("replication = \"1\"", "replication = \"3\"");
    for words in [&["migrate"][..], &["migrate", "--dry-run"]] {
        let ended = place.run_on(&three, words).await;
        assert_eq!(ended.code, Some(1), "{words:?}: {ended:?}");
        let told = format!("keyspace '{}' has replication 1, configured is 3", place.settings.keyspace());
        for part in [told.as_str(), "ALTER KEYSPACE", "nodetool repair", "scylla.replication"] {
            assert!(ended.err.contains(part), "{words:?} does not say '{part}': {ended:?}");
        }
    }
    place.done(&["migrate"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_once_checked_and_never_altered() {
    let place = Place::new();
    let topics = [place.settings.records_topic(), place.settings.dead_letters_topic()];
    let missing = place.run(&["topics", "check"]).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    for topic in &topics {
        let told = format!("{topic} does not exist: run `tidegate topics create`");
        assert!(missing.err.contains(&told), "{missing:?}");
    }
    for word in ["made", "there"] {
        let told = place.done(&["topics", "create"]).await;
        for topic in &topics {
            assert!(told.lines().any(|line| line.starts_with(word) && line.contains(topic)), "{word} {topic}: {told}");
        }
    }
    let told = place.done(&["topics", "check"]).await;
    assert!(told.contains(&format!("{}  6 partitions", topics[0])), "{told}");

    let changed = place.file_with("partitions = 6", "partitions = 7");
    for command in [["topics", "check"], ["topics", "create"]] {
        let other = place.run_on(&changed, &command).await;
        assert_eq!(other.code, Some(1), "{other:?}");
        let told = format!("{} has 6 partitions, configured are 7", topics[0]);
        assert!(other.err.contains(&told) && other.err.contains("kafka.generation"), "{other:?}");
    }
    let still = place.done(&["topics", "check"]).await;
    assert!(still.contains("6 partitions"), "{still}");
}
