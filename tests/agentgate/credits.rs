//! Credits: what a submission needs, what a run costs, and what the balance was changed by.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::submitting::is_time;
use super::{Client, Limited, git_order, one, with, worker};

fn order(iterations: u32) -> Value {
    let mut order = git_order();
    order["maxIterations"] = json!(iterations);
    order
}

/// AG-22: an estimate above the balance is refused with both figures, and nothing is queued. Equal is enough.
#[tokio::test]
async fn an_estimate_above_the_balance_is_refused() {
    let (_world, _, client) = with(Limited { included_cents: 300, purchased_cents: 200, ..Limited::default() }).await;
    let details = client.submit(&order(11)).await.refused(402, "INSUFFICIENT_CREDITS");
    assert_eq!((&details["estimatedCost"], &details["availableCredits"]), (&json!(550), &json!(500)));
    assert_eq!((&details["required"], &details["available"]), (&json!(550), &json!(500)));
    assert_eq!(client.get("/v1/runs").await.json()["total"], 0);
    client.submit(&order(10)).await.expect(201);
    let details = client.submit(&order(1)).await.refused(402, "INSUFFICIENT_CREDITS");
    assert_eq!(details["availableCredits"], 0);
}

/// AG-23: an organization that cannot be charged.
#[tokio::test]
async fn an_organization_without_billing_is_refused() {
    let (_world, _, client) = with(Limited { billing: false, ..Limited::default() }).await;
    let details = client.submit(&git_order()).await.refused(402, "BILLING_ERROR");
    assert!(details["reason"].is_string());
}

/// AG-24: submissions at the same time never hold more than there is.
#[tokio::test]
async fn submissions_at_once_never_hold_more_than_there_is() {
    let limited = Limited { included_cents: 350, concurrency: 100, ..Limited::default() };
    let (_world, _, client) = with(limited).await;
    let order = order(1);
    let answers = join_all((0..40).map(|_| client.submit(&order))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(accepted, 7);
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 201 | 402)));
    assert_eq!(client.get("/v1/runs").await.json()["total"], 7);
}

/// AG-37: the balance is the sum of both kinds of credits, within a billing cycle.
#[tokio::test]
async fn the_balance_is_the_sum_of_both_kinds() {
    let (_world, _, client) = with(Limited { included_cents: 1_000, purchased_cents: 234, ..Limited::default() }).await;
    let body = client.get("/v1/credits").await.expect(200).json();
    assert_eq!((&body["includedCreditsCents"], &body["purchasedCreditsCents"]), (&json!(1_000), &json!(234)));
    assert_eq!(body["totalCreditsCents"], 1_234);
    assert!(is_time(&body["billingCycleStart"]) && is_time(&body["billingCycleEnd"]), "{body}");
    assert!(body["billingCycleStart"].as_str() < body["billingCycleEnd"].as_str(), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 5);
}

async fn charged(client: &Client, worker: &Client, tenant: &str, iterations: u32) -> String {
    let mut order = git_order();
    order["tenantContext"] = json!({ "tenantId": tenant, "tenantUserId": format!("{tenant}-user") });
    let run = client.submit(&order).await.expect(201).json()["runId"].as_str().unwrap().to_owned();
    let lease = worker.post("/worker/v1/leases", &json!({ "worker": run })).await.expect(200).json();
    let finish = json!({ "token": lease["token"], "status": "succeeded", "iterations": iterations });
    worker.post(&format!("/worker/v1/runs/{run}/finish"), &finish).await.expect(200);
    run
}

/// AG-37: usage is filtered by type, dates and tenant; 50 to a page unless said otherwise.
#[tokio::test]
async fn usage_is_filtered() {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    world.credit(&org, 500).await;
    let run = charged(&client, &worker, "a", 2).await;
    charged(&client, &worker, "b", 1).await;
    let all = client.get("/v1/credits/usage").await.expect(200).json();
    assert_eq!((&all["total"], &all["limit"], &all["offset"]), (&json!(3), &json!(50), &json!(0)));
    let found = |query: &str| {
        let (client, path) = (client.clone(), format!("/v1/credits/usage?{query}"));
        async move { client.get(&path).await.expect(200).json()["transactions"].as_array().unwrap().clone() }
    };
    let of_a = found("tenantId=a&type=deduction").await;
    assert_eq!(of_a.len(), 1);
    assert_eq!((&of_a[0]["runId"], &of_a[0]["amount"]), (&json!(run), &json!(100)));
    assert_eq!((&of_a[0]["tenantId"], &of_a[0]["tenantUserId"]), (&json!("a"), &json!("a-user")));
    assert!(of_a[0]["id"].as_str().unwrap().starts_with("txn_") && is_time(&of_a[0]["createdAt"]));
    assert_eq!(found("tenantUserId=b-user").await.len(), 1);
    assert_eq!(found("type=purchase").await[0]["amount"], 500);
    assert_eq!(found("type=refund").await.len(), 0);
    assert_eq!(found("startDate=2020-01-01&endDate=2020-12-31").await.len(), 0);
    assert_eq!(found("startDate=2020-01-01").await.len(), 3);
    // They may have been made before midnight and after it.
    let made = all["transactions"].as_array().unwrap().iter();
    let mut days: Vec<&str> = made.map(|one| &one["createdAt"].as_str().unwrap()[..10]).collect();
    days.sort_unstable();
    assert_eq!(found(&format!("startDate={}&endDate={}", days[0], days[2])).await.len(), 3);
    let page = found("limit=1&offset=1").await;
    assert_eq!(page[0], all["transactions"][1]);
}

/// Our choice: a run that is cancelled while it is pending costs nothing.
#[tokio::test]
async fn a_run_that_never_began_costs_nothing() {
    let (_world, _, client) = one().await;
    let run = client.run().await;
    client.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await.expect(200);
    assert_eq!(client.get("/v1/credits").await.json()["totalCreditsCents"], 10_000);
    assert_eq!(client.get(&format!("/v1/runs/{run}")).await.json()["cost"]["credits"], 0);
}
