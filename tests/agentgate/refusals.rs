//! Every row of the table of refusals is reached: by a request here, or by a test that brings about what it needs.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{Answer, Client, Limited, another, git_order, one, worker};

const PAGE: &str = include_str!("../../docs/agentgate/status-codes.md");

/// The causes that no request brings about by itself, and the test that shows each.
const NEEDS_A_FAULT: [(&str, &str); 12] = [
    ("shed", "tests/agentgate-contract/behind.rs::what_is_shed_is_never_decided"),
    ("log_refused", "services/agentgate/tests/agentgate_front_door/trouble.rs::what_is_not_decided_has_no_ids"),
    ("store_unavailable", "services/agentgate/tests/agentgate_front_door/trouble.rs::what_is_not_decided_has_no_ids"),
    (
        "limits_unavailable",
        "services/agentgate/tests/agentgate_front_door/trouble.rs::without_a_limiter_nobody_is_let_in",
    ),
    (
        "too_many_in_flight",
        "services/agentgate/tests/agentgate_front_door/refusals.rs::too_many_requests_are_under_way",
    ),
    ("too_many_bytes", "services/agentgate/tests/agentgate_front_door/refusals.rs::too_many_bytes_are_under_way"),
    ("too_many_answers", "services/agentgate/tests/agentgate_front_door/refusals.rs::too_many_answers_are_under_way"),
    (
        "contended",
        "services/agentgate/tests/agentgate_front_door/refusals.rs::what_others_change_and_what_comes_late_is_to_be_tried_again",
    ),
    ("undecided", "services/agentgate/tests/agentgate_front_door/trouble.rs::what_is_not_decided_has_no_ids"),
    (
        "expired",
        "services/agentgate/tests/agentgate_front_door/refusals.rs::what_others_change_and_what_comes_late_is_to_be_tried_again",
    ),
    ("defect", "services/agentgate/tests/agentgate_front_door/trouble.rs::an_unexpected_failure_says_its_requests_id"),
    ("panicked", "services/agentgate/tests/agentgate_front_door/refusals.rs::a_panic_is_a_failure_of_ours"),
];

/// A row of the table: its cause, and what a client sees of it, with `#` for numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    cause: String,
    seen: (String, String, String),
}

fn numberless(text: &str) -> String {
    let mut kept = String::new();
    for letter in text.chars() {
        match letter.is_ascii_digit() {
            true if kept.ends_with('#') => {}
            true => kept.push('#'),
            false => kept.push(letter),
        }
    }
    kept
}

fn rows() -> Vec<Row> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Row> = rows
        .map(|line| {
            let cells: Vec<&str> =
                line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let seen = (cells[2].to_owned(), cells[3].to_owned(), numberless(cells[7]));
            Row { cause: cells[0].to_owned(), seen }
        })
        .collect();
    assert!(rows.len() > 40, "{} rows: the page is read wrongly", rows.len());
    rows
}

/// The row that says what this answer says. A worker's have causes of their own for what clients get, too.
fn row_of(rows: &[Row], answer: &Answer, is_workers: bool) -> Row {
    let error = answer.json()["error"].clone();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let seen = (answer.status.as_u16().to_string(), text("code"), numberless(&text("message")));
    let mut fitting = rows.iter().filter(|row| row.seen == seen && row.cause.starts_with("worker_") == is_workers);
    fitting.next().unwrap_or_else(|| panic!("no row says this: {answer}")).clone()
}

/// What a client is refused, a request for each row.
async fn refused_of_clients(world: &crate::World, org: &str, client: &Client) -> Vec<Answer> {
    let stranger = Client::without_key(world.url());
    let with_header =
        async |value: &str| stranger.send(Method::GET, "/v1/runs", &[("authorization", value)], None).await;
    let mut answers = vec![
        stranger.get("/v1/runs").await,
        with_header("Basic x").await,
        with_header("Bearer org_live_0123456789abcdef").await,
    ];
    let (id, revoked) = world.key(org, &["*"]).await;
    world.revoke(org, &id).await;
    answers.push(Client::new(world.url(), &revoked).submit(&git_order()).await);
    for scopes in [&["runs:read"][..], &[]] {
        let (_, key) = world.key(org, scopes).await;
        answers.push(Client::new(world.url(), &key).submit(&git_order()).await);
    }
    answers.push(client.delete("/v1/templates/python-flask").await);

    let sent = async |headers: &[(&str, &str)], body: &str| {
        client.send(Method::POST, "/v1/work-orders", headers, Some(body.as_bytes().to_vec())).await
    };
    let changed = |name: &str, value: serde_json::Value| {
        let mut order = git_order();
        order[name] = value;
        order.to_string()
    };
    let order = git_order().to_string();
    answers.push(sent(&[], &format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20))).await);
    answers.push(sent(&[("content-type", "text/plain")], &order).await);
    answers.push(sent(&[], "[]").await);
    answers.push(sent(&[], &json!({ "workspaceSource": git_order()["workspaceSource"] }).to_string()).await);
    answers.push(sent(&[], &changed("webhookUrl", json!("/hook"))).await);
    answers.push(sent(&[], &changed("maxIterations", json!(0))).await);
    answers.push(sent(&[], "{}").await);
    answers.push(sent(&[("idempotency-key", "a b")], &order).await);
    sent(&[("idempotency-key", "key")], &changed("maxIterations", json!(1))).await.expect(201);
    answers.push(sent(&[("idempotency-key", "key")], &order).await);

    answers.push(client.get("/v1/nothing").await);
    answers.push(client.get("/v1/runs/run_x").await);
    answers.push(client.get("/v1/work-orders/wo_x").await);
    answers.push(client.get("/v1/webhooks/wh_x").await);
    answers.push(client.get("/v1/templates/x").await);
    let webhook = json!({ "url": "https://example.com/hook", "events": ["run.failed"] });
    let made = join_all((0..101).map(|_| client.post("/v1/webhooks", &webhook))).await;
    answers.extend(made.into_iter().filter(|answer| answer.status != 201));
    answers
}

