//! The same on a data folder, which a replay has to itself.

use serde_json::{Value, json};
use tidegate_tests::process::Extra;
use tidegate_tests::{Plan, Target, Team, clock};

use super::finished_run;
use super::under_way::UnderWay;
use crate::BINARY;
use crate::place::run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_running_service_it_is_refused_and_without_one_it_works() {
    let from = clock::iso(clock::now_ms() - clock::MINUTE_MS);
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let runs = [finished_run(&team, "nightly").await, finished_run(&team, "hourly").await];
    let read = async || {
        let mut all = vec![team.read("/v1/usage").await.expect(200).json()];
        for run in &runs {
            all.push(team.closed_run(run).await);
        }
        all
    };
    // Both runs whole: a start, an event and a finish each.
    team.usage_is(6).await;
    let before = read().await;
    let (data, folder) = (target.data_folder().display().to_string(), tempfile::tempdir().unwrap());
    let replay = async |words: &[&str]| {
        UnderWay::begin(folder.path(), &[&["replay"], words, &["--data", &data]].concat()).end().await
    };
    let report = async |words: &[&str]| -> Value {
        let (code, out, err) = replay(&[words, &["--json"]].concat()).await;
        assert_eq!(code, Some(0), "{words:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?} printed no JSON ({error}): {out}"))
    };

    let (code, out, err) = replay(&["--from", &from]).await;
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains(&data) && err.contains("stop"), "the way out is told: {err}");
    assert_eq!(read().await, before);

    assert!(target.stop().await, "{}", target.log());
    let told = report(&["--from", &from, "--dry-run"]).await;
    assert_eq!((&told["would_add"]["total"], &told["would_change_nothing"]["total"]), (&json!(0), &json!(6)), "{told}");
    for round in 0..2 {
        let told = report(&["--from", &from]).await;
        assert_eq!(
            (&told["appended"]["total"], &told["passed_over"]["replays"]),
            (&json!(6), &json!(round * 6)),
            "{told}"
        );
    }
    let told = report(&["--from", &from, "--agent", "hourly"]).await;
    assert_eq!(told["appended"]["total"], 3, "{told}");
    let told = report(&["--dead-letters"]).await;
    assert_eq!((&told["total"], &told["whole"]), (&json!(0), &json!(true)), "{told}");
    let lag: Value = serde_json::from_str(&run(&["lag", "--json", "--data", &data], &[]).await.out).unwrap();
    assert_eq!(lag["records"], 0, "it applied what it appended before it ended");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "its output and its complaints, and no progress file");

    target.start().await;
    assert_eq!(read().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere").display().to_string();
    for (words, code, told) in [
        (&["--from", "2026-05-15T14:00:00Z"][..], 1, "has no data yet"),
        (&["--from", "2026-05-15T14:00:00Z", "--to", "2026-05-15T13:00:00Z"], 1, "has no data yet"),
        (&[], 2, "--from"),
        (&["--from", "yesterday"], 2, "RFC 3339"),
        (&["--offsets", "3"], 2, "PARTITION:FROM-TO"),
        (&["--dead-letters", "--from", "2026-05-15T14:00:00Z"], 2, "cannot be used with"),
        (&["--dead-letters", "--kind", "ping"], 2, "start, events, finish, heartbeat"),
        (&["--dead-letters", "--rate", "0"], 2, "0 is not in 1.."),
    ] {
        let ended = run(&[&["replay"], words, &["--data", &nowhere]].concat(), &[]).await;
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        assert!(ended.err.contains(told), "{words:?}: {ended:?}");
    }
    assert!(!std::path::Path::new(&nowhere).exists(), "a folder was made");
}
