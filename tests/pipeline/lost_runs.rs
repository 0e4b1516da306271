//! A store that has lost what was settled: the accounts still add up, and the sample of control says what is not there.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use tidegate_tests::{Plan, Target, Team, eventually, wire};

use crate::PROGRAM;
use crate::conservation::{settled, shown, total};

/// Generous: a sample is taken every ten seconds, and what is missing is looked for twice.
const NOTICES: Duration = Duration::from_secs(180);

/// The store's file, while the service has it open.
fn store(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("store.db")).expect("the store's file opens");
    connection.busy_timeout(Duration::from_secs(90)).expect("a plain setting");
    connection
}

/// The digits of an id, as `hex` has those of its blob.
fn digits(run: &str) -> String {
    run.rsplit('_').next().expect("an id has digits").to_uppercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_gone_from_the_store_is_named_until_it_is_there_again() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let (kept, lost) = (team.run_id(), team.run_id());
    for run in [&kept, &lost] {
        team.start(&wire::start(run, "nightly")).await.expect(202);
        team.batch(run, &[wire::log_event(&team.event_id())]).await.expect(202);
        team.finish(run, &wire::finish()).await.expect(202);
    }
    settled(&target).await;
    let sampled = async |check: fn(&Value) -> bool| {
        let looked = async || {
            let view = shown(&target).await?;
            if check(&view) { Ok(view) } else { Err(view.to_string()) }
        };
        eventually(NOTICES, "the sample says so", looked).await
    };
    let whole = sampled(|view| view["sample"]["looked_up"] == 6).await;
    assert_eq!((&whole["adds_up"], &whole["sample"]["missing"]), (&true.into(), &Value::Array(vec![])));

    let file = store(target.data_folder());
    file.execute_batch(&format!(
        "BEGIN IMMEDIATE; CREATE TABLE away AS SELECT * FROM runs WHERE hex(run) LIKE '%{0}%'; \
         DELETE FROM runs WHERE hex(run) LIKE '%{0}%'; COMMIT",
        digits(&lost)
    ))
    .expect("a run goes away");
    let told = sampled(|view| view["adds_up"] == false).await;
    let missing = told["sample"]["missing"].as_array().expect("a list");
    assert!(!missing.is_empty() && missing.iter().all(|one| one["run"] == lost && one["offset"].is_i64()), "{told}");
    assert_eq!((total(&told, "difference"), total(&told, "stored")), (0, 6), "the accounts know nothing of it: {told}");
    eventually(NOTICES, "metrics and log say so, too", async || {
        let metrics = target.metrics().await;
        let missing = metrics.sum("tidegate_conservation_missing", &[]);
        let sampled = metrics.sum("tidegate_conservation_sampled_total", &[("result", "missing")]);
        let is_told = missing > 0 && sampled > 0 && target.log().contains("not in the store");
        if is_told { Ok(()) } else { Err(format!("{missing} missing, {sampled} sampled so: {}", target.log())) }
    })
    .await;

    file.execute_batch("BEGIN IMMEDIATE; INSERT INTO runs SELECT * FROM away; DROP TABLE away; COMMIT")
        .expect("it comes back");
    let healed = sampled(|view| view["adds_up"] == true).await;
    assert_eq!(healed["sample"]["missing"], Value::Array(vec![]));
    eventually(NOTICES, "nothing is missing by the metrics", async || {
        match target.metrics().await.sum("tidegate_conservation_missing", &[]) {
            0 => Ok(()),
            missing => Err(format!("{missing} missing")),
        }
    })
    .await;
}
