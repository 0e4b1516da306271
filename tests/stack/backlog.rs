//! Persisters are stopped: the front door sheds at the configured line, bulk first, says why and when to come back, and
//! opens by itself.

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

/// Refused as overload: requests of every team, with a time to come back.
#[track_caller]
fn shed(answer: Answer) {
    let answer = answer.refused(503, "unavailable", None);
    assert!((1..=91).contains(&answer.retry_after_s()), "{answer}");
    let body = answer.json();
    assert!(body["cause"] == "records" && body["class"].is_string(), "{answer}");
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

    // At the threshold every request is refused, whatever its class, and the instance stays ready: it is busy, not broken.
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

/// A quarter of the way to the last line all events are shed and no start is yet.
const WIDE: Lines = Lines { leave: 20, enter: 40, full: 1_640 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_shed_while_heartbeats_are_taken() {
    let settings = Settings { shed_records: Some(WIDE), ..Settings::small() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = opened(&team).await;
    team.stored_run(&run).await;
    target.at_rest().await;
    let (door, persister) = (target.servers().named("ingest-0"), target.servers().named("persist-0"));
    assert!(persister.stop().await, "{}", persister.log());

    // Half of the events are shed here, and nothing else.
    let mut beats = Vec::new();
    for _ in 0..240 {
        let told = team.heartbeat(&json!({"agent": "a"})).await.expect(202).json();
        beats.push(told["id"].as_str().expect("an id").to_owned());
    }
    eventually(SEEN, "the lag is read", async || {
        let records = door_lag(door.ops()).await;
        lag_is("of 240", records >= 240, records)
    })
    .await;
    let (mut taken, mut refused) = (Vec::new(), 0);
    for _ in 0..40 {
        let event = team.event_id();
        match team.batch(&run, &[wire::log_event(&event)]).await {
            answer if answer.status == 503 => {
                let body = answer.json();
                assert_eq!((&body["cause"], &body["class"]), (&json!("records"), &json!("events")), "{answer}");
                shed(answer);
                refused += 1;
            }
            answer => {
                answer.expect(202);
                taken.push(event);
            }
        }
        let told = team.heartbeat(&json!({"agent": "a"})).await.expect(202).json();
        beats.push(told["id"].as_str().expect("an id").to_owned());
    }
    assert!(refused > 5 && taken.len() > 5, "{refused} events refused, {} taken", taken.len());
    let late = opened(&team).await;
    team.finish(&late, &wire::finish()).await.expect(202);
    Client::default().get(&format!("{}/readyz", door.ops())).send().await.expect(200);
    let counted = tidegate_tests::deployment::metrics_of(door.ops()).await;
    assert_eq!(counted.sum("tidegate_shed_total", &[("class", "events"), ("cause", "records")]), refused);
    assert_eq!(counted.sum("tidegate_shed_total", &[]), refused);

    // The persister is back, all that was taken is stored, and events are taken again.
    persister.start().await;
    eventually(SEEN, "no consumer is behind", async || {
        let records = door_lag(door.ops()).await;
        lag_is("and shedding goes on", records < WIDE.leave, records)
    })
    .await;
    for _ in 0..10 {
        let event = team.event_id();
        team.batch(&run, &[wire::log_event(&event)]).await.expect(202);
        taken.push(event);
    }
    team.run_with_events(&run, taken.len()).await;
    for beat in &beats {
        team.stored_run(beat).await;
    }
    team.closed_run(&late).await;
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
