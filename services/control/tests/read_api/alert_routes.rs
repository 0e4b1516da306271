//! Routes of alerts: made, shown, changed, deleted.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_kernel::SmolStr;
use tidegate_ports::Documents;

use crate::house::*;

const ROUTES: &str = "/v1/routes";

fn webhook(name: &str) -> Value {
    json!({"name": name, "kind": "webhook", "url": "https://example.com/hook/s3cret?key=s3cret", "headers": {"X-A": "v4lue"}})
}

fn path(made: &Value) -> String {
    format!("{ROUTES}/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_route_is_made_read_changed_and_deleted() {
    let house = House::open().await;
    let answer = house.post(ROUTES, &webhook("ops")).await;
    let mut made = answer.with(201);
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("whsec_"));
    let id = made["id"].clone();
    assert!(id.as_str().unwrap().starts_with("aroute_eu_"));
    let expected = json!({
        "id": id, "name": "ops", "kind": "webhook", "target": "https://example.com/…", "enabled": true,
        "min_severity": "info", "min_interval_s": 3600, "reminders": true, "health": {"state": "ok"},
    });
    assert_eq!(made, expected);
    let read = house.get(&path(&made)).await;
    assert_eq!((read.ok(), read.etag()), (expected.clone(), answer.etag()));
    house.clock.advance_ms(1);
    let changed = house.patch(&path(&made), &json!({"alerts": ["run_failed"], "enabled": false})).await;
    assert_eq!((&changed.ok()["alerts"], &changed.ok()["enabled"]), (&json!(["run_failed"]), &json!(false)));
    assert_ne!(changed.etag(), read.etag());
    let same = house.patch(&path(&made), &json!({"enabled": false})).await;
    assert_eq!((same.ok(), same.etag()), (changed.ok(), changed.etag()), "a change of nothing is none");
    house.clock.advance_ms(1);
    house.delete(&path(&made)).await.is_empty_204();
    assert_refusal(&house.delete(&path(&made)).await, 404, "not_found", None);
    assert_refusal(&house.get(&path(&made)).await, 404, "not_found", None);
    let entries = house.get("/v1/audit").await.ok()["entries"].clone();
    let actions: Vec<&Value> = entries.as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["route.delete", "route.update", "route.create"]);
}

/// AC-72: no answer after the first, no list and no audit has a secret.
#[tokio::test]
async fn ac_72_no_secret_is_shown_again() {
    let house = House::open().await;
    let made = house.post(ROUTES, &webhook("ops")).await.with(201);
    let secret = made["secret"].as_str().unwrap().to_owned();
    let slack = json!({"name": "s", "kind": "slack", "url": "https://hooks.slack.com/services/s3cret"});
    let pager = json!({"name": "p", "kind": "pagerduty", "routing_key": "s3cret0123456789ABCD"});
    let mail = json!({"name": "m", "kind": "email", "to": "anna.s3cret@example.com"});
    for route in [slack, pager, mail] {
        let text = house.post(ROUTES, &route).await;
        assert!(!text.with(201).to_string().contains("s3cret"), "{}", text.text);
    }
    let rotated = house.post(&format!("{}/rotate-secret", path(&made)), &json!({})).await.ok();
    let (new, until) = (rotated["secret"].as_str().unwrap(), &rotated["previous_until"]);
    assert!(new.starts_with("whsec_") && new != secret);
    assert_eq!(until, "2026-05-16T12:00:00.000Z");
    for path in [
        ROUTES.to_owned(),
        path(&made),
        "/v1/audit".to_owned(),
        format!("{}/deliveries", path(&made)),
        "/v1/team".to_owned(),
    ] {
        let text = house.get(&path).await.text;
        for part in ["s3cret", "v4lue", "whsec_", &secret, new] {
            assert!(!text.contains(part), "{path}: {text}");
        }
    }
    let stored =
        house.documents.get(&team(1).to_string(), "route", made["id"].as_str().unwrap()).await.unwrap().unwrap();
    let stored: Value = serde_json::from_slice(&stored.doc).unwrap();
    assert_eq!(
        (&stored["secret"], &stored["previous"]["secret"]),
        (&json!(new), &json!(secret)),
        "both sign for a day"
    );
}

