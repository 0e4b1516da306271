//! An agent that fails and recovers again and again.

use serde_json::json;

use crate::stage::Stage;

/// AC-61, AC-69: ten changes within an hour are one flapping message after those of the first six; then there is
/// silence until it is stable, and what is open then is said. No recovery comes before its alert.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_69_flapping_is_said_once() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    let ops = crew.serves(&stage, &["ops"]).await;
    let mut statuses: Vec<&str> = Vec::new();
    for change in 0..11 {
        let fails = change % 2 == 0;
        crew.report("job", json!({"status": if fails { "fail" } else { "ok" }})).await;
        if fails {
            statuses.insert(0, "open");
        } else {
            statuses[0] = "resolved";
        }
        // The next change is another one only once this one is judged.
        crew.incidents_are("job", &statuses).await;
    }
    let three_and_flapping = ["firing sent"; 3].into_iter().chain(["flapping sent"]).chain(["resolved sent"; 3]);
    crew.edges_are(&ops, "job", &three_and_flapping.collect::<Vec<_>>()).await;
    stage.message("/ops", Some("job"), "incident.flapping").await;
    stage.to("13:30").await;
    // The sixth incident is open, and nothing was said of it so far.
    let open = crew.incidents_are("job", &statuses).await.remove(0);
    let fired = stage.nth_message("/ops", Some("job"), "run.failed", 3).await;
    assert_eq!(fired["incident_id"], open["id"]);
    let with_the_last = ["firing sent"; 4].into_iter().chain(["flapping sent"]).chain(["resolved sent"; 3]);
    crew.edges_are(&ops, "job", &with_the_last.collect::<Vec<_>>()).await;
    let messages = stage.messages("/ops");
    for recovered in messages.iter().filter(|body| body["status"] == "resolved") {
        let of_incident = messages.iter().filter(|body| body["incident_id"] == recovered["incident_id"]);
        let statuses: Vec<_> = of_incident.map(|body| &body["status"]).collect();
        assert_eq!(statuses, [&json!("firing"), &json!("resolved")], "AC-61");
    }
}
