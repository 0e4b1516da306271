//! Guard: may this job start?

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping::{HeartbeatStatus, Plan, TeamId};
use tidegate_agentping_ports::SpendCursor;
use tidegate_agentping_ports::spend_rows::{
    SPEND_CHANGED, SPEND_DAYS, SPEND_TOTALS, changed_row, changed_shard, cursor_key, day_shard, page_row, total_shard,
};
use tidegate_agentping_pulse::spend::{SpendChange, SpendPage, SpendPeriod, hour_of};
use tidegate_kernel::{Timestamp, Usd};
use tidegate_ports::{Clock, RowKey, RowWrite, Rows};

use crate::house::*;

const CHECK: &str = "/v1/guard/check";
const MEMBERS: [&str; 8] =
    ["decision", "checked_at", "blocked_by", "guard_check_id", "rules", "stale_as_of", "active", "inactive_reason"];

/// Spend as it is counted, of one team: each amount in a page of its own.
pub struct Counted<'h> {
    house: &'h House,
    number: u8,
}

impl<'h> Counted<'h> {
    pub fn new(house: &'h House) -> Self {
        Counted { house, number: 0 }
    }

    async fn put(&self, key: RowKey, doc: Vec<u8>) {
        let now = self.house.clock.now();
        let rank = u64::try_from(now.as_millis()).unwrap() + u64::from(self.number);
        self.house.rows.put(Arc::new(vec![RowWrite { key, rank, doc: Some(doc) }]), now).await.unwrap();
    }

    pub async fn spend(&mut self, of: TeamId, agent: &str, customer: Option<&str>, at: Timestamp, usd: &str) {
        self.number += 1;
        let nanos = Usd::parse(usd).unwrap().as_nanos() as i64;
        let change = SpendChange { agent: agent.into(), customer: customer.map(Into::into), hour: hour_of(at), nanos };
        let day = hour_of(at).div_euclid(24);
        let row = page_row(1, 0, self.number);
        for (period, table, shard) in [
            (SpendPeriod::Day(day), &SPEND_DAYS, day_shard(of, day)),
            (SpendPeriod::Total, &SPEND_TOTALS, total_shard(of)),
        ] {
            let mut page = SpendPage::default();
            page.count(period, 0, std::iter::once(&change));
            self.put(RowKey { table, shard, row: row.clone() }, page.encode().unwrap()).await;
        }
        let now = self.house.clock.now();
        let key = RowKey { table: &SPEND_CHANGED, shard: changed_shard(now), row: changed_row(of, day) };
        self.put(key, self.number.to_string().into_bytes()).await;
        self.as_of(now).await;
    }

    async fn as_of(&self, as_of: Timestamp) {
        let cursor = SpendCursor { as_of: Some(as_of), ..SpendCursor::default() };
        self.put(cursor_key(), serde_json::to_vec(&cursor).unwrap()).await;
    }
}

impl House {
    async fn guard(&self, body: &Value) -> Value {
        self.post(CHECK, body).await.ok()
    }

    async fn rule(&self, members: &Value) -> String {
        let mut rule = json!({"name": "daily cap", "spend_of": "agent", "window": "day", "limit_usd": 20});
        rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.post("/v1/guard/rules", &rule).await.with(201)["id"].as_str().unwrap().to_owned()
    }

    /// Asks until the answer is as expected.
    async fn guard_until(&self, body: &Value, expected: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.guard(body).await;
            if expected(&answer) {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{answer}");
        }
    }
}

fn is_block(answer: &Value) -> bool {
    answer["decision"] == "block"
}

/// AC-01, AC-02, AC-03: whatever is sent, the answer is 200 with the eight members.
#[tokio::test]
async fn ac_01_to_03_every_body_is_answered() {
    let house = House::open().await;
    for body in [
        r#"{"customer_ref":"c","agent":"a","function":"f","environment":"prod"}"#,
        "{}",
        "[]",
        "",
        "null",
        "nonsense",
        r#"{"agent":"never-seen","more":1}"#,
        r#"{"agent":7,"customer_ref":["x"]}"#,
        &format!(r#"{{"agent":"{}"}}"#, "x".repeat(70_000)),
    ] {
        let answer = house.post_as(Some(KEY_A), CHECK, body.to_owned()).await.ok();
        let names: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), MEMBERS.len(), "{answer}");
        assert!(MEMBERS.iter().all(|name| answer.get(name).is_some()), "{answer}");
        let expected = json!({
            "decision": "allow", "checked_at": NOON, "blocked_by": [], "guard_check_id": null, "rules": [],
            "stale_as_of": null, "active": true, "inactive_reason": null,
        });
        assert_eq!(answer, expected, "{body:.60}");
    }
}

