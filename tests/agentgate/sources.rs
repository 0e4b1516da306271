//! Where workspaces come from, and what is checked of them.

use serde_json::{Value, json};

use super::submitting::submitted;
use super::{git_order, one};

fn with_source(source: Value) -> Value {
    let mut order = git_order();
    order["workspaceSource"] = source;
    order
}

/// AG-19: every type of source, with its documented fields.
#[tokio::test]
async fn every_type_of_source_is_taken() {
    let (_world, _, client) = one().await;
    for source in [
        json!({ "type": "git", "repository": "git@github.com:example/app.git", "branch": "main", "commit": "abc123" }),
        json!({ "type": "git", "repository": "https://gitlab.com/example/app" }),
        json!({ "type": "template", "templateId": "python-flask", "variables": { "name": "shop" } }),
        json!({ "type": "template", "templateId": "node-typescript-api" }),
        json!({ "type": "url", "url": "https://example.com/app.tar.gz", "format": "tar.gz" }),
        json!({ "type": "url", "url": "https://example.com/app.zip" }),
    ] {
        assert_eq!(submitted(&client, &with_source(source.clone())).await["workspaceSource"], source);
    }
}

/// AG-20: a gate plan is an object or a text, and is kept as it was sent.
#[tokio::test]
async fn a_gate_plan_is_an_object_or_a_text() {
    let (_world, _, client) = one().await;
    for plan in [json!({ "levels": ["L0", "L1"], "other": [1] }), json!({}), json!("L2"), json!("L0, L1,L3")] {
        let mut order = git_order();
        order["gatePlan"] = plan.clone();
        assert_eq!(submitted(&client, &order).await["gatePlan"], plan);
    }
}

/// AG-31: a submission that names a template that does not exist.
#[tokio::test]
async fn an_unknown_template_is_not_found() {
    let (_world, _, client) = one().await;
    for id in ["nobody-has-this", "NOT A SLUG"] {
        let order = with_source(json!({ "type": "template", "templateId": id }));
        let details = client.submit(&order).await.refused(404, "TEMPLATE_NOT_FOUND");
        assert_eq!(details["templateId"], id);
    }
}

/// Our choice: a variable that a template requires must be supplied.
#[tokio::test]
async fn a_required_variable_must_be_supplied() {
    let (_world, _, client) = one().await;
    let template = json!({
        "id": "shop", "name": "Shop", "source": { "type": "git", "repository": "https://github.com/example/shop" },
        "variables": [{ "name": "title", "description": "", "required": true },
            { "name": "colour", "description": "", "required": true, "default": "blue" }],
    });
    client.post("/v1/templates", &template).await.expect(201);
    let order =
        |variables: Value| with_source(json!({ "type": "template", "templateId": "shop", "variables": variables }));
    let details = client.submit(&order(json!({}))).await.refused(400, "MISSING_FIELD");
    assert_eq!(details["errors"][0]["field"], "workspaceSource.variables.title");
    client.submit(&order(json!({ "title": "My shop" }))).await.expect(201);
}
