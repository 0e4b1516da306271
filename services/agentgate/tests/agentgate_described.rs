//! The description that is checked in is what the code says, and each route that it names is counted.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::path::Path;

use serde_json::Value;
use tidegate_door::openapi::text;

#[test]
fn what_is_checked_in_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi/agentgate.json");
    let (checked_in, generated) = (std::fs::read_to_string(path), text(&tidegate_agentgate_api::openapi()));
    assert!(checked_in.is_ok_and(|text| text == generated), "run `make openapi` and read the difference");
}

#[test]
fn every_endpoint_is_described() {
    let description: Value = serde_json::from_str(&text(&tidegate_agentgate_api::openapi())).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
    let (workers, clients): (Vec<&Value>, Vec<&Value>) =
        operations.partition(|operation| operation["security"][0]["worker_key"].is_array());
    assert_eq!((clients.len(), workers.len()), (18, 3));
}
