//! Rates and concurrent runs.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::submitting::is_time;
use super::{Answer, Client, Limited, another, git_order, with, worker};

#[expect(clippy::disallowed_methods, reason = "what the front door says of the time is compared with the machine's")]
fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The headers of a good answer.
fn rate(answer: &Answer) -> (i64, i64, i64) {
    let number = |name: &str| answer.number(&format!("x-ratelimit-{name}"));
    (number("limit"), number("remaining"), number("reset"))
}

/// What a refusal says of the limit agrees with itself, and with when it was made.
async fn limited(asking: impl Future<Output = Answer>, limit: i64) {
    let before = now_s();
    let (answer, after) = (asking.await, now_s());
    let (of, remaining, reset) = rate(&answer);
    assert_eq!((of, remaining), (limit, 0), "{answer}");
    let retry_after = answer.number("retry-after");
    assert!((1..=60).contains(&retry_after), "{answer}");
    assert!((before - 2..=after + 2).contains(&(reset - retry_after)), "{answer}");
    let details = answer.refused(429, "RATE_LIMITED");
    assert_eq!((&details["limit"], &details["remaining"]), (&json!(limit), &json!(0)));
    assert!(is_time(&details["resetAt"]));
    assert_eq!(seconds(&details["resetAt"]), reset);
}

/// Unix seconds of an ISO 8601 time in UTC.
fn seconds(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    let part = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let (year, month) = if month <= 2 { (year - 1, month + 12) } else { (year, month) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719_469;
    days * 86_400 + part(11, 13) * 3_600 + part(14, 16) * 60 + part(17, 19)
}

/// AG-25, AG-28, AG-29: the 101st request of a minute is refused; each answer says what is left.
#[tokio::test]
async fn the_101st_request_of_a_minute_is_refused() {
    let (_world, _, client) = with(Limited::DOCUMENTED).await;
    for sent in 1..=100 {
        // A refusal that comes after the limiter counts, too.
        let path = if sent % 2 == 0 { "/v1/runs" } else { "/v1/nothing" };
        let before = now_s();
        let (answer, after) = (client.get(path).await, now_s());
        let (limit, remaining, reset) = rate(&answer);
        assert_eq!((limit, remaining), (100, 100 - sent), "{answer}");
        assert!((before..=after + 61).contains(&reset), "{answer}");
    }
    for path in ["/v1/runs", "/v1/nothing"] {
        limited(client.get(path), 100).await;
    }
    limited(client.submit(&git_order()), 100).await;
}

/// AG-26: the 21st submission of a minute is refused and takes from neither window.
#[tokio::test]
async fn the_21st_submission_of_a_minute_is_refused() {
    let (_world, _, client) = with(Limited { concurrency: 100, included_cents: 100_000, ..Limited::DOCUMENTED }).await;
    for sent in 1..=20 {
        let body = if sent % 5 == 0 { json!({}) } else { git_order() };
        let answer = client.submit(&body).await;
        assert_eq!(rate(&answer).1, 100 - sent, "{answer}");
    }
    for _ in 0..3 {
        limited(client.submit(&git_order()), 20).await;
    }
    assert_eq!(rate(&client.get("/v1/runs").await).1, 79);
}

/// AG-27: the keys of an organization share its limits, and organizations share none.
#[tokio::test]
async fn keys_share_the_limits_of_their_organization() {
    let (world, org, client) = with(Limited::DOCUMENTED).await;
    let (_, key) = world.key(&org, &["runs:read"]).await;
    let colleague = Client::new(world.url(), &key);
    assert_eq!(rate(&client.get("/v1/runs").await).1, 99);
    assert_eq!(rate(&colleague.get("/v1/runs").await).1, 98);
    assert_eq!(rate(&client.get("/v1/runs").await).1, 97);
    let (_, stranger) = another(&world, Limited::DOCUMENTED).await;
    assert_eq!(rate(&stranger.get("/v1/runs").await).1, 99);
}

/// AG-30: ten runs at a time, pending ones too; one that ends or is cancelled frees its slot.
#[tokio::test]
async fn ten_runs_at_a_time() {
    let (world, org, client) = with(Limited { included_cents: 100_000, ..Limited::default() }).await;
    let worker = worker(&world, &org).await;
    let mut last = String::new();
    for _ in 0..10 {
        last = client.run().await;
    }
    let answer = client.submit(&git_order()).await;
    assert_eq!(answer.number("retry-after"), 30);
    rate(&answer);
    let details = answer.refused(429, "CONCURRENT_LIMIT");
    assert_eq!(details, json!({ "limit": 10, "current": 10 }));
    client.post(&format!("/v1/runs/{last}/cancel"), &json!({})).await.expect(200);
    client.run().await;
    client.submit(&git_order()).await.refused(429, "CONCURRENT_LIMIT");
    let lease = worker.post("/worker/v1/leases", &json!({ "worker": "w" })).await.expect(200).json();
    client.submit(&git_order()).await.refused(429, "CONCURRENT_LIMIT");
    let finish = json!({ "token": lease["token"], "status": "succeeded", "iterations": 1 });
    worker.post(&format!("/worker/v1/runs/{}/finish", lease["run"].as_str().unwrap()), &finish).await.expect(200);
    client.run().await;
}

/// Our choice: credits come before slots, because waiting does not add credits.
#[tokio::test]
async fn credits_come_before_slots() {
    let (_world, _, client) = with(Limited { included_cents: 500, concurrency: 1, ..Limited::default() }).await;
    client.run().await;
    client.submit(&git_order()).await.refused(402, "INSUFFICIENT_CREDITS");
}

/// Our choice: ten tests of a webhook in a minute, each webhook for itself.
#[tokio::test]
async fn ten_tests_of_a_webhook_in_a_minute() {
    let (_world, _, client) = with(Limited::default()).await;
    let webhook = json!({ "url": "https://example.com/hook/204", "events": ["run.completed"] });
    let mut paths = Vec::new();
    for _ in 0..2 {
        let made = client.post("/v1/webhooks", &webhook).await.expect(201).json();
        paths.push(format!("/v1/webhooks/{}/test", made["webhook"]["id"].as_str().unwrap()));
    }
    for _ in 0..10 {
        client.post(&paths[0], &json!({})).await.expect(200);
    }
    limited(client.post(&paths[0], &json!({})), 10).await;
    client.post(&paths[1], &json!({})).await.expect(200);
}
