//! The form of answers and refusals.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Client, Limited, another, one};
use crate::World;

/// The codes of the error reference, each with its status.
const CODES: [(u16, &str); 23] = [
    (401, "MISSING_API_KEY"),
    (401, "INVALID_API_KEY_FORMAT"),
    (401, "INVALID_API_KEY"),
    (401, "EXPIRED_API_KEY"),
    (403, "INSUFFICIENT_PERMISSIONS"),
    (403, "SCOPE_REQUIRED"),
    (403, "ORGANIZATION_SUSPENDED"),
    (400, "INVALID_REQUEST"),
    (400, "MISSING_FIELD"),
    (400, "INVALID_FORMAT"),
    (400, "INVALID_VALUE"),
    (402, "INSUFFICIENT_CREDITS"),
    (402, "BILLING_ERROR"),
    (404, "RESOURCE_NOT_FOUND"),
    (404, "RUN_NOT_FOUND"),
    (404, "WORK_ORDER_NOT_FOUND"),
    (404, "WEBHOOK_NOT_FOUND"),
    (404, "TEMPLATE_NOT_FOUND"),
    (429, "RATE_LIMITED"),
    (429, "CONCURRENT_LIMIT"),
    (500, "INTERNAL_ERROR"),
    (503, "SERVICE_UNAVAILABLE"),
    (504, "TIMEOUT"),
];

/// AG-06, AG-44: whatever is sent anywhere, a refusal has the envelope, and a code of the reference with its status.
#[tokio::test]
async fn every_refusal_has_the_envelope_and_a_known_code() {
    let (world, _, client) = one().await;
    let stranger = Client::without_key(world.url());
    let paths = [
        "/",
        "/v1",
        "/v1/",
        "/v1/runs",
        "/v1/runs/x",
        "/v1/runs/x/cancel",
        "/v1/work-orders",
        "/v1/credits",
        "/v2/runs",
    ];
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            for body in [None, Some(b"{".to_vec()), Some(b"{}".to_vec())] {
                for client in [&client, &stranger] {
                    let method = Method::from_bytes(method.as_bytes()).unwrap();
                    let answer = client.send(method, path, &[], body.clone()).await;
                    assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req_")), "{answer}");
                    if answer.status.is_success() {
                        continue;
                    }
                    let text = answer.to_string();
                    let body = answer.json();
                    let error = body["error"].as_object().unwrap_or_else(|| panic!("{text}"));
                    let known = ["code", "message", "details"];
                    assert!(error.keys().all(|name| known.contains(&name.as_str())), "{text}");
                    let pair = (answer.status.as_u16(), error["code"].as_str().unwrap());
                    assert!(CODES.contains(&pair), "{text}");
                    assert!(error.get("details").is_none_or(Value::is_object), "{text}");
                    answer.refused(pair.0, pair.1);
                }
            }
        }
    }
}

/// What comes back for these bytes until the other side closes.
async fn said(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is a close too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// AG-06, AG-44: a request whose head cannot be read is refused like every other one that is wrong as a whole.
#[tokio::test]
async fn a_head_that_cannot_be_read_is_an_invalid_request() {
    let world = World::start().await;
    let many: String = (0..120).map(|n| format!("x-{n}: 1\r\n")).collect();
    for request in [
        format!("GET /v1/runs HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
        format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000)),
        "GET /v1/runs HTTP/1.1\r\nhost : a\r\n\r\n".to_owned(),
    ] {
        let answer = said(world.url(), &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole head: {answer:?}"));
        assert!(head.starts_with("HTTP/1.1 400 "), "{answer}");
        for header in ["content-type: application/json", "x-request-id: req_"] {
            assert!(head.to_ascii_lowercase().contains(header), "{header}: {answer}");
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let message = &body["error"]["message"];
        assert!(message.as_str().is_some_and(|message| !message.is_empty()), "{answer}");
        assert_eq!(body, json!({ "error": { "code": "INVALID_REQUEST", "message": message } }));
    }
}

/// Our choice: a request's id is `req_` and a token of the front door's own, whatever the client sends.
#[tokio::test]
async fn a_requests_id_is_the_front_doors_own() {
    let (world, _, client) = one().await;
    let stranger = Client::without_key(world.url());
    for (client, path) in [
        (&client, "/v1/runs"),
        (&client, "/v1/nothing"),
        (&stranger, "/v1/runs"),
        (&stranger, "/openapi.json"),
        (&stranger, "/healthz"),
    ] {
        for sent in ["my-id-7", "req_0123456789abcdef0123"] {
            let answer = client.send(Method::GET, path, &[("x-request-id", sent)], None).await;
            let id = answer.header("x-request-id").unwrap();
            let token = id.strip_prefix("req_").unwrap_or_else(|| panic!("{answer}"));
            assert!(
                id != sent && token.len() > 8 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{answer}"
            );
        }
    }
}

/// AG-32: an unknown path, and a wrong method, are no resource; and the path is named.
#[tokio::test]
async fn an_unknown_path_is_no_resource() {
    let (world, _, client) = one().await;
    for (method, path) in
        [("GET", "/v1/nothing"), ("GET", "/v1/work-orders"), ("OPTIONS", "/v1/runs"), ("PUT", "/v1/credits")]
    {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let details = client.send(method, path, &[], None).await.refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(details["path"], path);
    }
    Client::without_key(world.url()).get("/v1/nothing").await.refused(401, "MISSING_API_KEY");
}

/// AG-31: each kind of resource has a code of its own.
#[tokio::test]
async fn unknown_ids_have_codes_of_their_own() {
    let (_world, _, client) = one().await;
    let well_formed = "00000000000000000000000007";
    for id in [well_formed, "x", "%00", "..", "a%20b"] {
        for (path, code, member, prefix) in [
            ("/v1/runs/", "RUN_NOT_FOUND", "runId", "run_"),
            ("/v1/work-orders/", "WORK_ORDER_NOT_FOUND", "workOrderId", "wo_"),
            ("/v1/webhooks/", "WEBHOOK_NOT_FOUND", "webhookId", "wh_"),
            ("/v1/templates/", "TEMPLATE_NOT_FOUND", "templateId", ""),
        ] {
            let id = format!("{prefix}{id}");
            if id == ".." {
                continue;
            }
            let details = client.get(&format!("{path}{id}")).await.refused(404, code);
            assert_eq!(details[member], id.as_str());
        }
    }
    client.send(Method::POST, "/v1/runs/run_x/cancel", &[], None).await.refused(404, "RUN_NOT_FOUND");
    client.send(Method::POST, "/v1/webhooks/wh_x/test", &[], None).await.refused(404, "WEBHOOK_NOT_FOUND");
}

/// AG-32: what another organization has is answered like what does not exist.
#[tokio::test]
async fn anothers_ids_are_unknown() {
    let (world, _, client) = one().await;
    let (_, other) = another(&world, Limited::default()).await;
    let run = client.run().await;
    let order = run.replace("run_", "wo_");
    for (path, code) in
        [(format!("/v1/runs/{run}"), "RUN_NOT_FOUND"), (format!("/v1/work-orders/{order}"), "WORK_ORDER_NOT_FOUND")]
    {
        client.get(&path).await.expect(200);
        other.get(&path).await.refused(404, code);
    }
    other.send(Method::POST, &format!("/v1/runs/{run}/cancel"), &[], None).await.refused(404, "RUN_NOT_FOUND");
    assert_eq!(client.get(&format!("/v1/runs/{run}")).await.json()["status"], "pending");
}
