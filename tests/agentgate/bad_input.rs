//! Bad input at every endpoint, by the description of the port: each body, each id in a path, and each parameter of a query.
//! An endpoint, a parameter or a header that is added is tried, or fails here until it is.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Client, one, worker};

const DESCRIPTION: &str = include_str!("../../docs/openapi/agentgate.json");

/// One endpoint with one method.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: String,
    takes_body: bool,
    query: Vec<String>,
    headers: Vec<String>,
}

impl Operation {
    fn all() -> Vec<Operation> {
        let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let mut all = Vec::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let named = |place: &str| {
                    let parameters = operation["parameters"].as_array().into_iter().flatten();
                    let placed = parameters.filter(|parameter| parameter["in"] == place);
                    placed.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
                };
                all.push(Operation {
                    method: Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap(),
                    path: path.clone(),
                    takes_body: operation.get("requestBody").is_some(),
                    query: named("query"),
                    headers: named("header"),
                });
            }
        }
        assert!(all.len() >= 20, "{} operations: the walk misses some", all.len());
        all
    }

    fn is_workers(&self) -> bool {
        self.path.starts_with("/worker/")
    }

    fn at(&self, id: &str) -> String {
        self.path.replace("{id}", id)
    }

    /// The code of an id that is unknown.
    fn unknown(&self) -> &'static str {
        match self.path.split('/').find(|part| part.ends_with('s')).unwrap() {
            "runs" => "RUN_NOT_FOUND",
            "work-orders" => "WORK_ORDER_NOT_FOUND",
            "webhooks" => "WEBHOOK_NOT_FOUND",
            "templates" => "TEMPLATE_NOT_FOUND",
            other => panic!("no code for {other}"),
        }
    }
}

/// A client and a worker of one organization, and a run that the worker has leased.
struct Callers {
    client: Client,
    worker: Client,
    run: String,
}

impl Callers {
    /// Calls an operation as the one who may.
    async fn call(&self, operation: &Operation, id: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let caller = if operation.is_workers() { &self.worker } else { &self.client };
        caller.send(operation.method.clone(), &operation.at(id), headers, Some(body.to_vec())).await
    }
}

async fn callers() -> (crate::World, Callers) {
    let (world, org, client) = one().await;
    let worker = worker(&world, &org).await;
    let run = client.run().await;
    worker.post("/worker/v1/leases", &json!({ "worker": "a" })).await.expect(200);
    (world, Callers { client, worker, run })
}

/// AG-17: no endpoint takes a body that is no JSON object, or that is not sent as JSON.
#[tokio::test]
async fn no_endpoint_takes_a_body_that_is_no_json_object() {
    let (_world, callers) = callers().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let many = format!("{{\"a\":[{}{{}}]}}", "{\"b\":1},".repeat(10_000));
    let bodies: [&[u8]; 16] = [
        b"",
        b" ",
        b"{",
        b"nonsense",
        b"{} {}",
        b"[]",
        b"null",
        b"1",
        b"\"x\"",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\xff\"}",
        b"{'a':1}",
        b"{\"a\":1,\"a\":1}",
        deep.as_bytes(),
        many.as_bytes(),
        large.as_bytes(),
    ];
    let mut tried = 0;
    for operation in Operation::all().iter().filter(|operation| operation.takes_body) {
        // A worker's run is looked up before its body is read.
        let id = if operation.is_workers() { &callers.run } else { "x" };
        for body in bodies {
            let answer = callers.call(operation, id, &[], body).await;
            assert_eq!(answer.refused(400, "INVALID_REQUEST"), Value::Null, "{operation:?}");
        }
        for header in [
            ("content-type", "text/plain"),
            ("content-type", ""),
            ("content-type", "application/json; charset=latin1"),
            ("content-encoding", "br"),
            ("content-encoding", "gzip"),
        ] {
            let answer = callers.call(operation, id, &[header], b"{}").await;
            assert_eq!(answer.refused(400, "INVALID_REQUEST"), Value::Null, "{operation:?} {header:?}");
        }
        tried += 1;
    }
    assert_eq!(tried, 8, "endpoints that take a body");
}

/// AG-31: whatever stands where an id does, there is no such thing; and the answer names it as it was sent.
#[tokio::test]
async fn any_id_in_a_path_is_at_most_unknown() {
    let (_world, callers) = callers().await;
    let long = "x".repeat(4_000);
    for operation in Operation::all().iter().filter(|operation| operation.path.contains("{id}")) {
        for id in ["x", "run_", "wh_00000000000000000000000007", "%00", "%FF", "a%20b", "'", "RUN_X", &long] {
            let answer = callers.call(operation, id, &[], b"{}").await;
            let details = answer.refused(404, operation.unknown());
            let named: Vec<&Value> = details.as_object().unwrap().values().collect();
            assert_eq!(named, [id], "{operation:?}");
        }
    }
}

/// AG-36: each parameter of a query is read once, as text that is not empty.
#[tokio::test]
async fn each_parameter_is_checked() {
    let (_world, callers) = callers().await;
    let mut tried = 0;
    for operation in Operation::all() {
        for name in &operation.query {
            for (value, kind) in [
                (format!("{name}=1&{name}=1"), Some("INVALID_FORMAT")),
                (format!("{name}=%FF"), Some("INVALID_FORMAT")),
                (format!("{name}="), None),
                (format!("{name}={}", "9".repeat(300)), None),
            ] {
                let path = format!("{}?{value}", operation.path);
                let answer = callers.client.send(operation.method.clone(), &path, &[], None).await;
                let code = answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
                assert!(kind.map_or(code.starts_with("INVALID_"), |kind| code == kind), "{answer}");
                assert_eq!(answer.refused(400, &code)["errors"][0]["field"], name.as_str(), "{path}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried} parameters: the walk misses some");
}

/// Our choice: the headers that an endpoint reads have their cases: this one in `idempotency.rs`, that of the key in
/// `authentication.rs`, those of the body above.
#[test]
fn each_header_has_its_cases() {
    let headers: Vec<String> = Operation::all().into_iter().flat_map(|operation| operation.headers).collect();
    assert_eq!(headers, ["Idempotency-Key"]);
}
