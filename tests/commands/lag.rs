//! `lag`: before there is a log, on a backlog, while it falls, and while a service runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use tidegate_tests::external::without_own_variables;
use tidegate_tests::process::Extra;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::place::{Place, run};
use crate::{BINARY, PATIENCE, foreign};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

fn partition(lag: &Value, number: usize) -> &Value {
    let one = &lag["partitions"][number];
    assert_eq!(one["partition"], number, "in their order: {lag}");
    one
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_told_by_partition_and_watched_until_the_reader_leaves() {
    let place = Place::new();
    let (topic, group) = (place.settings.records_topic(), place.settings.group());
    let unmade = place.run(&["lag"]).await;
    assert_eq!(unmade.code, Some(1), "{unmade:?}");
    assert!(unmade.err.contains("tidegate topics create") && unmade.err.contains(&group), "{unmade:?}");

    place.done(&["topics", "create"]).await;
    let empty = json(&place.done(&["lag", "--json"]).await);
    assert_eq!((&empty["records"], &empty["age_ms"], &empty["group"]), (&0.into(), &Value::Null, &group.into()));
    assert_eq!(empty["partitions"].as_array().map(Vec::len), Some(6));

    (0..10).for_each(|_| foreign::append(&topic, 2, b"k", &[], b"x"));
    foreign::append(&topic, 5, b"k", &[], b"x");
    foreign::commit(&place.settings.group(), &topic, 2, 4);
    let lag = json(&place.done(&["lag", "--json"]).await);
    assert_eq!(lag["records"], 7, "{lag}");
    let two = partition(&lag, 2);
    assert_eq!([&two["first"], &two["next"], &two["end"], &two["records"]], [0, 4, 10, 6]);
    assert!(two["age_ms"].is_u64() && two["oldest_appended_at"].is_string() && lag["age_ms"].is_u64(), "{lag}");
    assert_eq!(
        [&partition(&lag, 5)["next"], &partition(&lag, 5)["records"], &partition(&lag, 0)["records"]],
        [0, 1, 0]
    );

    let told = place.done(&["lag"]).await;
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let line = |first: &str| told.lines().map(cells).find(|cells| cells[0] == first).expect(first);
    assert_eq!(line("PARTITION")[..5], ["PARTITION", "FIRST", "NEXT", "END", "LAG"]);
    assert_eq!(line("2")[..5], ["2", "0", "4", "10", "6"], "{told}");
    assert_eq!(line("all")[..2], ["all", "7"], "{told}");

    let mut command = Command::new(BINARY);
    without_own_variables(&mut command);
    let file = place.file.display().to_string();
    command.args(["lag", "--watch", "--every-s", "1", "--json", "--config", &file]).stdout(Stdio::piped());
    let watched = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut next = || json(&lines.next().expect("a line").expect("text"));
        let before = next();
        foreign::commit(&group_of(&before), &topic, 2, 10);
        let after = loop {
            let one = next();
            if one["records"] == 1 {
                break one;
            }
        };
        // The pipe has no reader: it ends by itself, with the next reading or the one after.
        drop(lines);
        (before, after, child.wait().expect("it ends"))
    });
    let (before, after, ended) = watched.await.expect("it is watched");
    assert_eq!((&before["records"], &before["applied_per_s"]), (&7.into(), &Value::Null), "one reading has no pace");
    assert!(after["applied_per_s"].is_number() && after["appended_per_s"].is_number(), "{after}");
    assert_eq!(after["notes"], Value::Array(vec![]));
    assert!(ended.success(), "{ended:?}");
}

fn group_of(lag: &Value) -> String {
    lag["group"].as_str().expect("the group").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_read_beside_its_service_and_without_one() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    for beat in 0..8 {
        team.heartbeat(&serde_json::json!({"agent": format!("a{beat}")})).await.expect(202);
    }
    let read = async || {
        let (ok, out, err) = target.try_manage(&["lag"]).await;
        assert!(ok, "{err}");
        json(&out)
    };
    eventually(PATIENCE, "all is applied", async || match read().await {
        lag if lag["records"] == 0 => Ok(()),
        lag => Err(lag.to_string()),
    })
    .await;
    let lag = read().await;
    let ends = lag["partitions"].as_array().expect("partitions").iter().filter_map(|one| one["end"].as_i64());
    assert_eq!((ends.sum::<i64>(), &lag["group"]), (8, &"persister".into()), "{lag}");
    assert!(target.stop().await, "{}", target.log());
    assert_eq!(read().await["partitions"], lag["partitions"], "the same without the service");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_without_a_log_is_named_and_not_made() {
    let place = Place::new();
    let data = place.data();
    for words in [&["lag"][..], &["dead-letters", "list"], &["dead-letters", "show", "1/0/0"]] {
        let ended = run(&[words, &["--data", &data]].concat(), &[]).await;
        assert!(ended.code == Some(1) && ended.err.contains(&data), "{words:?}: {ended:?}");
        assert!(!std::path::Path::new(&data).exists(), "{words:?} made a folder");
        let both = place.run(&[words, &["--data", &data]].concat()).await;
        assert!(both.code == Some(1) && both.err.contains("either one data folder or these servers"), "{both:?}");
        // Only the store is named: the log is what is missing.
        let half = run(words, &[("TIDEGATE_SCYLLA__NODES", "127.0.0.1:1")]).await;
        assert!(half.code == Some(1) && half.err.contains("kafka.brokers is not set"), "{half:?}");
    }
    // A folder that teams were made in, and no service was ever started on, has an empty log.
    run(&["teams", "create", "acme", "--plan", "team", "--data", &data], &[]).await;
    let lag = run(&["lag", "--json", "--data", &data], &[]).await;
    assert_eq!((lag.code, &json(&lag.out)["records"]), (Some(0), &0.into()), "{lag:?}");
    let letters = run(&["dead-letters", "list", "--json", "--data", &data], &[]).await;
    assert_eq!((letters.code, letters.out.trim()), (Some(0), "[]"), "{letters:?}");
}
