//! The description against what is served.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::house::*;

/// Reads whose question is a body.
const POSTED: &[&str] = &["/v1/schedules/preview"];

fn key_a() -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {KEY_A}"))]
}

fn described() -> Value {
    serde_json::to_value(tidegate_control::openapi()).unwrap()
}

fn paths(description: &Value) -> Vec<(String, Value)> {
    description["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), item.clone())).collect()
}

/// A path with something of team A's in its places.
fn filled(path: &str) -> String {
    path.replace("{id}", &run_id(1).to_string()).replace("{receipt}", &receipt(team(1), 0, 0).to_string())
}

#[tokio::test]
async fn it_is_served_to_everyone() {
    let house = House::open().await;
    assert_eq!(house.get_as(None, "/openapi.json").await.ok(), described());
    assert!(described()["openapi"].as_str().unwrap().starts_with("3.1."));
}

/// What calls are pointed to is there.
#[test]
fn likely_calls_are_those_described() {
    use tidegate_agentping::routes::{CONTROL, ROUTES};
    let of_control = ROUTES.iter().filter(|(port, _, path)| *port == CONTROL && path.starts_with("/v1"));
    let likely: BTreeSet<&str> = of_control.map(|(_, _, path)| *path).collect();
    let described = paths(&described());
    assert_eq!(likely, described.iter().map(|(path, _)| path.as_str()).collect());
}

#[tokio::test]
async fn each_described_path_is_served_to_key_holders_only() {
    let house = House::open().await;
    for (path, item) in paths(&described()) {
        let methods: Vec<&String> = item.as_object().unwrap().keys().collect();
        let expected = if POSTED.contains(&path.as_str()) { "post" } else { "get" };
        assert_eq!(methods, [expected], "{path}");
        assert_eq!(item[expected]["security"], serde_json::json!([{"bearer": []}, {"key_header": []}]), "{path}");
        let method: Method = expected.to_uppercase().parse().unwrap();
        let path = filled(&path);
        assert_refusal(&house.send(method.clone(), &path, &[]).await, 401, "invalid_credential", None);
        let answer = house.send(method, &path, &key_a()).await;
        let documented = item[expected]["responses"][answer.status.as_str()].is_object();
        assert!(documented, "{path} answers {}, which is not described", answer.status);
    }
}

/// The parameters that an endpoint takes, as its refusal of an unknown one lists them, are those described.
#[tokio::test]
async fn described_parameters_are_those_taken() {
    let house = House::open().await;
    for (path, item) in paths(&described()).into_iter().filter(|(path, _)| !POSTED.contains(&path.as_str())) {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let described: BTreeSet<String> = of_query.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        let message = house.get(&format!("{}?unheard-of=1", filled(&path))).await.message();
        let taken = message.split_once("takes: ").map_or("", |(_, names)| names.trim_end_matches('.'));
        let taken: BTreeSet<String> = taken.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        assert_eq!(taken, described, "{path}: {message}");
    }
}

/// Every member of an answer is described, and every member described as required is in the barest answer.
#[tokio::test]
async fn members_are_described() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", NOON)).await;
    let description = described();
    let schema = |name: &str| description["components"]["schemas"][name].clone();
    let of_receipt = format!("/v1/receipts/{}", receipt(team(1), 0, 0));
    let cases = [
        (of_receipt.as_str(), "ReceiptView"),
        ("/v1/usage", "Usage"),
        ("/v1/spend", "MonthlySpend"),
        ("/v1/agents", "AgentList"),
        ("/v1/runs", "RunList"),
    ];
    for (path, name) in cases {
        assert_members(&house.get(path).await.ok(), &schema(name), name);
    }
    assert_members(&house.get("/v1/runs").await.ok()["runs"][0], &schema("RunSummary"), "RunSummary");
}

#[track_caller]
fn assert_members(answer: &Value, schema: &Value, name: &str) {
    let present: BTreeSet<&String> = answer.as_object().unwrap().keys().collect();
    let described: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert!(present.is_subset(&described), "{name}: {present:?} against {described:?}");
    for required in schema["required"].as_array().unwrap() {
        assert!(answer.get(required.as_str().unwrap()).is_some(), "{name} lacks {required}");
    }
}
