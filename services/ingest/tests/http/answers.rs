//! What is answered: bodies, headers, text.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::house::*;

#[tokio::test]
async fn a_run_from_start_to_finish() {
    let house = House::new(Options::default()).await;
    let started = house.send(post("/v1/runs", &start_body())).await;
    let expected = json!({"id": RUN, "agent": "daily", "started_at": NOW, "received_at": NOW, "status": "running"});
    assert_eq!((started.status, started.json()), (StatusCode::ACCEPTED, expected.clone()));
    let again = house.send(post("/v1/runs", &start_body())).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, expected));
    let other = house.send(post("/v1/runs", &start_body().replace("daily", "nightly"))).await;
    assert_eq!((other.status, &other.json()["error"]), (StatusCode::CONFLICT, &json!("id_conflict")));
    assert_eq!(other.json()["field"], "agent");

    let item = |last: u8, kind: &str| {
        format!(
            r#"{{"external_id":"evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3{last:02x}","type":"{kind}","ts":"{NOW}","data":[]}}"#
        )
    };
    let events = format!("/v1/runs/{RUN}/events");
    let batch = |items: &[String]| format!("{{\"events\":[{}]}}", items.join(","));
    let taken = house.send(post(&events, &batch(&[item(1, "log"), item(2, "step")]))).await;
    let expected = json!({"run_id": RUN, "accepted": 2, "duplicates": 0, "received_at": NOW});
    assert_eq!((taken.status, taken.json()), (StatusCode::ACCEPTED, expected));
    // The duplicate before it does not change the index that the conflict names.
    let conflicting = batch(&[item(3, "log"), item(3, "log"), item(2, "log")]);
    let refused = house.send(post(&events, &conflicting)).await;
    assert_eq!((refused.status, &refused.json()["field"]), (StatusCode::CONFLICT, &json!("events[2].external_id")));

    let finished = house.send(post(&format!("/v1/runs/{RUN}/finish"), r#"{"status":"success"}"#)).await;
    assert_eq!(finished.status, StatusCode::ACCEPTED);
    let body = finished.json();
    assert_eq!(
        (&body["status"], &body["agent"], &body["duration_ms"]),
        (&json!("success"), &json!("daily"), &json!(0))
    );
}

#[tokio::test]
async fn heartbeats_and_pings() {
    let house = House::new(Options::default()).await;
    let body = r#"{"agent":"daily","cost_usd":0.084,"duration_ms":12300}"#;
    let beaten = house.send(post("/v1/heartbeats", body)).await;
    assert_eq!(beaten.status, StatusCode::ACCEPTED);
    assert!(beaten.text.contains("\"cost_usd\":0.084"), "{}", beaten.text);
    let body = beaten.json();
    assert_eq!((&body["status"], &body["started_at"], &body["finished_at"]), (&json!("ok"), &json!(NOW), &json!(NOW)));
    assert!(body["id"].as_str().unwrap().starts_with("run_eu_"));

    let ok = house.send(get(&format!("/v1/ping?key={TOKEN}&agent=daily"))).await;
    assert_eq!((ok.status, ok.text.as_str()), (StatusCode::OK, "OK\n"));
    assert_eq!(ok.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(ok.header("cache-control"), Some("no-store"));
    let mut asking = get(&format!("/v1/ping?agent=daily&key={TOKEN}&status=start"));
    asking.headers_mut().insert("accept", "application/json".parse().unwrap());
    let body = house.send(asking).await.json();
    assert_eq!(
        (&body["agent"], &body["status"], &body["received_at"]),
        (&json!("daily"), &json!("start"), &json!(NOW))
    );
}

#[tokio::test]
async fn ping_errors_are_text_with_the_code_in_a_header() {
    let house = House::new(Options::default()).await;
    for (query, status, code, text) in [
        (format!("key={TOKEN}"), 400, "missing_field", "missing required parameter: agent\n"),
        (
            format!("key={TOKEN}&agent=other"),
            401,
            "scope_violation",
            "This ping token is scoped to agent \"daily\".\nYou attempted to fire a heartbeat for \"other\".\n",
        ),
        (
            "agent=daily".to_owned(),
            401,
            "invalid_credential",
            "invalid_credential No credential was sent. Send one as 'Authorization: Bearer <credential>' or \
             'X-AgentPing-Key'.\n",
        ),
    ] {
        let answer = house.send(get(&format!("/v1/ping?{query}"))).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, text));
        assert_eq!(answer.header("x-agentping-error"), Some(code));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    let mut asking = get(&format!("/v1/ping?key={TOKEN}"));
    asking.headers_mut().insert("accept", "application/json".parse().unwrap());
    let answer = house.send(asking).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("missing_field")));
}

#[tokio::test]
async fn what_has_no_route_answers_in_the_envelope() {
    let house = House::new(Options::default()).await;
    for (method, target, status, allow) in [
        (Method::GET, "/v1", 404, None),
        (Method::POST, "/v1/runs/x/y/z", 404, None),
        (Method::GET, "/v1/runs", 405, Some("POST")),
        (Method::DELETE, "/v1/heartbeats", 405, Some("POST")),
        (Method::GET, "/v1/runs/x/events", 405, Some("POST")),
        (Method::PUT, "/v1/runs/x/finish", 405, Some("POST")),
        (Method::POST, "/openapi.json", 405, Some("GET, HEAD")),
    ] {
        let answer = house.send(request(method.clone(), target, "")).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {target}");
        assert_eq!(answer.header("allow"), allow, "{method} {target}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.json()["message"].is_string());
    }
    for method in [Method::HEAD, Method::POST] {
        let answer = house.send(request(method, "/v1/ping?agent=daily", "")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET")));
    }
    assert_eq!(house.records(), 0);
    let description = house.send(get("/openapi.json")).await;
    assert_eq!((description.status, &description.json()["openapi"]), (StatusCode::OK, &json!("3.1.0")));
}

#[tokio::test]
async fn request_ids_go_in_and_out() {
    let house = House::new(Options::default()).await;
    let long = "x".repeat(129);
    for (sent, kept) in [("abc-123", true), (long.as_str(), false), ("with space", false), ("", false)] {
        let request = Request::get("/nothing").header("x-request-id", sent).body(Body::empty()).unwrap();
        let answer = house.send(request).await;
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id == sent, kept, "{sent} {id}");
        assert!(kept || (id.starts_with("req_") && id.len() == 24), "{id}");
    }
}
