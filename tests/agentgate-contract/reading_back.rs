//! Whoever has an answer finds what it made, at any front door, however busy the deployment is.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use tidegate_tests::ids;

use crate::World;
use crate::clients::{answered, clients, insist};
use crate::suite::{Client, git_order};

const ORGANIZATIONS: usize = 4;
const CLIENTS_OF_EACH: usize = 4;
/// Submissions that are read back; `TIDEGATE_TEST_READS` says another number.
const READS: usize = 1_000;
/// A list reads all rows that there are, so every tenth run is looked for in it.
const LISTED: usize = 10;

/// One submission and one cancel at one front door, each read back at another one. What is shed is sent again; what is read
/// is right at once.
async fn once(doors: &[Client], writer: usize, lists: bool) {
    let (at, reader) = (&doors[writer % doors.len()], &doors[(writer + 1) % doors.len()]);
    let read = async |path: &str| answered("a read", async || reader.get(path).await).await.expect(200).json();
    let run = insist(doors, writer, &ids::nonce(), &git_order()).await["runId"].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}");
    let found = read(&path).await;
    assert_eq!(found["status"], "pending", "{found}");
    let order = read(&format!("/v1/work-orders/{}", found["workOrderId"].as_str().unwrap())).await;
    assert_eq!(order["runId"], run.as_str());
    if lists {
        let listed = read("/v1/runs?limit=100&status=pending").await;
        assert!(listed["data"].as_array().unwrap().iter().any(|one| one["id"] == run.as_str()), "{run}: {listed}");
    }
    let cancel = format!("{path}/cancel");
    let cancelled = answered("a cancel", async || at.post(&cancel, &json!({})).await).await;
    // One that was not answered in time may have been carried out.
    assert!(matches!(cancelled.status.as_u16(), 200 | 400), "{cancelled}");
    assert_eq!(read(&path).await["status"], "cancelled", "{run}");
}

/// AG-11: a GET right after the answer finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_read_at_any_front_door() {
    let said = std::env::var_os("TIDEGATE_TEST_READS").and_then(|number| number.into_string().ok());
    let reads = said.map_or(READS, |number| number.parse().unwrap());
    let world = World::start().await;
    let begun = AtomicUsize::new(0);
    let mut working = Vec::new();
    for _ in 0..ORGANIZATIONS {
        let (_, doors) = clients(&world).await;
        for number in 0..CLIENTS_OF_EACH {
            let (doors, begun) = (doors.clone(), &begun);
            working.push(async move {
                loop {
                    let at = begun.fetch_add(1, Ordering::Relaxed);
                    if at >= reads {
                        return;
                    }
                    once(&doors, number, at.is_multiple_of(LISTED)).await;
                }
            });
        }
    }
    join_all(working).await;
}
