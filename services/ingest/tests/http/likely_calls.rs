//! A call to the wrong port, method or path is answered with the likeliest right one.

use tidegate_agentping::routes::{CONTROL, INGEST, OPS, ROUTES};
use tidegate_door::likely_call;

#[test]
fn the_nearest_route_is_named() {
    let id = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
    for (port, called, expected) in [
        // The other port, both ways.
        (INGEST, "GET /v1/runs".to_owned(), Some((CONTROL, "GET /v1/runs"))),
        (INGEST, format!("GET /v1/runs/{id}"), Some((CONTROL, "GET /v1/runs/{id}"))),
        (INGEST, format!("HEAD /v1/runs/{id}"), Some((CONTROL, "GET /v1/runs/{id}"))),
        (INGEST, "GET /v1/usage".to_owned(), Some((CONTROL, "GET /v1/usage"))),
        (INGEST, "GET /v1/receipts/x".to_owned(), Some((CONTROL, "GET /v1/receipts/{receipt}"))),
        (INGEST, "GET /metrics".to_owned(), Some((OPS, "GET /metrics"))),
        (INGEST, "GET /readyz".to_owned(), Some((OPS, "GET /readyz"))),
        (CONTROL, "POST /v1/runs".to_owned(), Some((INGEST, "POST /v1/runs"))),
        (CONTROL, format!("POST /v1/runs/{id}/finish"), Some((INGEST, "POST /v1/runs/{id}/finish"))),
        (CONTROL, "POST /v1/heartbeats".to_owned(), Some((INGEST, "POST /v1/heartbeats"))),
        (CONTROL, "GET /v1/ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (CONTROL, "GET /v1/conservation".to_owned(), Some((OPS, "GET /v1/conservation"))),
        (OPS, "GET /v1/ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (OPS, "GET /v1/runs".to_owned(), Some((CONTROL, "GET /v1/runs"))),
        // The method.
        (INGEST, "POST /v1/ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, "PUT /v1/runs".to_owned(), Some((INGEST, "POST /v1/runs"))),
        (INGEST, format!("PATCH /v1/runs/{id}"), Some((INGEST, "POST /v1/runs/{id}/finish"))),
        (OPS, "POST /readyz".to_owned(), Some((OPS, "GET /readyz"))),
        // Slashes.
        (INGEST, "GET /v1/ping/".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, "GET //v1/ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, format!("POST /v1/runs//{id}/events/"), Some((INGEST, "POST /v1/runs/{id}/events"))),
        (CONTROL, "GET /v1/runs/".to_owned(), Some((CONTROL, "GET /v1/runs"))),
        // Near misses.
        (INGEST, "GET /v1/ping/fail".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, "GET /ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, "GET /v2/ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, "GET /V1/Ping".to_owned(), Some((INGEST, "GET /v1/ping"))),
        (INGEST, "POST /v1/heartbeat".to_owned(), Some((INGEST, "POST /v1/heartbeats"))),
        (INGEST, "POST /v1/run".to_owned(), Some((INGEST, "POST /v1/runs"))),
        (INGEST, format!("POST /v1/runs/{id}/event"), Some((INGEST, "POST /v1/runs/{id}/events"))),
        (INGEST, format!("POST /v1/runs/{id}/finished"), Some((INGEST, "POST /v1/runs/{id}/finish"))),
        (CONTROL, "GET /v1/agent".to_owned(), Some((CONTROL, "GET /v1/agents"))),
        (CONTROL, "GET /health".to_owned(), Some((CONTROL, "GET /healthz"))),
        (OPS, "GET /metric".to_owned(), Some((OPS, "GET /metrics"))),
        // Nothing is near.
        (INGEST, "GET /".to_owned(), None),
        (INGEST, "GET /wp-login.php".to_owned(), None),
        (INGEST, "POST /v1/metrics".to_owned(), Some((CONTROL, "GET /v1/metrics"))),
        (INGEST, "POST /v1/telemetry".to_owned(), None),
        (INGEST, "GET /v1".to_owned(), None),
        (INGEST, format!("GET /v1/ping/{}", "x".repeat(300)), None),
        (INGEST, format!("GET /v1/ping{}", "/x".repeat(20)), None),
    ] {
        let (method, path) = called.split_once(' ').expect("a method and a path");
        let likely = likely_call(ROUTES, port, &method.parse().expect("a method"), path);
        let named = likely.map(|likely| (likely.route.0, format!("{} {}", likely.route.1, likely.route.2)));
        assert_eq!(named, expected.map(|(port, route)| (port, route.to_owned())), "{port:?} {called}");
        assert_eq!(likely.is_some_and(|likely| likely.here), expected.is_some_and(|(of, _)| of == port), "{called}");
    }
}