/// AC-04, AC-05, AC-11.
#[tokio::test]
async fn ac_04_spend_at_the_limit_blocks_and_the_block_is_kept() {
    let house = House::open().await;
    let mut counted = Counted::new(&house);
    counted.spend(team(1), "a", None, at(NOON), "19.99").await;
    counted.spend(team(2), "a", None, at(NOON), "500").await;
    let rule = house.rule(&json!({})).await;
    let allowed = house.guard(&json!({"agent": "a"})).await;
    assert_eq!((&allowed["decision"], &allowed["blocked_by"]), (&json!("allow"), &json!([])));
    assert_eq!((&allowed["guard_check_id"], &allowed["stale_as_of"]), (&Value::Null, &json!(NOON)));
    assert_eq!((&allowed["rules"][0]["triggered"], &allowed["rules"][0]["spent_usd"]), (&json!(false), &json!(19.99)));
    counted.spend(team(1), "a", Some("c"), at(NOON), "0.36").await;
    let blocked = house.guard_until(&json!({"agent": "a", "environment": "prod"}), is_block).await;
    assert_eq!(blocked["blocked_by"], json!([rule]));
    let shown = json!({
        "id": rule, "name": "daily cap", "action": "block", "triggered": true, "window": "day", "spend_of": "agent",
        "limit_usd": 20, "spent_usd": 20.35, "resets_at": "2026-05-16T00:00:00.000Z",
    });
    assert_eq!(blocked["rules"], json!([shown]));
    assert!(blocked["stale_as_of"].as_str() <= blocked["checked_at"].as_str());
    let id = blocked["guard_check_id"].as_str().unwrap();
    assert!(id.starts_with("gck_eu_"), "{id}");
    let kept = house.get(&format!("/v1/guard/checks/{id}")).await.ok();
    let expected = json!({
        "id": id, "at": blocked["checked_at"], "request": {"agent": "a", "environment": "prod"},
        "blocked_by": [rule], "rules": [shown],
    });
    assert_eq!(kept, expected);
    let other = house.get_as(Some(KEY_B), &format!("/v1/guard/checks/{id}")).await;
    assert_refusal(&other, 404, "not_found", None);
    for id in ["gck_eu_1", "gck_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5", "x"] {
        assert_refusal(&house.get(&format!("/v1/guard/checks/{id}")).await, 404, "not_found", None);
    }
}

