//! accepted = stored + duplicate + conflict + dead + in flight, as the operations port of control shows it.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_tests::{Client, Deployment, Plan, Target, Team, eventually, wire};

use crate::PROGRAM;

/// Generous: records have to be folded, and metrics are set every ten seconds.
const SETTLES: Duration = Duration::from_secs(120);

/// What control shows; the instance that shows it is control.
///
/// # Errors
/// No instance shows it now.
pub async fn shown(deployment: &Deployment) -> Result<Value, String> {
    let mut told = Vec::new();
    for ops in &deployment.ops {
        match Client::default().get(&format!("{ops}/v1/conservation")).try_send().await {
            Ok(answer) if answer.status == 200 => return Ok(answer.json()),
            Ok(answer) => told.push(answer.to_string()),
            Err(error) => told.push(format!("{ops}: {error}")),
        }
    }
    Err(told.join("\n"))
}

/// Waits until nothing is in flight, and everything adds up.
pub async fn settled(deployment: &Deployment) -> Value {
    eventually(SETTLES, "nothing is in flight, and all is accounted for", async || {
        let view = shown(deployment).await?;
        let holds = view["adds_up"] == true && view["total"]["in_flight"] == 0 && view["total"]["difference"] == 0;
        if holds { Ok(view) } else { Err(view.to_string()) }
    })
    .await
}

/// A number of the total.
#[track_caller]
pub fn total(view: &Value, member: &str) -> i64 {
    view["total"][member].as_i64().unwrap_or_else(|| panic!("no number '{member}' in {view}"))
}

/// The sums of a view are those of its partitions, and each of them adds up by itself.
#[track_caller]
pub fn is_sound(view: &Value) {
    let partitions = view["partitions"].as_array().expect("a list of partitions");
    assert!(!partitions.is_empty() && view["log"]["known"] == true, "{view}");
    let number = |row: &Value, member: &str| row[member].as_i64().unwrap_or_else(|| panic!("no '{member}' in {row}"));
    for row in partitions.iter().chain([&view["total"]]) {
        let known: i64 =
            ["stored", "duplicate", "conflict", "dead", "in_flight"].map(|one| number(row, one)).iter().sum();
        assert_eq!(number(row, "accepted"), known + number(row, "difference"), "{row}");
    }
    for member in ["accepted", "stored", "duplicate", "conflict", "dead", "in_flight", "difference"] {
        let sum: i64 = partitions.iter().map(|row| number(row, member)).sum();
        assert_eq!(sum, total(view, member), "{member} of {view}");
    }
}

/// Traffic of every kind; how many requests were answered with a receipt.
async fn mixed(team: &Team) -> i64 {
    let mut receipts = 0;
    for n in 0..10 {
        let (run, beat) = (team.run_id(), json!({"id": team.run_id(), "agent": "mixed"}));
        let start = wire::start(&run, "mixed");
        let batch = [wire::log_event(&team.event_id()), wire::log_event(&team.event_id())];
        for _ in 0..=n % 3 {
            for answer in [
                team.start(&start).await,
                team.batch(&run, &batch).await,
                team.finish(&run, &wire::finish()).await,
                team.heartbeat(&beat).await,
                team.ping(&[("agent", "mixed")]).await,
                team.start(&wire::with(start.clone(), "agent", json!("other"))).await,
                team.batch(&run, &[]).await,
            ] {
                receipts += i64::from(answer.header("x-tidegate-receipt").is_some());
            }
        }
    }
    receipts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_adds_up_after_mixed_traffic() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let before = settled(&target).await;
    is_sound(&before);
    let receipts = mixed(&team).await;
    assert!(receipts >= 50, "{receipts} records are no traffic");
    let after = settled(&target).await;
    is_sound(&after);
    assert_eq!(total(&after, "accepted") - total(&before, "accepted"), receipts, "one record for each receipt");
    assert_eq!(total(&after, "stored") - total(&before, "stored"), receipts, "the gate let nothing in twice: {after}");

    let name = "tidegate_conservation_records";
    eventually(SETTLES, "the metrics say the same", async || {
        let metrics = target.metrics().await;
        for state in ["accepted", "stored", "duplicate", "conflict", "dead", "in_flight"] {
            let told = metrics.sum(name, &[("state", state)]);
            if i64::try_from(told) != Ok(total(&after, state)) {
                return Err(format!("{state}: {told}, and in {after}"));
            }
        }
        Ok(())
    })
    .await;
    assert_eq!(target.metrics().await.sum("tidegate_conservation_difference", &[]), 0);
}

/// A restart changes no sum: what was settled once is not counted again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_counts_nothing_twice() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let before = settled(&target).await;
    let mut receipts = 0;
    for _ in 0..3 {
        receipts += mixed(&team).await;
        target.kill().await;
        target.start().await;
    }
    let after = settled(&target).await;
    is_sound(&after);
    assert_eq!(total(&after, "accepted") - total(&before, "accepted"), receipts);
    assert_eq!(total(&after, "stored") - total(&before, "stored"), receipts, "{before} and then {after}");
}