/// AC-81: a read key sees no targets.
#[tokio::test]
async fn ac_81_a_read_key_sees_no_targets() {
    let house = House::open().await;
    let made = house.post(ROUTES, &webhook("ops")).await.with(201);
    for path in [ROUTES.to_owned(), path(&made)] {
        let answer = house.get_as(Some(KEY_READS), &path).await;
        answer.ok();
        assert!(!answer.text.contains("target") && !answer.text.contains("example.com"), "{}", answer.text);
    }
}

/// AC-82: another team's route is as unknown as none.
#[tokio::test]
async fn ac_82_another_teams_route_is_unknown() {
    let house = House::open().await;
    let made = house.post(ROUTES, &webhook("ops")).await.with(201);
    let own = path(&made);
    for (method, below, body) in [
        (Method::GET, "", Value::Null),
        (Method::PATCH, "", json!({"enabled": false})),
        (Method::DELETE, "", Value::Null),
        (Method::POST, "/test", Value::Null),
        (Method::POST, "/rotate-secret", Value::Null),
        (Method::GET, "/deliveries", Value::Null),
    ] {
        let path = format!("{own}{below}");
        let other = house.change_as(KEY_B, method.clone(), &path, &body, &[]).await;
        assert_refusal(&other, 404, "not_found", None);
        let none = path.replace(made["id"].as_str().unwrap(), "aroute_eu_00000000000000000000000000000001");
        let unknown = house.change_as(KEY_B, method, &none, &body, &[]).await;
        assert_eq!(other.refusal(), unknown.refusal());
    }
    assert_eq!(house.get_as(Some(KEY_B), ROUTES).await.ok()["routes"], json!([]));
    house.post_as(Some(KEY_B), ROUTES, webhook("ops").to_string()).await.with(201);
}

/// AC-83: a stale tag changes nothing.
#[tokio::test]
async fn ac_83_a_stale_change_is_refused() {
    let house = House::open().await;
    let answer = house.post(ROUTES, &webhook("ops")).await;
    let (made, tag) = (answer.with(201), answer.etag());
    let path = path(&made);
    let changed = house.patch(&path, &json!({"min_severity": "error"})).await.etag();
    for (method, below, body) in [
        (Method::PATCH, "", json!({"enabled": false})),
        (Method::DELETE, "", Value::Null),
        (Method::POST, "/rotate-secret", Value::Null),
    ] {
        let stale = house.change_as(KEY_A, method, &format!("{path}{below}"), &body, &[("if-match", &tag)]).await;
        assert_refusal(&stale, 412, "stale", None);
    }
    assert_eq!(house.get(&path).await.etag(), changed);
    house.change_as(KEY_A, Method::DELETE, &path, &Value::Null, &[("if-match", &changed)]).await.is_empty_204();
}

/// A name is one route's, in its team; whoever named a route that goes does not name the next one of that name.
#[tokio::test]
async fn names_are_taken_and_freed() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let made = house.post(ROUTES, &webhook("ops")).await.with(201);
    let other = house.post(ROUTES, &webhook("other")).await.with(201);
    assert_refusal(&house.post(ROUTES, &webhook("ops")).await, 409, "name_taken", Some("name"));
    assert_refusal(&house.patch(&path(&other), &json!({"name": "ops"})).await, 409, "name_taken", Some("name"));
    house.patch("/v1/team", &json!({"routes": ["ops", "other"]})).await.ok();
    house.patch("/v1/agents/nightly", &json!({"routes": {"add": ["ops"]}})).await.ok();
    house.delete(&path(&made)).await.is_empty_204();
    assert_eq!(house.get("/v1/team").await.ok()["routes"], json!(["other"]));
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["routes"], json!({"add": []}));
    house.post(ROUTES, &webhook("ops")).await.with(201);
}

