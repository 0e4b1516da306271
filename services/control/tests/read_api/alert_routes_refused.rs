//! Routes that are not made, each with the member to blame.

use serde_json::{Value, json};

use crate::house::*;

fn hook(members: Value) -> Value {
    let mut all = json!({"name": "ops", "kind": "webhook", "url": "https://example.com/"});
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    all
}

/// AC-89: no input gives a 500, and each refusal names its member.
#[tokio::test]
async fn ac_89_bad_routes_are_refused() {
    let house = House::open().await;
    let (invalid, unknown) = ("invalid_field", "unknown_field");
    for (body, code, field) in [
        (json!([]), invalid, None),
        (json!("ops"), invalid, None),
        (json!({}), invalid, Some("kind")),
        (json!({"kind": "sms"}), invalid, Some("kind")),
        (json!({"kind": "webhook", "name": "ops"}), invalid, Some("url")),
        (hook(json!({"name": 7})), invalid, Some("name")),
        (hook(json!({"id": "x"})), unknown, Some("id")),
        (hook(json!({"routing_key": "R1"})), unknown, Some("routing_key")),
        (hook(json!({"headers": {"Host": "x"}})), invalid, Some("headers.Host")),
        (hook(json!({"headers": {"X-A": "a\r\nb: c"}})), invalid, Some("headers.X-A")),
        (hook(json!({"secret": "whsec_short"})), invalid, Some("secret")),
        (hook(json!({"alerts": ["nothing"]})), invalid, Some("alerts[0]")),
        (hook(json!({"min_severity": "grave"})), invalid, Some("min_severity")),
        (hook(json!({"min_interval_s": -1})), invalid, Some("min_interval_s")),
        (hook(json!({"enabled": 1})), invalid, Some("enabled")),
        (json!({"name": "m", "kind": "email", "to": "a@b.test\r\nBcc: c@d.test"}), invalid, Some("to")),
        (json!({"name": "p", "kind": "pagerduty"}), invalid, Some("routing_key")),
    ] {
        let answer = house.post("/v1/routes", &body).await;
        let expected = (400, code.to_owned(), field.map(str::to_owned));
        assert_eq!(answer.refusal(), expected, "{body}: {}", answer.text);
    }
    assert_eq!(house.get("/v1/routes").await.ok()["routes"], json!([]));
    assert_eq!(house.get("/v1/audit").await.ok()["entries"], json!([]));
}

/// AC-59: each target that is not allowed is refused when it is set, in every notation, with the rule and nothing else of it.
#[tokio::test]
async fn ac_59_targets_are_judged_when_they_are_set() {
    let house = House::open().await;
    let made = house.post("/v1/routes", &hook(json!({}))).await.with(201);
    let path = format!("/v1/routes/{}", made["id"].as_str().unwrap());
    for (url, rule) in [
        ("http://example.com/", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("nothing", "URL"),
        ("https://user:s3cret@example.com/", "user"),
        ("https://example.com:25/", "port"),
        ("https://example.com:80/", "port"),
        ("https://127.0.0.1/", "loopback"),
        ("https://127.1/", "loopback"),
        ("https://2130706433/", "loopback"),
        ("https://0x7f000001/", "loopback"),
        ("https://0177.0.0.1/", "loopback"),
        ("https://localhost/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:127.0.0.1]/", "IPv4 inside IPv6"),
        ("https://[64:ff9b::a00:1]/", "IPv4 inside IPv6"),
        ("https://[2002:a00:1::]/", "IPv4 inside IPv6"),
        ("https://10.0.0.1/", "private"),
        ("https://172.16.0.1/", "private"),
        ("https://192.168.1.1/", "private"),
        ("https://169.254.169.254/", "cloud metadata"),
        ("https://169.254.1.1/", "link-local"),
        ("https://100.64.0.1/", "shared"),
        ("https://224.0.0.1/", "multicast"),
        ("https://0.0.0.0/", "unspecified"),
        ("https://192.0.2.1/", "documentation"),
        ("https://198.18.0.1/", "benchmark"),
        ("https://[fd00::1]/", "unique local"),
    ] {
        for kind in ["webhook", "slack"] {
            let answer = house.post("/v1/routes", &json!({"name": "x", "kind": kind, "url": url})).await;
            assert_refusal(&answer, 400, "invalid_field", Some("url"));
            assert!(answer.message().contains(rule) && !answer.text.contains("s3cret"), "{url}: {}", answer.text);
        }
        assert_refusal(&house.patch(&path, &json!({"url": url})).await, 400, "invalid_field", Some("url"));
    }
    assert_eq!(house.get("/v1/routes").await.ok()["routes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_changed_is_said() {
    let house = House::open().await;
    let made = house.post("/v1/routes", &hook(json!({}))).await.with(201);
    let path = format!("/v1/routes/{}", made["id"].as_str().unwrap());
    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (body, field) in
        [(json!({"kind": "slack"}), "kind"), (json!({"secret": secret}), "secret"), (json!({"url": null}), "url")]
    {
        assert_refusal(&house.patch(&path, &body).await, 400, "invalid_field", Some(field));
    }
    let slack = json!({"name": "s", "kind": "slack", "url": "https://hooks.slack.com/x"});
    let slack = house.post("/v1/routes", &slack).await.with(201);
    let rotate = format!("/v1/routes/{}/rotate-secret", slack["id"].as_str().unwrap());
    assert_refusal(&house.post(&rotate, &json!({})).await, 400, "invalid_field", Some("kind"));
    assert_refusal(&house.post(&rotate, &json!({"x": 1})).await, 400, "unknown_field", Some("x"));
    for id in ["x", "%FF", "aroute_us_00000000000000000000000000000001", "whd_eu_00000000000000000000000000000001"] {
        assert_refusal(&house.get(&format!("/v1/routes/{id}")).await, 404, "not_found", None);
        assert_refusal(&house.post(&format!("/v1/deliveries/{id}/resend"), &json!({})).await, 404, "not_found", None);
    }
}
