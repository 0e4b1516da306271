//! What is wrong with a body, in which words.

use reqwest::Method;
use serde_json::{Value, json};

use super::{git_order, one};

/// AG-13: two errors at once are named, in the order of the document.
#[tokio::test]
async fn two_errors_are_both_named() {
    let (_world, _, client) = one().await;
    let body = json!({ "taskPrompt": "", "workspaceSource": { "type": "git" } });
    let details = client.submit(&body).await.refused(400, "INVALID_REQUEST");
    let fields: Vec<&str> =
        details["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["taskPrompt", "workspaceSource.repository"]);
    assert!(details["errors"].as_array().unwrap().iter().all(|error| error["message"].is_string()));
}

/// One change of the usual work order, the code that it is refused with, and the field.
fn submissions() -> Vec<(Value, &'static str, &'static str)> {
    let long = |chars: usize| json!("x".repeat(chars));
    let source = |value: Value| json!({ "workspaceSource": value });
    vec![
        // AG-14
        (json!({ "taskPrompt": "absent" }), "MISSING_FIELD", "taskPrompt"),
        (json!({ "workspaceSource": "absent" }), "MISSING_FIELD", "workspaceSource"),
        (source(json!({})), "MISSING_FIELD", "workspaceSource.type"),
        (source(json!({ "type": "git" })), "MISSING_FIELD", "workspaceSource.repository"),
        (source(json!({ "type": "git", "branch": "main" })), "MISSING_FIELD", "workspaceSource.repository"),
        (source(json!({ "type": "template" })), "MISSING_FIELD", "workspaceSource.templateId"),
        (source(json!({ "type": "url" })), "MISSING_FIELD", "workspaceSource.url"),
        (source(json!({ "type": "url", "format": "zip" })), "MISSING_FIELD", "workspaceSource.url"),
        // AG-15
        (json!({ "taskPrompt": 1 }), "INVALID_FORMAT", "taskPrompt"),
        (json!({ "taskPrompt": null }), "INVALID_FORMAT", "taskPrompt"),
        (json!({ "taskPrompt": ["x"] }), "INVALID_FORMAT", "taskPrompt"),
        (source(json!("git")), "INVALID_FORMAT", "workspaceSource"),
        (source(json!(null)), "INVALID_FORMAT", "workspaceSource"),
        (source(json!([])), "INVALID_FORMAT", "workspaceSource"),
        (source(json!({ "type": 1 })), "INVALID_FORMAT", "workspaceSource.type"),
        (source(json!({ "type": "git", "repository": 1 })), "INVALID_FORMAT", "workspaceSource.repository"),
        (source(json!({ "type": "git", "repository": "r", "branch": {} })), "INVALID_FORMAT", "workspaceSource.branch"),
        (source(json!({ "type": "git", "repository": "r", "commit": 7 })), "INVALID_FORMAT", "workspaceSource.commit"),
        (source(json!({ "type": "template", "templateId": 1 })), "INVALID_FORMAT", "workspaceSource.templateId"),
        (
            source(json!({ "type": "template", "templateId": "python-flask", "variables": [] })),
            "INVALID_FORMAT",
            "workspaceSource.variables",
        ),
        (source(json!({ "type": "url", "url": "not a url" })), "INVALID_FORMAT", "workspaceSource.url"),
        (source(json!({ "type": "url", "url": true })), "INVALID_FORMAT", "workspaceSource.url"),
        (json!({ "maxIterations": "10" }), "INVALID_FORMAT", "maxIterations"),
        (json!({ "maxIterations": 1.5 }), "INVALID_FORMAT", "maxIterations"),
        (json!({ "maxIterations": null }), "INVALID_FORMAT", "maxIterations"),
        (json!({ "maxIterations": true }), "INVALID_FORMAT", "maxIterations"),
        (json!({ "gatePlan": 1 }), "INVALID_FORMAT", "gatePlan"),
        (json!({ "gatePlan": ["L0"] }), "INVALID_FORMAT", "gatePlan"),
        (json!({ "gatePlan": { "levels": "L0" } }), "INVALID_FORMAT", "gatePlan.levels"),
        (json!({ "gatePlan": { "levels": [1] } }), "INVALID_FORMAT", "gatePlan.levels[0]"),
        (json!({ "webhookUrl": "/hook" }), "INVALID_FORMAT", "webhookUrl"),
        (json!({ "webhookUrl": 1 }), "INVALID_FORMAT", "webhookUrl"),
        (json!({ "tenantContext": "t" }), "INVALID_FORMAT", "tenantContext"),
        (json!({ "tenantContext": { "tenantId": 1 } }), "INVALID_FORMAT", "tenantContext.tenantId"),
        (json!({ "tenantContext": { "tenantUserId": null } }), "INVALID_FORMAT", "tenantContext.tenantUserId"),
        (json!({ "tenantContext": { "metadata": [] } }), "INVALID_FORMAT", "tenantContext.metadata"),
        (json!({ "metadata": [] }), "INVALID_FORMAT", "metadata"),
        (json!({ "metadata": "x" }), "INVALID_FORMAT", "metadata"),
        // AG-16
        (json!({ "taskPrompt": "" }), "INVALID_VALUE", "taskPrompt"),
        (json!({ "taskPrompt": "  \n " }), "INVALID_VALUE", "taskPrompt"),
        (json!({ "taskPrompt": long(10_001) }), "INVALID_VALUE", "taskPrompt"),
        (source(json!({ "type": "ftp" })), "INVALID_VALUE", "workspaceSource.type"),
        (source(json!({ "type": "" })), "INVALID_VALUE", "workspaceSource.type"),
        (source(json!({ "type": "GIT", "repository": "r" })), "INVALID_VALUE", "workspaceSource.type"),
        (source(json!({ "type": "git", "repository": "" })), "INVALID_VALUE", "workspaceSource.repository"),
        (source(json!({ "type": "git", "repository": "r", "branch": "" })), "INVALID_VALUE", "workspaceSource.branch"),
        (source(json!({ "type": "template", "templateId": "" })), "INVALID_VALUE", "workspaceSource.templateId"),
        (source(json!({ "type": "url", "url": "ftp://example.com/a.zip" })), "INVALID_VALUE", "workspaceSource.url"),
        (
            source(json!({ "type": "url", "url": "https://example.com/a", "format": "rar" })),
            "INVALID_VALUE",
            "workspaceSource.format",
        ),
        (
            source(json!({ "type": "url", "url": "https://example.com/a", "format": ".zip" })),
            "INVALID_VALUE",
            "workspaceSource.format",
        ),
        (json!({ "maxIterations": 0 }), "INVALID_VALUE", "maxIterations"),
        (json!({ "maxIterations": -1 }), "INVALID_VALUE", "maxIterations"),
        (json!({ "maxIterations": 101 }), "INVALID_VALUE", "maxIterations"),
        (json!({ "maxIterations": u64::MAX }), "INVALID_VALUE", "maxIterations"),
        (json!({ "gatePlan": "L9" }), "INVALID_VALUE", "gatePlan"),
        (json!({ "gatePlan": "" }), "INVALID_VALUE", "gatePlan"),
        (json!({ "gatePlan": "L0,,L1" }), "INVALID_VALUE", "gatePlan"),
        (json!({ "gatePlan": { "levels": ["L0", "L4"] } }), "INVALID_VALUE", "gatePlan.levels[1]"),
        (json!({ "webhookUrl": "http://example.com" }), "INVALID_VALUE", "webhookUrl"),
        (json!({ "webhookUrl": format!("https://example.com/{}", "x".repeat(2_040)) }), "INVALID_VALUE", "webhookUrl"),
        (json!({ "tenantContext": { "tenantId": "" } }), "INVALID_VALUE", "tenantContext.tenantId"),
        (json!({ "tenantContext": { "tenantId": long(257) } }), "INVALID_VALUE", "tenantContext.tenantId"),
        (json!({ "tenantContext": { "tenantUserId": long(257) } }), "INVALID_VALUE", "tenantContext.tenantUserId"),
        (json!({ "metadata": { "x": long(17_000) } }), "INVALID_VALUE", "metadata"),
    ]
}

fn changed(change: &Value) -> Value {
    let mut order = git_order();
    for (name, value) in change.as_object().unwrap() {
        if value == "absent" {
            order.as_object_mut().unwrap().remove(name);
        } else {
            order[name] = value.clone();
        }
    }
    order
}

/// AG-14, AG-15, AG-16: one error alone has the code of its kind.
#[tokio::test]
async fn one_error_has_the_code_of_its_kind() {
    let (_world, _, client) = one().await;
    for (change, code, field) in submissions() {
        let details = client.submit(&changed(&change)).await.refused(400, code);
        let errors = details["errors"].as_array().unwrap();
        assert_eq!((errors.len(), errors[0]["field"].as_str()), (1, Some(field)), "{change}: {details}");
    }
    assert_eq!(client.get("/v1/runs").await.json()["total"], 0);
}

/// AG-14, AG-15, AG-16: the same of webhooks and templates.
#[tokio::test]
async fn webhooks_and_templates_are_checked_alike() {
    let (_world, _, client) = one().await;
    let url = "https://example.com/hook";
    let source = json!({ "type": "git", "repository": "r" });
    for (path, body, code, field) in [
        ("webhooks", json!({ "events": ["run.failed"] }), "MISSING_FIELD", "url"),
        ("webhooks", json!({ "url": url }), "MISSING_FIELD", "events"),
        ("webhooks", json!({ "url": url, "events": "run.failed" }), "INVALID_FORMAT", "events"),
        ("webhooks", json!({ "url": url, "events": [1] }), "INVALID_FORMAT", "events[0]"),
        ("webhooks", json!({ "url": url, "events": [] }), "INVALID_VALUE", "events"),
        ("webhooks", json!({ "url": url, "events": ["run.failed", "run.lost"] }), "INVALID_VALUE", "events[1]"),
        ("webhooks", json!({ "url": url, "events": ["run.failed"], "enabled": "yes" }), "INVALID_FORMAT", "enabled"),
        ("webhooks", json!({ "url": url, "events": ["run.failed"], "headers": [] }), "INVALID_FORMAT", "headers"),
        (
            "webhooks",
            json!({ "url": url, "events": ["run.failed"], "headers": { "a": 1 } }),
            "INVALID_FORMAT",
            "headers.a",
        ),
        (
            "webhooks",
            json!({ "url": url, "events": ["run.failed"], "headers": { "a b": "" } }),
            "INVALID_VALUE",
            "headers.a b",
        ),
        (
            "webhooks",
            json!({ "url": url, "events": ["run.failed"], "headers": { "Host": "x" } }),
            "INVALID_VALUE",
            "headers.Host",
        ),
        (
            "webhooks",
            json!({ "url": url, "events": ["run.failed"], "description": 1 }),
            "INVALID_FORMAT",
            "description",
        ),
        ("templates", json!({ "name": "x", "source": source }), "MISSING_FIELD", "id"),
        ("templates", json!({ "id": "x", "source": source }), "MISSING_FIELD", "name"),
        ("templates", json!({ "id": "x", "name": "x" }), "MISSING_FIELD", "source"),
        ("templates", json!({ "id": "My Shop", "name": "x", "source": source }), "INVALID_FORMAT", "id"),
        ("templates", json!({ "id": "-x", "name": "x", "source": source }), "INVALID_FORMAT", "id"),
        ("templates", json!({ "id": "", "name": "x", "source": source }), "INVALID_VALUE", "id"),
        ("templates", json!({ "id": "x", "name": "", "source": source }), "INVALID_VALUE", "name"),
        ("templates", json!({ "id": "x", "name": "x", "source": {} }), "MISSING_FIELD", "source.type"),
        (
            "templates",
            json!({ "id": "x", "name": "x", "source": { "type": "git" } }),
            "MISSING_FIELD",
            "source.repository",
        ),
        ("templates", json!({ "id": "x", "name": "x", "source": source, "tags": "a" }), "INVALID_FORMAT", "tags"),
        ("templates", json!({ "id": "x", "name": "x", "source": source, "tags": [""] }), "INVALID_VALUE", "tags[0]"),
        ("templates", json!({ "id": "x", "name": "x", "source": source, "hooks": 1 }), "INVALID_FORMAT", "hooks"),
        (
            "templates",
            json!({ "id": "x", "name": "x", "source": source, "variables": [{}] }),
            "MISSING_FIELD",
            "variables[0].name",
        ),
    ] {
        let details = client.post(&format!("/v1/{path}"), &body).await.refused(400, code);
        assert_eq!(details["errors"][0]["field"], field, "{body}");
    }
}

/// AG-17: a body that is no JSON object, or is not sent as JSON, is refused as a whole.
#[tokio::test]
async fn what_is_no_json_is_refused_as_a_whole() {
    let (_world, _, client) = one().await;
    let good = git_order().to_string();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let large = format!("{{\"taskPrompt\":\"{}\"}}", "x".repeat(1 << 20));
    let bodies: [&[u8]; 14] = [
        b"",
        b"{",
        b"nonsense",
        b"{} {}",
        b"[]",
        b"null",
        b"1",
        b"\"x\"",
        b"{\"a\":\"\xff\"}",
        b"{'a':1}",
        b"{\"taskPrompt\":\"a\",\"taskPrompt\":\"b\"}",
        b"{\"a\":{\"b\":1,\"b\":1}}",
        deep.as_bytes(),
        large.as_bytes(),
    ];
    for body in bodies {
        let answer = client.send(Method::POST, "/v1/work-orders", &[], Some(body.to_vec())).await;
        assert_eq!(answer.refused(400, "INVALID_REQUEST"), Value::Null);
    }
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "application/json; charset=latin1"),
        ("content-type", "application/jsonp"),
        ("content-encoding", "br"),
    ] {
        let answer = client.send(Method::POST, "/v1/work-orders", &[(name, value)], Some(good.clone().into())).await;
        answer.refused(400, "INVALID_REQUEST");
    }
    let headers = [("content-type", "Application/JSON; charset=UTF-8")];
    client.send(Method::POST, "/v1/work-orders", &headers, Some(good.into())).await.expect(201);
}

/// Our choice: members that are not known are ignored.
#[tokio::test]
async fn unknown_members_are_ignored() {
    let (_world, _, client) = one().await;
    let mut order = git_order();
    order["colour"] = json!("red");
    order["workspaceSource"]["depth"] = json!(1);
    client.submit(&order).await.expect(201);
}

/// Our choice: the table is long enough that no rule goes untested.
#[test]
fn the_table_is_long_enough() {
    assert!(submissions().len() >= 60, "{}", submissions().len());
}
