//! What control shows: each answer within the team of the key. The contract knows no read API; this one is ours.

use serde_json::{Value, json};
use tidegate_tests::team::text;
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Plan, Team, eventually, ids, wire};

use crate::team;

/// Our choice: a team reads its own runs only; another team's run is not there.
#[tokio::test]
async fn teams_do_not_see_each_other() {
    let (target, one) = team().await;
    let two = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = one.run_id();
    one.start(&wire::start(&run, "secret")).await.expect(202);
    one.stored_run(&run).await;
    assert!(two.stored(&run).await.is_none());
    assert!(two.listed("limit=10").await.is_empty());
    assert!(two.agents().await.is_empty());
    two.usage_is(0).await;
    one.usage_is(1).await;
}

/// Our choice: reading needs a key of the team; a ping token reads nothing.
#[tokio::test]
async fn reading_needs_a_key() {
    let (target, team) = team().await;
    let token = team.token("a").await;
    let unknown = ids::fresh("apk", &target.region);
    for path in ["/v1/runs", "/v1/agents", "/v1/usage", "/v1/spend"] {
        let url = format!("{}{path}", target.control);
        assert_eq!(team.client.get(&url).send().await.status, 401, "{path}");
        for credential in [&token.token, &unknown] {
            let answer = team.client.get(&url).bearer(credential).send().await;
            assert!([401, 403].contains(&answer.status), "{answer}");
        }
    }
}

/// Our choice: listings filter by agent, status, customer, feature and start, and page without gaps or twins.
#[tokio::test]
async fn listings_filter_and_page() {
    let (_target, team) = team().await;
    let mut all = Vec::new();
    for n in 0..7 {
        let run = team.run_id();
        let start = json!({
            "id": run, "agent": format!("agent-{}", n % 2), "started_at": format!("2026-05-15T14:32:0{n}.000Z"),
            "customer_id": format!("c-{}", n % 3), "feature": "digest",
        });
        team.start(&start).await.expect(202);
        all.push(run);
    }
    team.finish(&all[0], &wire::finish()).await.expect(202);
    team.closed_run(&all[0]).await;
    team.lists_exactly(&all).await;
    // What a run is listed by may be there a moment after the run.
    let found = async |query: &str, expected: &[usize]| {
        eventually(READABLE, query, async || {
            let runs = team.listed(query).await;
            let runs = runs.iter().map(|run| all.iter().position(|id| *id == text(run, "id")).unwrap());
            let runs: Vec<usize> = runs.collect();
            if runs == expected { Ok(()) } else { Err(format!("{runs:?} and not {expected:?}")) }
        })
        .await;
    };
    // Newest first, in pages of two.
    found("limit=2", &[6, 5, 4, 3, 2, 1, 0]).await;
    found("agent=agent-1", &[5, 3, 1]).await;
    found("customer_id=c-0&limit=1", &[6, 3, 0]).await;
    found("feature=digest&status=success", &[0]).await;
    found("feature=other", &[]).await;
    found("from=2026-05-15T14:32:02.000Z&to=2026-05-15T14:32:05.000Z", &[4, 3, 2]).await;
}

/// Our choice: when a schedule would expect runs (AC-40), also where a clock is put forward (AC-29); and the member (AC-17)
/// to blame where it is none.
#[tokio::test]
async fn a_schedule_is_previewed() {
    let (target, team) = team().await;
    let url = format!("{}/v1/schedules/preview", target.control);
    let ask = async |schedule: Value| {
        let body = json!({"schedule": schedule, "after": "2026-03-28T12:00:00Z", "count": 2});
        team.client.post(&url).bearer(&team.key).json(&body).send().await
    };
    let answer = ask(json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})).await;
    assert_eq!(answer.status, 200, "{answer}");
    let slots = answer.json()["slots"].clone();
    assert_eq!(
        [text(&slots[0], "at"), text(&slots[1], "at")],
        ["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]
    );
    assert_eq!(text(&slots[0], "local"), "2026-03-29T03:00:00+02:00");
    assert_eq!(text(&slots[0], "deadline"), "2026-03-29T01:10:00.000Z");
    for (schedule, field) in [
        (json!({"cron": "0 30 2 * * *"}), "schedule.cron"),
        (json!({"cron": "30 2 * * *", "timezone": "Mars/Base"}), "schedule.timezone"),
        (json!({"cron": "30 2 * * *", "tolerance_s": 59}), "schedule.tolerance_s"),
    ] {
        let refused = ask(schedule).await;
        assert_eq!((refused.status, text(&refused.json(), "field")), (400, field.to_owned()), "{refused}");
    }
}

/// Our choice: the month's spend is broken down by agent, customer and feature.
#[tokio::test]
async fn spend_is_broken_down() {
    let (_target, team) = team().await;
    for (agent, cost) in [("a", 0.5), ("a", 0.25), ("b", 1.0)] {
        let body = json!({"agent": agent, "cost_usd": cost, "customer_id": "c", "feature": "f"});
        team.heartbeat(&body).await.expect(202);
    }
    let spend = eventually(READABLE, "all three are in the spend", async || {
        let spend = team.spend().await;
        if spend.raw("total_usd").as_deref() == Some("1.75") { Ok(spend) } else { Err(spend.text()) }
    })
    .await
    .json();
    for member in ["by_agent", "by_customer", "by_feature"] {
        let rows: &Vec<Value> = spend[member].as_array().unwrap_or_else(|| panic!("no {member}: {spend}"));
        assert_eq!(rows.len(), if member == "by_agent" { 2 } else { 1 }, "{member}: {spend}");
    }
    assert_eq!(spend["unpriced"], json!([]));
}
