//! Every documented route of AgentPing's ports, so that the response to a call on the wrong port can name the right
//! one.

/// The name of each port in sentences.
pub const INGEST: &str = "the ingest port (8080 unless set otherwise)";
pub const CONTROL: &str = "the read API's port (8081 unless set otherwise)";
pub const OPS: &str = "the operations port (9090 unless set otherwise)";

/// Port, method, path. Tests of the ports compare the list with the routes that they serve.
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
    (CONTROL, "POST", "/v1/schedules/preview"),
    (CONTROL, "POST", "/v1/agents"),
    (CONTROL, "GET", "/v1/agents/{slug}"),
    (CONTROL, "PATCH", "/v1/agents/{slug}"),
    (CONTROL, "DELETE", "/v1/agents/{slug}"),
    (CONTROL, "GET", "/v1/agents/{slug}/schedule"),
    (CONTROL, "PUT", "/v1/agents/{slug}/schedule"),
    (CONTROL, "DELETE", "/v1/agents/{slug}/schedule"),
    (CONTROL, "PUT", "/v1/agents/{slug}/pause"),
    (CONTROL, "DELETE", "/v1/agents/{slug}/pause"),
    (CONTROL, "PUT", "/v1/pause"),
    (CONTROL, "DELETE", "/v1/pause"),
    (CONTROL, "PUT", "/v1/agents/{slug}/mute"),
    (CONTROL, "DELETE", "/v1/agents/{slug}/mute"),
    (CONTROL, "PUT", "/v1/routes/{id}/mute"),
    (CONTROL, "DELETE", "/v1/routes/{id}/mute"),
    (CONTROL, "PUT", "/v1/mute"),
    (CONTROL, "DELETE", "/v1/mute"),
    (CONTROL, "GET", "/v1/team"),
    (CONTROL, "PATCH", "/v1/team"),
    (CONTROL, "GET", "/v1/agents/{slug}/tokens"),
    (CONTROL, "POST", "/v1/agents/{slug}/tokens"),
    (CONTROL, "DELETE", "/v1/agents/{slug}/tokens/{id}"),
    (CONTROL, "POST", "/v1/agents/{slug}/tokens/{id}/rotate"),
    (CONTROL, "GET", "/v1/audit"),
    (OPS, "GET", "/healthz"),
    (OPS, "GET", "/readyz"),
    (OPS, "GET", "/metrics"),
    (OPS, "GET", "/v1/conservation"),
    (INGEST, "GET", "/openapi.json"),
    (INGEST, "GET", "/healthz"),
    (CONTROL, "GET", "/openapi.json"),
    (CONTROL, "GET", "/healthz"),
];
