//! The description against what is served.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::house::*;

fn described() -> Value {
    serde_json::to_value(tidegate_control::openapi()).unwrap()
}

fn paths(description: &Value) -> Vec<(String, Value)> {
    description["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), item.clone())).collect()
}

/// A path with something of team A's in its places.
fn filled(path: &str) -> String {
    let path = path.replace("{receipt}", &receipt(team(1), 0, 0).to_string()).replace("{slug}", "finder");
    path.replace("{id}", &run_id(1).to_string())
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
    let of_control =
        ROUTES.iter().filter(|(port, _, path)| *port == CONTROL && path.contains('{') || path.starts_with("/v1"));
    let of_control = of_control.filter(|(port, ..)| *port == CONTROL);
    let likely: BTreeSet<&str> = of_control.map(|(_, _, path)| *path).collect();
    let described = paths(&described());
    assert_eq!(likely, described.iter().map(|(path, _)| path.as_str()).collect());
}

/// AC-89: each operation is served, to key holders only, and answers as it is described.
#[tokio::test]
async fn ac_89_each_described_path_is_served_to_key_holders_only() {
    let house = House::open().await;
    for (path, item) in paths(&described()) {
        for (name, operation) in item.as_object().unwrap() {
            if !path.starts_with("/v1") {
                // A link of a mail, or a badge: the token in the path is the key.
                assert!(operation.get("security").is_none() && house.get_as(None, &path).await.status == 404, "{path}");
                continue;
            }
            assert_eq!(operation["security"], serde_json::json!([{"bearer": []}, {"key_header": []}]), "{path}");
            let method: Method = name.to_uppercase().parse().unwrap();
            let path = filled(&path);
            assert_refusal(&house.send(method.clone(), &path, &[]).await, 401, "invalid_credential", None);
            for key in [KEY_A, KEY_READS] {
                let answer = house.send(method.clone(), &path, &[("authorization", format!("Bearer {key}"))]).await;
                let documented = operation["responses"][answer.status.as_str()].is_object();
                assert!(documented, "{method} {path} answers {}, which is not described", answer.status);
            }
        }
    }
}

/// The table of routes has the very operations that are described.
#[test]
fn ac_89_the_table_of_routes_has_every_operation() {
    use tidegate_agentping::routes::{CONTROL, ROUTES};
    let of_control =
        ROUTES.iter().filter(|(port, _, path)| *port == CONTROL && path.contains('{') || path.starts_with("/v1"));
    let of_control = of_control.filter(|(port, ..)| *port == CONTROL);
    let listed: BTreeSet<(String, String)> =
        of_control.map(|(_, method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    let described = paths(&described()).into_iter().flat_map(|(path, item)| {
        let methods: Vec<String> = item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        methods.into_iter().map(move |method| (method, path.clone()))
    });
    assert_eq!(listed, described.collect());
}

/// The parameters that an endpoint takes, as its refusal of an unknown one lists them, are those described.
#[tokio::test]
async fn described_parameters_are_those_taken() {
    let house = House::open().await;
    house.with_agent("finder", 1).await;
    for (path, item) in
        paths(&described()).into_iter().filter(|(path, item)| path.starts_with("/v1") && item["get"].is_object())
    {
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
    house.put("/v1/agents/finder/schedule", &serde_json::json!({"cron": "@daily"})).await.ok();
    let description = described();
    let schema = |name: &str| description["components"]["schemas"][name].clone();
    let of_receipt = format!("/v1/receipts/{}", receipt(team(1), 0, 0));
    let route = serde_json::json!({"name": "ops", "kind": "slack", "url": "https://hooks.slack.com/x"});
    let made = house.post("/v1/routes", &route).await.with(201);
    let of_route = format!("/v1/routes/{}", made["id"].as_str().unwrap());
    let of_deliveries = format!("{of_route}/deliveries");
    let cases = [
        (of_receipt.as_str(), "ReceiptView"),
        ("/v1/usage", "Usage"),
        ("/v1/spend", "MonthlySpend"),
        ("/v1/agents", "AgentList"),
        ("/v1/agents/finder", "AgentView"),
        ("/v1/agents/finder/schedule", "Schedule"),
        ("/v1/team", "TeamView"),
        ("/v1/audit", "AuditList"),
        ("/v1/agents/finder/tokens", "TokenList"),
        ("/v1/runs", "RunList"),
        ("/v1/routes", "RouteList"),
        (of_route.as_str(), "RouteView"),
        (of_deliveries.as_str(), "DeliveryList"),
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