/// What organizations of other limits are refused.
async fn refused_by_limits(world: &crate::World) -> Vec<Answer> {
    let limited = async |limited: Limited| another(world, limited).await.1.submit(&git_order()).await;
    let mut answers = vec![
        limited(Limited { included_cents: 100, ..Limited::default() }).await,
        limited(Limited { billing: false, ..Limited::default() }).await,
    ];
    let (_, client) = another(world, Limited { concurrency: 1, ..Limited::default() }).await;
    client.run().await;
    answers.push(client.submit(&git_order()).await);
    let (_, client) = another(world, Limited { requests_per_minute: 1, ..Limited::default() }).await;
    client.get("/v1/runs").await.expect(200);
    answers.push(client.get("/v1/runs").await);
    let (org, client) = another(world, Limited::default()).await;
    world.suspend(&org, true).await;
    answers.push(client.submit(&git_order()).await);
    answers
}

/// AG-44: each row of the table is what some request gets.
#[tokio::test]
async fn every_refusal_is_reached() {
    let (world, org, client) = one().await;
    let rows = rows();
    let mut found = BTreeSet::new();
    for answer in refused_of_clients(&world, &org, &client).await.iter().chain(&refused_by_limits(&world).await) {
        found.insert(row_of(&rows, answer, false));
    }

    let worker = worker(&world, &org).await;
    let stranger = Client::new(world.url(), "agw_live_0123456789abcdef");
    let asks = json!({ "worker": "a" });
    let lease = worker.post("/worker/v1/leases", &asks).await.expect(200).json();
    let run = lease["run"].as_str().unwrap();
    let finish = json!({ "token": lease["token"], "status": "succeeded", "iterations": 1 });
    worker.post(&format!("/worker/v1/runs/{run}/finish"), &finish).await.expect(200);
    let ended = client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await;
    found.insert(row_of(&rows, &ended, false));
    let plain = [("content-type", "text/plain")];
    for answer in [
        stranger.post("/worker/v1/leases", &asks).await,
        worker.send(Method::POST, "/worker/v1/leases", &plain, Some(asks.to_string().into_bytes())).await,
        worker.post("/worker/v1/runs/run_x/finish", &finish).await,
    ] {
        found.insert(row_of(&rows, &answer, true));
    }
    let stale = json!({ "token": 9, "iterations": 1 });
    let stale = worker.post(&format!("/worker/v1/runs/{run}/progress"), &stale).await;
    found.insert(row_of(&rows, &stale, false));

    let needs_a_fault = |row: &&Row| NEEDS_A_FAULT.iter().any(|(cause, _)| *cause == row.cause);
    let (shown_elsewhere, here): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(needs_a_fault);
    assert_eq!(shown_elsewhere.len(), NEEDS_A_FAULT.len(), "{shown_elsewhere:?}");
    let missing: Vec<&Row> = here.into_iter().filter(|row| !found.contains(row)).collect();
    assert!(missing.is_empty(), "rows that no request here gets: {missing:#?}");
}

/// Our choice: where a fault is needed, the test that brings it about is there.
#[test]
fn every_fault_has_its_test() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let root = &root[..root.rfind("/services/").or_else(|| root.rfind("/tests/")).unwrap()];
    for (cause, test) in NEEDS_A_FAULT {
        let (file, name) = test.split_once("::").unwrap();
        let source =
            std::fs::read_to_string(format!("{root}/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("async fn {name}()")), "{cause}: there is no test {test}");
    }
}