/// AC-82: blocks are listed by pages, newest first, each team's own.
#[tokio::test]
async fn blocks_are_listed_newest_first() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let list = async |query: &str| house.get(&format!("/v1/guard/checks{query}")).await.ok();
    assert_eq!(list("").await, json!({"checks": [], "next_cursor": null}));
    house.put("/v1/agents/nightly/pause", &json!({})).await.ok();
    let mut ids = Vec::new();
    // Over the turn of several days.
    for number in 0..5 {
        house.clock.advance_ms(if number == 3 { 10 * 86_400_000 } else { 9 * 3_600_000 });
        let asked = json!({"agent": "nightly", "customer_ref": format!("c{number}")});
        let blocked = house.guard(&asked).await;
        assert!(is_block(&blocked));
        ids.insert(0, blocked["guard_check_id"].clone());
    }
    let ids_of =
        |list: &Value| list["checks"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    let all = list("").await;
    assert_eq!((ids_of(&all), &all["next_cursor"]), (ids.clone(), &Value::Null));
    assert_eq!(all["checks"][0]["request"], json!({"agent": "nightly", "customer_ref": "c4"}));
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = list(&query).await;
        seen.extend(ids_of(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    let theirs = house.get_as(Some(KEY_B), "/v1/guard/checks").await.ok();
    assert_eq!(theirs, json!({"checks": [], "next_cursor": null}));
    assert_refusal(&house.get("/v1/guard/checks?cursor=x").await, 400, "invalid_field", Some("cursor"));
}

/// AC-06: the answer says that the plan has no guard, even when paused.
#[tokio::test]
async fn ac_06_starter_is_allowed_and_told() {
    let mut callers = Callers::two_teams();
    for caller in callers.0.values_mut().flatten() {
        caller.plan = Plan::Starter;
    }
    let house = House::with_callers(callers).await;
    house.rule(&json!({})).await;
    house.put("/v1/pause", &Value::Null).await.ok();
    let answer = house.guard(&json!({"agent": "a"})).await;
    let said = [&answer["decision"], &answer["active"], &answer["inactive_reason"], &answer["blocked_by"]];
    assert_eq!(said, [&json!("allow"), &json!(false), &json!("tier"), &json!([])]);
}

/// AC-07, AC-09.
#[tokio::test]
async fn ac_07_a_paused_agent_is_blocked_until_it_is_resumed() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let pause = house.put("/v1/agents/nightly/pause", &json!({"note": "on fire"})).await.ok();
    let blocked = house.guard(&json!({"agent": "nightly"})).await;
    assert!(is_block(&blocked));
    assert_eq!(blocked["blocked_by"], json!([pause["rule_id"]]));
    let shown = json!({
        "id": pause["rule_id"], "name": "paused", "action": "block", "triggered": true, "reason": "operator_pause",
        "paused_at": NOON, "paused_by": pause["paused_by"], "note": "on fire",
    });
    assert_eq!(blocked["rules"], json!([shown]));
    let id = blocked["guard_check_id"].as_str().unwrap();
    assert_eq!(house.get(&format!("/v1/guard/checks/{id}")).await.ok()["rules"], json!([shown]));
    for other in [json!({"agent": "other"}), json!({}), json!({"agent": "night"})] {
        assert!(!is_block(&house.guard(&other).await), "{other}");
    }
    house.delete("/v1/agents/nightly/pause").await.is_empty_204();
    assert!(!is_block(&house.guard(&json!({"agent": "nightly"})).await));
    house.put("/v1/agents/nightly/pause", &json!({"until": "2026-05-15T12:00:10Z"})).await.ok();
    assert!(is_block(&house.guard(&json!({"agent": "nightly"})).await));
    house.clock.advance_ms(10_000);
    assert!(!is_block(&house.guard(&json!({"agent": "nightly"})).await));
    house.put("/v1/pause", &Value::Null).await.ok();
    for body in [json!({"agent": "nightly"}), json!({}), json!({"customer_ref": "c"})] {
        assert!(is_block(&house.guard(&body).await), "{body}");
    }
    house.delete("/v1/pause").await.is_empty_204();
    assert!(!is_block(&house.guard(&json!({})).await));
}

/// AC-08, AC-10: one team's excess is its own, and a pause wins over it.
#[tokio::test]
async fn ac_08_and_10_the_rate_bounds_a_team_and_a_pause_wins() {
    let house = House::opened_with(|control| control.with_guard_rate(50, 200)).await;
    house.with_agent("nightly", 1).await;
    house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    for _ in 0..200 {
        house.guard(&json!({})).await;
    }
    let limited = house.post(CHECK, &json!({})).await;
    assert_refusal(&limited, 429, "rate_limit", None);
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert!(is_block(&house.guard(&json!({"agent": "nightly"})).await));
    house.post_as(Some(KEY_B), CHECK, "{}").await.ok();
    house.get("/v1/guard/rules").await.ok();
    house.clock.advance_ms(1_000);
    for _ in 0..50 {
        house.guard(&json!({})).await;
    }
    assert_refusal(&house.post(CHECK, &json!({})).await, 429, "rate_limit", None);
}

/// AC-12.
#[tokio::test]
async fn ac_12_a_rule_that_is_not_for_a_check_does_not_block_it() {
    let house = House::open().await;
    Counted::new(&house).spend(team(1), "a", Some("c"), at(NOON), "100").await;
    house.rule(&json!({"name": "a", "spend_of": "customer"})).await;
    house.rule(&json!({"name": "b", "match": {"environment": "prod"}})).await;
    for (body, rules) in [
        (json!({}), 0),
        (json!({"agent": "a"}), 0),
        (json!({"agent": "a", "environment": "test"}), 0),
        (json!({"agent": "a", "environment": "prod"}), 1),
        (json!({"customer_ref": "c"}), 1),
        (json!({"customer_ref": "other"}), 1),
    ] {
        let answer = house.guard(&body).await;
        assert_eq!(answer["rules"].as_array().unwrap().len(), rules, "{body}");
        assert_eq!(is_block(&answer), rules == 1 && body["customer_ref"] != "other", "{body}");
    }
}

/// AC-13: windows go on by themselves.
#[tokio::test]
async fn ac_13_old_spend_ceases_to_count() {
    let house = House::open().await;
    let mut counted = Counted::new(&house);
    counted.spend(team(1), "a", None, at(NOON), "25").await;
    house.rule(&json!({"name": "day"})).await;
    house.rule(&json!({"name": "week", "window": "week"})).await;
    house.rule(&json!({"name": "month", "window": "month"})).await;
    house.rule(&json!({"name": "hours", "window": "hours:5"})).await;
    house.rule(&json!({"name": "total", "window": "total"})).await;
    let triggered = async |expected: &[&str]| {
        let answer = house
            .guard_until(&json!({"agent": "a"}), |answer| {
                let rules = answer["rules"].as_array().unwrap();
                rules.iter().filter(|rule| rule["triggered"] == true).count() == expected.len()
            })
            .await;
        let rules = answer["rules"].as_array().unwrap();
        let names: Vec<&str> =
            rules.iter().filter(|rule| rule["triggered"] == true).map(|rule| rule["name"].as_str().unwrap()).collect();
        assert!(expected.iter().all(|name| names.contains(name)), "{names:?} {expected:?}");
    };
    triggered(&["day", "week", "month", "hours", "total"]).await;
    for (to, expected) in [
        ("2026-05-15T17:59:00Z", &["day", "week", "month", "hours", "total"] as &[&str]),
        ("2026-05-15T18:00:00Z", &["day", "week", "month", "total"]),
        ("2026-05-16T00:00:00Z", &["week", "month", "total"]),
        ("2026-05-18T00:00:00Z", &["month", "total"]),
        ("2026-06-01T00:00:00Z", &["total"]),
    ] {
        house.clock.set(at(to));
        counted.number += 1;
        counted.as_of(at(to)).await;
        // The first answers may be by sums that are too old.
        let began = Instant::now();
        while house.post(CHECK, &json!({"agent": "a"})).await.status != 200 {
            assert!(began.elapsed() < Duration::from_secs(60));
        }
        triggered(expected).await;
    }
}

/// Decision 3: sums older than five minutes are no answer, and a pause is.
#[tokio::test]
async fn sums_that_are_too_old_are_unavailable_and_a_pause_still_blocks() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let none = house.post(CHECK, &json!({"agent": "a"})).await;
    assert_eq!(none.status, 200, "without a rule nothing is needed");
    house.rule(&json!({})).await;
    let uncounted = house.post(CHECK, &json!({"agent": "a"})).await;
    assert_refusal(&uncounted, 503, "unavailable", None);
    assert_eq!(house.post(CHECK, &json!({})).await.status, 200, "no rule applies");
    Counted::new(&house).as_of(at(NOON)).await;
    house.clock.advance_ms(5 * 60_000);
    let began = Instant::now();
    while house.post(CHECK, &json!({"agent": "a"})).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    house.clock.advance_ms(1);
    assert_refusal(&house.post(CHECK, &json!({"agent": "a"})).await, 503, "unavailable", None);
    house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    assert!(is_block(&house.guard(&json!({"agent": "nightly"})).await));
}

