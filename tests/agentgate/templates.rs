//! Templates.

use serde_json::{Value, json};

use super::{Limited, another, one};

const BUILT_IN: [&str; 6] = [
    "next-typescript",
    "node-typescript-api",
    "node-typescript-lib",
    "python-fastapi",
    "python-flask",
    "react-typescript",
];

fn template() -> Value {
    json!({
        "id": "my-shop", "name": "Shop", "description": "A shop.",
        "source": { "type": "git", "repository": "https://github.com/example/shop", "branch": "main" },
        "variables": [{ "name": "title", "description": "Of the shop", "required": true, "default": "Shop" }],
        "hooks": { "postCreate": "npm install" }, "tags": ["shop", "web"],
    })
}

/// AG-39: every organization has the built-in templates, and none can change them.
#[tokio::test]
async fn built_in_templates_are_listed_and_stay() {
    let (_world, _, client) = one().await;
    let body = client.get("/v1/templates").await.expect(200).json();
    let ids: Vec<&str> = body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((ids, &body["total"]), (BUILT_IN.to_vec(), &json!(6)));
    assert!(body["data"].as_array().unwrap().iter().all(|one| one["builtIn"] == true && one["name"].is_string()));
    for id in BUILT_IN {
        let path = format!("/v1/templates/{id}");
        assert_eq!(client.get(&path).await.expect(200).json()["builtIn"], true);
        let expected = json!({ "templateId": id, "builtIn": true });
        let details = client.put(&path, &json!({ "name": "Mine" })).await.refused(403, "INSUFFICIENT_PERMISSIONS");
        assert_eq!(details, expected);
        assert_eq!(client.delete(&path).await.refused(403, "INSUFFICIENT_PERMISSIONS"), expected);
    }
}

/// Our choice: a template is created, read, listed, changed in part, and deleted; a second one of its id is refused.
#[tokio::test]
async fn a_template_has_a_life() {
    let (world, _, client) = one().await;
    let (_, stranger) = another(&world, Limited::default()).await;
    let made = client.post("/v1/templates", &template()).await.expect(201).json();
    for (name, value) in template().as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    assert_eq!((&made["builtIn"], made.get("updatedAt")), (&json!(false), None));
    for id in ["my-shop", "python-flask"] {
        let mut taken = template();
        taken["id"] = json!(id);
        let details = client.post("/v1/templates", &taken).await.refused(400, "INVALID_VALUE");
        assert_eq!(details["errors"][0]["field"], "id");
    }
    stranger.post("/v1/templates", &template()).await.expect(201);
    assert_eq!(client.get("/v1/templates/my-shop").await.expect(200).json(), made);
    let tagged = client.get("/v1/templates?tag=web").await.expect(200).json();
    assert!(tagged["data"].as_array().unwrap().contains(&made));
    assert_eq!(client.get("/v1/templates?tag=nothing").await.expect(200).json()["total"], 0);
    let changed = client.put("/v1/templates/my-shop", &json!({ "name": "Store" })).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["source"]), (&json!("Store"), &made["source"]));
    assert!(changed["updatedAt"].is_string());
    assert_eq!(client.get("/v1/templates/my-shop").await.json(), changed);
    client.delete("/v1/templates/my-shop").await.expect(204);
    client.get("/v1/templates/my-shop").await.refused(404, "TEMPLATE_NOT_FOUND");
    client.delete("/v1/templates/my-shop").await.refused(404, "TEMPLATE_NOT_FOUND");
    client.put("/v1/templates/my-shop", &json!({})).await.refused(404, "TEMPLATE_NOT_FOUND");
    stranger.get("/v1/templates/my-shop").await.expect(200);
}
