//! What the API refuses of routes is refused of a file, too.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::house::*;

/// The only fault of a file that is not applied.
async fn fault(house: &House, file: &Value) -> Value {
    let refusal = house.put("/v1/config", file).await.with(400);
    assert_eq!(refusal["error"], "invalid_config");
    assert_eq!(refusal["faults"].as_array().unwrap().len(), 1, "{refusal}");
    refusal["faults"][0].clone()
}

/// AC-86: without a server for mail there is no mail route, however it is asked for.
#[tokio::test]
async fn ac_86_a_file_makes_no_mail_route_where_no_mail_is_sent() {
    let house = House::without_mail().await;
    let route = json!({"name": "m", "kind": "email", "to": "ops@example.com"});
    assert_refusal(&house.post("/v1/routes", &route).await, 400, "invalid_field", Some("kind"));
    let file = json!({"yaml": "version: 1\nroutes:\n  m: {kind: email, to: ops@example.com}\n"});
    let fault = fault(&house, &file).await;
    assert_eq!((&fault["line"], &fault["path"]), (&json!(3), &json!("routes.m.kind")));
    assert!(fault["message"].as_str().unwrap().contains("sends no mail"), "{fault}");
    assert_eq!(house.get("/v1/routes").await.ok()["routes"], json!([]));
    // Where mail is sent, the same file is applied.
    House::open().await.put("/v1/config", &file).await.ok();
}

/// AC-86: a file makes no more routes than the API does. Those that are there can be changed at the limit, too.
#[tokio::test]
async fn ac_86_a_file_makes_no_more_routes_than_a_team_may_have() {
    let house = House::open().await;
    let file = |count: usize, severity: &str| {
        let mut yaml = "version: 1\nroutes:\n".to_owned();
        for number in 0..count {
            let members = format!("kind: pagerduty, routing_key: \"${{KEY}}\", min_severity: {severity}");
            writeln!(yaml, "  r{number}: {{{members}}}").unwrap();
        }
        json!({"yaml": yaml, "env": {"KEY": "R0123456789ABCDEF"}})
    };
    for stored in [0, 200] {
        let fault = fault(&house, &file(201, "info")).await;
        assert_eq!(fault["path"], "routes", "with {stored}");
        assert!(fault["message"].as_str().unwrap().contains("would be 201 routes; a team may have 200"), "{fault}");
        let changes = house.put("/v1/config", &file(200, "info")).await.ok()["changes"].clone();
        assert_eq!(changes.as_array().unwrap().len(), 200 - stored);
    }
    let another = json!({"name": "x", "kind": "pagerduty", "routing_key": "R0123456789ABCDEF"});
    assert_refusal(&house.post("/v1/routes", &another).await, 400, "invalid_field", None);
    let changes = house.put("/v1/config", &file(200, "error")).await.ok()["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 200, "one member of each");
}