#[tokio::test]
async fn a_list_is_by_name_and_in_pages() {
    let house = House::open().await;
    for name in ["c", "a", "b"] {
        house.post(ROUTES, &webhook(name)).await.with(201);
    }
    let (mut names, mut cursor): (Vec<SmolStr>, String) = (Vec::new(), String::new());
    loop {
        let page = house.get(&format!("{ROUTES}?limit=2{cursor}")).await.ok();
        names.extend(page["routes"].as_array().unwrap().iter().map(|route| route["name"].as_str().unwrap().into()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
}

/// 4.5: a mail route asks for a digest, daily or weekly, at 08:00 of its zone; other kinds have none.
#[tokio::test]
async fn a_mail_route_asks_for_a_digest() {
    let house = House::open().await;
    let mail = json!({"name": "m", "kind": "email", "to": "ops@example.com", "digest": "daily"});
    let made = house.post(ROUTES, &mail).await.with(201);
    assert_eq!((&made["digest"], &made["digest_timezone"]), (&json!("daily"), &json!("UTC")));
    let path = path(&made);
    let berlin = json!({"digest": "weekly", "digest_timezone": "Europe/Berlin"});
    let changed = house.patch(&path, &berlin).await.ok();
    assert_eq!((&changed["digest"], &changed["digest_timezone"]), (&json!("weekly"), &json!("Europe/Berlin")));
    assert_eq!(house.patch(&path, &json!({"min_severity": "error"})).await.ok()["digest"], "weekly");
    assert_refusal(&house.patch(&path, &json!({"digest": "hourly"})).await, 400, "invalid_field", Some("digest"));
    let none = house.patch(&path, &json!({"digest": null})).await.ok();
    assert!(none.get("digest").is_none() && none.get("digest_timezone").is_none(), "{none}");
    let hook = house.post(ROUTES, &webhook("ops")).await.with(201);
    assert!(hook.get("digest").is_none());
    let refused = house.patch(&format!("{ROUTES}/{}", hook["id"].as_str().unwrap()), &berlin).await;
    assert_refusal(&refused, 400, "unknown_field", Some("digest"));
}

/// AC-85 of a digest: it is applied, changed, exported and unset as any other member.
#[tokio::test]
async fn ac_85_a_digest_is_part_of_a_file() {
    let house = House::open().await;
    let file = |digest: &str| format!("version: 1\nroutes:\n  m: {{kind: email, to: ops@example.com{digest}}}\n");
    let sent = |yaml: &str| json!({ "yaml": yaml });
    let daily = file(", digest: daily");
    house.put("/v1/config", &sent(&daily)).await.ok();
    assert_eq!(house.put("/v1/config", &sent(&daily)).await.ok()["changes"], json!([]));
    let yaml = house.get("/v1/config").await.ok()["yaml"].as_str().unwrap().to_owned();
    assert!(yaml.contains("digest: daily") && !yaml.contains("digest_timezone"), "{yaml}");
    assert_eq!(house.put("/v1/config", &sent(&yaml)).await.ok()["changes"], json!([]), "{yaml}");
    let weekly = file(", digest: weekly, digest_timezone: Europe/Berlin");
    let changed = house.put("/v1/config", &sent(&weekly)).await.ok();
    assert_eq!(
        changed["changes"],
        json!([
            {"op": "update", "what": "routes.m", "field": "digest", "from": "daily", "to": "weekly"},
            {"op": "update", "what": "routes.m", "field": "digest_timezone", "from": "UTC", "to": "Europe/Berlin"},
        ])
    );
    let refused = house.put("/v1/config", &sent(&file(", digest: hourly"))).await.with(400);
    assert_eq!((&refused["faults"][0]["path"], &refused["faults"][0]["line"]), (&json!("routes.m.digest"), &json!(3)));
    house.put("/v1/config", &sent(&file(""))).await.ok();
    assert!(house.get("/v1/routes").await.ok()["routes"][0].get("digest").is_none());
}
