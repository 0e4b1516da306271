//! Every documented route of AgentPing's ports, so that a call to the wrong one can be answered with the right one.

/// What each port is called in a sentence.
pub const INGEST: &str = "the ingest port (8080 unless set otherwise)";
pub const CONTROL: &str = "the read API's port (8081 unless set otherwise)";
pub const OPS: &str = "the operations port (9090 unless set otherwise)";

/// Port, method, path. Tests of the ports hold their part of it to what they serve.
pub const ROUTES: &[(&str, &str, &str)] = &[
    (INGEST, "POST", "/v1/runs"),
    (INGEST, "POST", "/v1/runs/{id}/finish"),
    (INGEST, "POST", "/v1/runs/{id}/events"),
    (INGEST, "POST", "/v1/heartbeats"),
    (INGEST, "GET", "/v1/ping"),
    (CONTROL, "GET", "/v1/runs"),
    (CONTROL, "GET", "/v1/runs/{id}"),
    (CONTROL, "GET", "/v1/agents"),
    (CONTROL, "GET", "/v1/usage"),
    (CONTROL, "GET", "/v1/spend"),
    (CONTROL, "GET", "/v1/receipts/{receipt}"),
    (OPS, "GET", "/healthz"),
    (OPS, "GET", "/readyz"),
    (OPS, "GET", "/metrics"),
    (OPS, "GET", "/v1/conservation"),
    (INGEST, "GET", "/openapi.json"),
    (INGEST, "GET", "/healthz"),
    (CONTROL, "GET", "/openapi.json"),
    (CONTROL, "GET", "/healthz"),
];
