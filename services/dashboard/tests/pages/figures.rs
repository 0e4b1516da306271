//! Figures of pages are those of the API.

use std::sync::Arc;

use serde_json::Value;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{CredentialHash, FinishStatus, KeyAccess, KeyId, KeyLabel, Rate};
use tidegate_agentping_ports::key_uses::key_use;
use tidegate_agentping_ports::{KeyRow, Registry};
use tidegate_kernel::{Region, Usd};
use tidegate_ports::Rows;

use crate::house::*;

/// AC-76: the page of spend has what `GET /v1/spend` has, with rows that are unattributed and models without a rate.
#[tokio::test]
async fn spend_is_that_of_the_api() {
    let house = House::open().await;
    for (run, agent, customer, feature, usd, status) in [
        (1, "alpha", Some("acme"), Some("search"), Some("1.5"), FinishStatus::Success),
        (2, "alpha", Some("globex"), None, Some("0.123456789"), FinishStatus::Failed),
        (3, "beta", None, Some("mail"), Some("2"), FinishStatus::Success),
        (4, "beta", None, None, None, FinishStatus::Success),
    ] {
        let mut opening = start(agent);
        if let Some(customer) = customer {
            opening = opening.customer(customer);
        }
        if let Some(feature) = feature {
            opening = opening.feature(feature);
        }
        house.tell(team(1), run_id(run), opening).await;
        house.tell(team(1), run_id(run), vec![event(run).llm("new-model", usd)]).await;
        house.tell(team(1), run_id(run), finish(status)).await;
    }
    let api: Value = serde_json::from_str(&house.api("/v1/spend").await.text).unwrap();
    let page = house.page("/teams/acme/spend").await;
    page.has(&[
        "Spend in 2026-05",
        "$3.623456789",
        "$3.50",
        "unattributed",
        "Models without a rate",
        "anthropic / new-model",
        "href=\"/teams/acme/runs?agent=alpha&amp;from=2026-05-01&amp;to=2026-06-01\"",
    ]);
    for breakdown in ["by_agent", "by_customer", "by_feature"] {
        let rows = api[breakdown].as_array().unwrap();
        assert!(rows.len() >= 2, "{breakdown}: {rows:?}");
        for row in rows {
            let cost = Usd::parse(&row["cost_usd"].to_string()).unwrap().to_string();
            let name = row["name"].as_str().unwrap_or("unattributed");
            let (_, after) =
                page.text.split_once(&format!(">{name}<")).unwrap_or_else(|| panic!("{breakdown}: {name}"));
            assert!(after.contains(&format!("${cost}")), "{breakdown}: {row}");
        }
    }
}

#[tokio::test]
async fn the_overview_counts_today() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("alpha")).await;
    house.tell(team(1), run_id(1), vec![event(1).llm("m", Some("0.75"))]).await;
    house.tell(team(1), run_id(2), start("beta")).await;
    house.tell(team(1), run_id(2), finish(FinishStatus::Failed)).await;
    // Yesterday's.
    house.tell(team(1), run_id(3), start("alpha").at(NOON.plus_millis(-13 * 3_600_000))).await;
    let page = house.page("/teams/acme").await;
    page.has(&[
        "<dt>Runs today</dt><dd>2</dd>",
        "1 running, 1 failed",
        "$0.75",
        "Failed or with errors today",
        &run_id(2).to_string(),
        "1,000,000 in the plan",
    ]);
    page.has_not(&["Figures of today", "looked for among"]);
}

#[tokio::test]
async fn quotas_have_their_marks() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("alpha")).await;
    let page = house.page("/teams/acme/quotas").await;
    page.has(&[
        "80 %",
        "800,000",
        "100 %",
        "1,000,000",
        "150 %",
        "1,500,000",
        "2026-06-01 00:00:00 UTC",
        "500",
        "class=\"mark\"",
    ]);
    page.has_not(&["reached"]);
}

#[tokio::test]
async fn the_rate_card_has_the_teams_own_rows_first() {
    let house = House::open().await;
    let usd = |text: &str| Usd::parse(text).unwrap();
    let rate = Rate {
        input_per_million: usd("9.99"),
        cached_per_million: None,
        output_per_million: usd("19.5"),
        batch_permille: 500,
    };
    let row = RateRow { provider: "openai".to_owned(), model: "gpt-5".to_owned(), rate };
    house.registry.set_rate(team(1), row).await.unwrap();
    house.tell(team(1), run_id(1), start("alpha")).await;
    house.tell(team(1), run_id(1), vec![event(1).llm("unknown-model", None)]).await;
    let page = house.page("/teams/acme/rates").await;
    page.has(&["$9.99", "$19.50", "50 %", "gpt-5-mini", "anthropic / unknown-model"]);
    page.has(&["tidegate rates set --team 'acme' --provider 'anthropic' --model 'unknown-model' --input INPUT"]);
    assert_eq!(page.text.matches(">gpt-5<").count(), 1, "the shipped row is replaced");
}

/// AC-72: keys and tokens are listed by their ids alone.
#[tokio::test]
async fn secrets_are_not_shown() {
    let house = House::open().await;
    let page = house.page("/teams/acme/keys").await;
    page.has(&[&house.key_a.to_string(), "tok_eu_", "active"]);
    page.has_not(&[KEY_A, TOKEN_A, "apk_eu_"]);
}

/// AC-78: keys say what they are for, and when they were last used.
#[tokio::test]
async fn keys_have_labels_and_last_uses() {
    let house = House::open().await;
    let (id, label) = (KeyId::mint(Region::Eu, NOON, &[5; 10]), Some(KeyLabel::parse("<b>ci</b>").unwrap()));
    let row = KeyRow { id, team: team(1), access: KeyAccess::Read, created_at: NOON, revoked_at: None, label };
    house.registry.create_key(row, CredentialHash([5; 32])).await.unwrap();
    house.rows.put(Arc::new(vec![key_use(id, NOON.plus_millis(-7_200_000))]), NOON).await.unwrap();
    let page = house.page("/teams/acme/keys").await;
    page.has(&[&id.to_string(), "&lt;b&gt;ci&lt;/b&gt;", ">2 h ago<", "this session"]);
    page.has_not(&["<b>ci"]);
    let theirs = house.sign_in(KEY_B).await;
    house.get(Some(&theirs), "/teams/other%20co%2F2/keys").await.has_not(&["ci&lt;", &id.to_string()]);
}
