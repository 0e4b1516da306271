//! Persisters are stopped: the front door sheds at the configured line, says when to come back, and does so itself.

use std::time::Duration;

use serde_json::json;
use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::verdict;
use tidegate_tests::stack::{Lines, Settings};
use tidegate_tests::{Answer, Client, Plan, Target, Team, eventually, wire};

use crate::BINARY;

const LINES: Lines = Lines { leave: 20, enter: 60, full: 61 };
const CLIENTS: u64 = 2;
/// For a reading of the lag to come in, and for what follows from it.
const SEEN: Duration = Duration::from_secs(60);

fn lag_is(told: &str, ok: bool, records: u64) -> Result<(), String> {
    if ok { Ok(()) } else { Err(format!("{records} records, {told}")) }
}

/// Refused as overload: everybody's, with a time to come back.
#[track_caller]
fn shed(answer: Answer) {
    let answer = answer.refused(503, "unavailable", None);
    assert!(answer.retry_after_s() >= 1, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag_sheds_and_nothing_is_lost() {
    let settings = Settings { shed_records: Some(LINES), ..Settings::small() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    team.stored_run(&opened(&team).await).await;
    target.at_rest().await;
    let (door, persister) = (target.servers().named("ingest-0"), target.servers().named("persist-0"));
    assert!(persister.stop().await, "{}", persister.log());

    // Lag grows, and below the line nothing is refused.
    let mut waiting = Vec::new();
    for _ in 0..LINES.enter - 10 {
        waiting.push(opened(&team).await);
    }
    eventually(SEEN, "the lag is read", async || {
        let records = door_lag(door.ops()).await;
        lag_is("and the doors are open", records == LINES.enter - 10, records)
    })
    .await;
    for _ in 0..10 {
        waiting.push(opened(&team).await);
    }

    // At the line everybody is refused, whatever they bring, and the instance stays ready: it is busy, not broken.
    let start = async || team.start(&wire::start(&team.run_id(), "late")).await;
    let apart = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let clients = Clients::begin(apart, CLIENTS);
    let refused = eventually(SEEN, "the front door sheds", async || match start().await {
        answer if answer.status == 503 => Ok(answer),
        answer => Err(answer.expect(202).json()["id"].to_string()),
    })
    .await;
    shed(refused);
    assert!(door_lag(door.ops()).await >= LINES.enter, "shed below the line");
    eventually(SEEN, "everything is shed", async || {
        let records = door_lag(door.ops()).await;
        lag_is("below the line from which on all is shed", records >= LINES.full, records)
    })
    .await;
    shed(start().await);
    shed(team.batch(&waiting[0], &[wire::log_event(&team.event_id())]).await);
    shed(team.finish(&waiting[0], &wire::finish()).await);
    shed(team.heartbeat(&json!({"agent": "late"})).await);
    let ping = team.ping(&[("agent", "late")]).await.expect(503);
    assert!(ping.retry_after_s() >= 1 && ping.text().starts_with("unavailable "), "{ping}");
    Client::default().get(&format!("{}/readyz", door.ops())).send().await.expect(200);

    // They catch up, and the front door opens by itself.
    persister.start().await;
    eventually(SEEN, "the front door takes requests again", async || match start().await {
        answer if answer.status == 503 => Err(answer.to_string()),
        answer => Ok(answer.expect(202)),
    })
    .await;
    clients.acknowledge(20).await;
    let load = clients.end().await;
    println!("{}", verdict::check(&load.team, &load.book.all()).await);
    for run in &waiting {
        team.stored_run(run).await;
    }
    target.at_rest().await;
    opened(&team).await;
}

/// The id of a run that was just accepted.
async fn opened(team: &Team) -> String {
    let run = team.run_id();
    team.start(&wire::start(&run, "a")).await.expect(202);
    run
}

async fn door_lag(ops: &str) -> u64 {
    tidegate_tests::deployment::metrics_of(ops).await.sum("tidegate_lag_records", &[])
}
