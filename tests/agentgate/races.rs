//! Many at once, at every front door in turn: whatever the order in which they are decided, exactly what fits is accepted.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Client, Limited, git_order, worker};
use crate::World;

const AT_ONCE: usize = 200;
/// Limits that are in no request's way.
const WIDE: Limited = Limited {
    billing: true,
    included_cents: 1_000_000,
    purchased_cents: 0,
    concurrency: 100,
    requests_per_minute: 100_000,
    submissions_per_minute: 100_000,
};

/// A new organization, with one client for each front door.
async fn clients(world: &World, limited: Limited) -> (String, Vec<Client>) {
    let org = world.organization(limited).await;
    let (_, key) = world.key(&org, &["*"]).await;
    (org, world.urls().iter().map(|url| Client::new(url, &key)).collect())
}

/// Submits as often as said, all at once, at each front door in turn.
async fn submit_at_once(clients: &[Client], times: usize, headers: &[(&str, &str)]) -> Vec<Answer> {
    let order = git_order().to_string();
    let sent = clients.iter().cycle().take(times).map(|client| {
        let body = Some(order.clone().into_bytes());
        client.send(Method::POST, "/v1/work-orders", headers, body)
    });
    join_all(sent).await
}

/// The runs of those that were accepted, each of which is another; the others have this refusal. Answers with their details.
#[track_caller]
fn accepted(answers: Vec<Answer>, status: u16, code: &str) -> (BTreeSet<String>, Vec<Value>) {
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    let count = accepted.len();
    let runs: BTreeSet<String> =
        accepted.iter().map(|answer| answer.json()["runId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(runs.len(), count, "two submissions have one run");
    (runs, refused.into_iter().map(|answer| answer.refused(status, code)).collect())
}

/// Every run there is, and no other, as each front door lists them.
async fn are_all(clients: &[Client], runs: &BTreeSet<String>) {
    for client in clients {
        let listed = client.get("/v1/runs?limit=100").await.expect(200).json();
        let ids = listed["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned());
        assert_eq!((ids.collect::<BTreeSet<_>>(), &listed["total"]), (runs.clone(), &json!(runs.len())));
    }
}

/// AG-22, AG-24: of 200 at once, a balance for seven makes seven runs; the rest learn what was left.
#[tokio::test]
async fn a_balance_for_seven_makes_seven_runs() {
    let world = World::start().await;
    let limited = Limited { included_cents: 3_000, purchased_cents: 700, ..WIDE };
    let (_, clients) = clients(&world, limited).await;
    let (mut runs, refused) = accepted(submit_at_once(&clients, AT_ONCE, &[]).await, 402, "INSUFFICIENT_CREDITS");
    assert_eq!((runs.len(), refused.len()), (7, 193));
    assert!(refused.iter().all(|details| details["available"] == 200 && details["required"] == 500), "{refused:?}");
    are_all(&clients, &runs).await;
    // One that is cancelled makes room for one.
    let cancelled = runs.first().unwrap();
    clients[0].post(&format!("/v1/runs/{cancelled}/cancel"), &json!({})).await.expect(200);
    let (more, refused) = accepted(submit_at_once(&clients, 20, &[]).await, 402, "INSUFFICIENT_CREDITS");
    assert_eq!((more.len(), refused.len()), (1, 19));
    runs.extend(more);
    are_all(&clients, &runs).await;
    assert_eq!(clients[0].get("/v1/credits").await.json()["totalCreditsCents"], 3_700);
}

/// AG-30: of 200 at once, a limit of ten makes ten runs.
#[tokio::test]
async fn a_limit_of_ten_makes_ten_runs() {
    let world = World::start().await;
    let (_, clients) = clients(&world, Limited { concurrency: 10, ..WIDE }).await;
    let (runs, refused) = accepted(submit_at_once(&clients, AT_ONCE, &[]).await, 429, "CONCURRENT_LIMIT");
    assert_eq!((runs.len(), refused.len()), (10, 190));
    assert!(refused.iter().all(|details| *details == json!({ "limit": 10, "current": 10 })), "{refused:?}");
    are_all(&clients, &runs).await;
}

/// AG-26: of 200 at once, a window of 20 lets 20 through, whichever front doors they come to.
#[tokio::test]
async fn a_window_of_twenty_lets_twenty_through() {
    let world = World::start().await;
    let (_, clients) = clients(&world, Limited { submissions_per_minute: 20, ..WIDE }).await;
    let (runs, refused) = accepted(submit_at_once(&clients, AT_ONCE, &[]).await, 429, "RATE_LIMITED");
    assert_eq!((runs.len(), refused.len()), (20, 180));
    are_all(&clients, &runs).await;
}

/// AG-42: of many at once exactly one makes a work order.
#[tokio::test]
async fn of_many_at_once_one_makes_a_work_order() {
    let world = World::start().await;
    let (_, clients) = clients(&world, WIDE).await;
    let answers = submit_at_once(&clients, 50, &[("idempotency-key", "key-1")]).await;
    let first = answers[0].json();
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.json() == first));
    let originals = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(originals, 1);
    are_all(&clients, &[first["runId"].as_str().unwrap().to_owned()].into()).await;
}

/// AG-34: of a cancel and a finish at once one comes first, and the run is as that one left it.
#[tokio::test]
async fn a_run_is_cancelled_or_finished_and_never_both() {
    let world = World::start().await;
    let (org, clients) = clients(&world, WIDE).await;
    let worker = worker(&world, &org).await;
    for number in 0..10 {
        let run = clients[0].run().await;
        let lease = worker.post("/worker/v1/leases", &json!({ "worker": run })).await.expect(200).json();
        let finish = json!({ "token": lease["token"], "status": "succeeded", "iterations": 1 });
        let client = &clients[number % clients.len()];
        let (path, none) = (format!("/v1/runs/{run}/cancel"), json!({}));
        let finish_path = format!("/worker/v1/runs/{run}/finish");
        let (cancelled, finished) = tokio::join!(client.post(&path, &none), worker.post(&finish_path, &finish));
        let read = client.get(&format!("/v1/runs/{run}")).await.expect(200).json();
        if cancelled.status == 200 {
            finished.refused(409, "STALE_TOKEN");
            assert_eq!((&read["status"], &read["cost"]["credits"]), (&json!("cancelled"), &json!(0)), "{read}");
        } else {
            cancelled.refused(400, "INVALID_REQUEST");
            finished.expect(200);
            assert_eq!((&read["status"], &read["cost"]["credits"]), (&json!("succeeded"), &json!(50)), "{read}");
        }
    }
}

/// Our choice: of 30 workers that ask at once, no two get one run.
#[tokio::test]
async fn no_two_workers_get_one_run() {
    let world = World::start().await;
    let (org, clients) = clients(&world, WIDE).await;
    let (runs, _) = accepted(submit_at_once(&clients, 10, &[]).await, 429, "CONCURRENT_LIMIT");
    let (_, key) = world.worker_key(Some(&org)).await;
    let workers: Vec<Client> = world.urls().iter().map(|url| Client::new(url, &key)).collect();
    let mut leased = BTreeSet::new();
    for round in 0.. {
        let asked = workers.iter().cycle().take(30).enumerate().map(async |(number, worker)| {
            let name = format!("{round}-{number}");
            worker.post("/worker/v1/leases", &json!({ "worker": name })).await.expect(200).json()
        });
        let leases = join_all(asked).await;
        for lease in leases.iter().filter(|lease| lease.get("run").is_some()) {
            assert_eq!(lease["token"], 1, "{lease}");
            assert!(leased.insert(lease["run"].as_str().unwrap().to_owned()), "twice: {lease}");
        }
        if leased.len() == runs.len() {
            break;
        }
        assert!(round < 20, "{} of {} runs are leased", leased.len(), runs.len());
    }
    assert_eq!(leased, runs);
}