/// AC-15; and a key that may only read asks like any other.
#[tokio::test]
async fn ac_15_a_ping_token_is_refused() {
    let house = House::open().await;
    assert_refusal(&house.post_as(Some(TOKEN_A), CHECK, "{}").await, 401, "scope_violation", None);
    assert_refusal(&house.post_as(None, CHECK, "{}").await, 401, "invalid_credential", None);
    house.post_as(Some(KEY_READS), CHECK, "{}").await.ok();
    let unread = house.change(Method::GET, CHECK, &Value::Null).await;
    assert_refusal(&unread, 405, "method_not_allowed", None);
}

/// AC-14: a rule that warns is shown and allows.
#[tokio::test]
async fn ac_14_a_warn_rule_never_blocks() {
    let house = House::open().await;
    Counted::new(&house).spend(team(1), "a", None, at(NOON), "100").await;
    house.rule(&json!({"action": "warn"})).await;
    let answer = house.guard(&json!({"agent": "a"})).await;
    assert_eq!((&answer["decision"], &answer["blocked_by"]), (&json!("allow"), &json!([])));
    assert_eq!((&answer["rules"][0]["triggered"], &answer["rules"][0]["action"]), (&json!(true), &json!("warn")));
    house.tell(team(1), run_id(9), ping(HeartbeatStatus::Ok)).await;
}

/// AC-77: what an agent has spent counts under its new name, and nothing of it under the old one.
#[tokio::test]
async fn ac_77_spend_counts_under_the_new_name() {
    let house = House::opened_with(|control| control.with_rename_wait(Duration::ZERO)).await;
    house.with_agent("a", 1).await;
    let mut counted = Counted::new(&house);
    counted.spend(team(1), "a", Some("c"), at(NOON), "25").await;
    let rule = house.rule(&json!({})).await;
    let both = json!({"name": "both", "spend_of": "agent_and_customer"});
    let both = house.rule(&both).await;
    house.guard_until(&json!({"agent": "a", "customer_ref": "c"}), is_block).await;
    house.post("/v1/agents/a/rename", &json!({"to": "b"})).await.ok();
    let blocked = house.guard(&json!({"agent": "b", "customer_ref": "c"})).await;
    let mut by: Vec<&str> = blocked["blocked_by"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    by.sort_unstable();
    let mut expected = [rule.as_str(), both.as_str()];
    expected.sort_unstable();
    assert_eq!(by, expected);
    assert_eq!(house.guard(&json!({"agent": "a", "customer_ref": "c"})).await["decision"], "allow");
    let metrics = house.get("/v1/metrics").await.text;
    assert!(metrics.contains("tidegate_agent_cost_usd_today{agent=\"b\"} 25"), "{metrics}");
}
