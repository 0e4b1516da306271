//! A configuration of one region on the keyspace of another.

use crate::place::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_and_command_refuses_a_keyspace_of_another_region() {
    let place = Place::new();
    place.done(&["migrate"]).await;
    place.done(&["topics", "create"]).await;
    let keyspace = place.settings.keyspace();
    let us = place.file_with("region = \"eu\"", "region = \"us\"");
    let any_port = ["--ops-listen", "127.0.0.1:0"];
    for line in [
        "ingest --listen 127.0.0.1:0",
        "persist",
        "control --listen 127.0.0.1:0",
        "migrate",
        "migrate --dry-run",
        "topics create",
        "topics check",
        "teams create acme --plan team",
        "teams list",
        "agents list --team acme",
        "agents archive --team acme nightly",
        "keys list",
        "tokens list",
        "rates list",
        "replay --from 2026-05-15T14:00:00Z",
        "rebuild --into never_made",
        "compare --with never_made",
    ] {
        let mut words: Vec<&str> = line.split(' ').collect();
        if ["ingest", "persist", "control"].contains(&words[0]) {
            words.extend(any_port);
        }
        let ended = place.run_on(&us, &words).await;
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
        let told = format!("keyspace '{keyspace}' holds data of region 'eu', not 'us'");
        assert!(ended.err.contains(&told), "{line}: {ended:?}");
        assert!(ended.err.contains("--region") && ended.err.contains("scylla.keyspace"), "{line}: {ended:?}");
    }
    // Its own region continues.
    place.done(&["teams", "list"]).await;
}
