//! The description says what is served and parsed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::parse::{event, finish, heartbeat, start};
use crate::refusal_table::Problem;

fn described() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

#[test]
fn the_members_described_are_the_members_read() {
    let description = described();
    for (schema, read, required) in [
        ("RunStart", &start::SHAPE.names[..], start::SHAPE.required),
        ("EventItem", &event::SHAPE.names[..], event::SHAPE.required),
        ("RunFinish", &finish::SHAPE.names[..], finish::SHAPE.required),
        ("HeartbeatBody", &heartbeat::SHAPE.names[..], heartbeat::SHAPE.required),
    ] {
        let schema = &description["components"]["schemas"][schema];
        let members: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, read.iter().copied().collect(), "{schema}");
        let needed: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(needed, required.iter().map(|names| names[0]).collect(), "{schema}");
    }
}

#[test]
fn the_members_of_a_refusal_are_described() {
    use tidegate_admission::{Class, Refusal, ShedCause};
    let shed = Refusal::Shed { class: Class::Events, cause: ShedCause::Age, retry_after_s: 1 };
    let envelope: Value = serde_json::from_str(&Problem::Refusal(shed).entry().field("id").envelope()).unwrap();
    let properties = &described()["components"]["schemas"]["ErrorBody"]["properties"];
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(names(&envelope), names(properties));
}

#[test]
fn the_five_endpoints_are_described_with_their_refusals() {
    let description = described();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = description["paths"].as_object().unwrap();
    let routes: Vec<(&str, &str)> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (path.as_str(), method.as_str())))
        .collect();
    assert_eq!(
        routes,
        [
            ("/v1/heartbeats", "post"),
            ("/v1/ping", "get"),
            ("/v1/runs", "post"),
            ("/v1/runs/{id}/events", "post"),
            ("/v1/runs/{id}/finish", "post"),
        ]
    );
    use tidegate_agentping::routes::{INGEST, ROUTES};
    let of_ingest = ROUTES.iter().filter(|(port, _, path)| *port == INGEST && path.starts_with("/v1"));
    let likely: BTreeSet<(&str, String)> =
        of_ingest.map(|(_, method, path)| (*path, method.to_ascii_lowercase())).collect();
    assert_eq!(likely, routes.iter().map(|(path, method)| (*path, (*method).to_owned())).collect());
    for (path, method) in routes {
        let responses = paths[path][method]["responses"].as_object().unwrap();
        for status in ["200", "400", "401", "429", "503"] {
            assert!(responses.contains_key(status), "{path} {status}");
        }
        let waits = &responses["503"]["headers"]["Retry-After"];
        assert!(waits.is_object(), "{path}");
    }
}
