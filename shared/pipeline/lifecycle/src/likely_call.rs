//! Which call was likely meant by one that has no route here: of another port, method or path.

use std::fmt;

use http::Method;

/// The ports of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiPort {
    Ingest,
    Control,
    Ops,
}

/// A route that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub port: ApiPort,
    pub method: &'static str,
    /// A segment in braces stands for any text.
    pub path: &'static str,
}

/// What the client of a refused call likely meant. Displayed, it is a whole sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LikelyCall {
    pub route: Route,
    /// It is of the port that was called.
    pub here: bool,
}

/// Every documented route. Tests of the ports hold their part of it to what they serve.
pub const ROUTES: &[Route] = &[
    of(ApiPort::Ingest, "POST", "/v1/runs"),
    of(ApiPort::Ingest, "POST", "/v1/runs/{id}/finish"),
    of(ApiPort::Ingest, "POST", "/v1/runs/{id}/events"),
    of(ApiPort::Ingest, "POST", "/v1/heartbeats"),
    of(ApiPort::Ingest, "GET", "/v1/ping"),
    of(ApiPort::Control, "GET", "/v1/runs"),
    of(ApiPort::Control, "GET", "/v1/runs/{id}"),
    of(ApiPort::Control, "GET", "/v1/agents"),
    of(ApiPort::Control, "GET", "/v1/usage"),
    of(ApiPort::Control, "GET", "/v1/spend"),
    of(ApiPort::Control, "GET", "/v1/receipts/{receipt}"),
    of(ApiPort::Ops, "GET", "/healthz"),
    of(ApiPort::Ops, "GET", "/readyz"),
    of(ApiPort::Ops, "GET", "/metrics"),
    of(ApiPort::Ops, "GET", "/v1/conservation"),
    of(ApiPort::Ingest, "GET", "/openapi.json"),
    of(ApiPort::Ingest, "GET", "/healthz"),
    of(ApiPort::Control, "GET", "/openapi.json"),
    of(ApiPort::Control, "GET", "/healthz"),
];

/// Paths with more segments, and longer ones, are not looked at.
const MAX_SEGMENTS: usize = 8;
const MAX_BYTES: usize = 256;
/// What differs by more is something else.
const MAX_COST: u32 = 6;

const fn of(port: ApiPort, method: &'static str, path: &'static str) -> Route {
    Route { port, method, path }
}

/// The route that is nearest to a call which `port` has no route for, or `None` if none is near. The call's own text is
/// not part of the answer.
pub fn likely_call(port: ApiPort, method: &Method, path: &str) -> Option<LikelyCall> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.is_empty() || segments.len() > MAX_SEGMENTS || path.len() > MAX_BYTES {
        return None;
    }
    let cost = |route: &Route| {
        let elsewhere = u32::from(route.port != port);
        Some(path_cost(route.path, &segments)? + method_cost(route.method, method) + elsewhere)
    };
    let near = ROUTES.iter().filter_map(|route| Some((cost(route)?, route)));
    // Of equally near ones the first.
    let (_, route) = near.filter(|(cost, _)| *cost <= MAX_COST).min_by_key(|(cost, _)| *cost)?;
    Some(LikelyCall { route: *route, here: route.port == port })
}

/// Whoever meant to read did not mean to write.
fn method_cost(route: &str, method: &Method) -> u32 {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match (route, reads) {
        ("GET", true) => 0,
        (route, false) if route == method.as_str() => 0,
        ("GET", false) | (_, true) => 3,
        _ => 2,
    }
}

/// `None` if it is another path altogether. The version may be missing, and something may follow or be missing at the end.
fn path_cost(route: &str, sent: &[&str]) -> Option<u32> {
    let wanted: Vec<&str> = route.split('/').skip(1).collect();
    let (wanted, versionless) = match (wanted.split_first(), sent.first()) {
        (Some((&"v1", rest)), Some(first)) if !is_version(first) => (rest, 1),
        _ => (&wanted[..], 0),
    };
    let (missing, more) = (wanted.len().saturating_sub(sent.len()), sent.len().saturating_sub(wanted.len()));
    let mut cost = versionless + u32::try_from(2 * missing + 3 * more).ok()?;
    let mut named = false;
    for (wanted, sent) in wanted.iter().zip(sent) {
        if wanted.starts_with('{') {
            continue;
        }
        cost += segment_cost(wanted, sent)?;
        named |= *wanted != "v1";
    }
    // What has only the version in common has nothing in common.
    named.then_some(cost)
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix(['v', 'V']).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn segment_cost(wanted: &str, sent: &str) -> Option<u32> {
    if wanted == sent {
        return Some(0);
    }
    let sent = sent.to_ascii_lowercase();
    if is_version(wanted) && is_version(&sent) {
        return Some(1);
    }
    let distance = strsim::osa_distance(wanted, &sent);
    (distance <= wanted.len().div_ceil(4)).then_some(1)
}

impl ApiPort {
    const fn named(self) -> &'static str {
        match self {
            ApiPort::Ingest => "the ingest port (8080 unless set otherwise)",
            ApiPort::Control => "the read API's port (8081 unless set otherwise)",
            ApiPort::Ops => "the operations port (9090 unless set otherwise)",
        }
    }
}

impl fmt::Display for LikelyCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LikelyCall { route: Route { port, method, path }, here } = self;
        match here {
            true => write!(f, "{method} {path} is the nearest route here."),
            false => write!(f, "{method} {path} is on {}.", port.named()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ApiPort::{Control, Ingest, Ops};
    use super::*;

    #[test]
    fn the_nearest_route_is_named() {
        let id = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
        for (port, called, expected) in [
            // The other port, both ways.
            (Ingest, "GET /v1/runs".to_owned(), Some((Control, "GET /v1/runs"))),
            (Ingest, format!("GET /v1/runs/{id}"), Some((Control, "GET /v1/runs/{id}"))),
            (Ingest, format!("HEAD /v1/runs/{id}"), Some((Control, "GET /v1/runs/{id}"))),
            (Ingest, "GET /v1/usage".to_owned(), Some((Control, "GET /v1/usage"))),
            (Ingest, "GET /v1/receipts/x".to_owned(), Some((Control, "GET /v1/receipts/{receipt}"))),
            (Ingest, "GET /metrics".to_owned(), Some((Ops, "GET /metrics"))),
            (Ingest, "GET /readyz".to_owned(), Some((Ops, "GET /readyz"))),
            (Control, "POST /v1/runs".to_owned(), Some((Ingest, "POST /v1/runs"))),
            (Control, format!("POST /v1/runs/{id}/finish"), Some((Ingest, "POST /v1/runs/{id}/finish"))),
            (Control, "POST /v1/heartbeats".to_owned(), Some((Ingest, "POST /v1/heartbeats"))),
            (Control, "GET /v1/ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Control, "GET /v1/conservation".to_owned(), Some((Ops, "GET /v1/conservation"))),
            (Ops, "GET /v1/ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ops, "GET /v1/runs".to_owned(), Some((Control, "GET /v1/runs"))),
            // The method.
            (Ingest, "POST /v1/ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, "PUT /v1/runs".to_owned(), Some((Ingest, "POST /v1/runs"))),
            (Ingest, format!("PATCH /v1/runs/{id}"), Some((Ingest, "POST /v1/runs/{id}/finish"))),
            (Ops, "POST /readyz".to_owned(), Some((Ops, "GET /readyz"))),
            // Slashes.
            (Ingest, "GET /v1/ping/".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, "GET //v1/ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, format!("POST /v1/runs//{id}/events/"), Some((Ingest, "POST /v1/runs/{id}/events"))),
            (Control, "GET /v1/runs/".to_owned(), Some((Control, "GET /v1/runs"))),
            // Near misses.
            (Ingest, "GET /v1/ping/fail".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, "GET /ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, "GET /v2/ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, "GET /V1/Ping".to_owned(), Some((Ingest, "GET /v1/ping"))),
            (Ingest, "POST /v1/heartbeat".to_owned(), Some((Ingest, "POST /v1/heartbeats"))),
            (Ingest, "POST /v1/run".to_owned(), Some((Ingest, "POST /v1/runs"))),
            (Ingest, format!("POST /v1/runs/{id}/event"), Some((Ingest, "POST /v1/runs/{id}/events"))),
            (Ingest, format!("POST /v1/runs/{id}/finished"), Some((Ingest, "POST /v1/runs/{id}/finish"))),
            (Control, "GET /v1/agent".to_owned(), Some((Control, "GET /v1/agents"))),
            (Control, "GET /health".to_owned(), Some((Control, "GET /healthz"))),
            (Ops, "GET /metric".to_owned(), Some((Ops, "GET /metrics"))),
            // Nothing is near.
            (Ingest, "GET /".to_owned(), None),
            (Ingest, "GET /wp-login.php".to_owned(), None),
            (Ingest, "POST /v1/metrics".to_owned(), None),
            (Ingest, "GET /v1".to_owned(), None),
            (Ingest, format!("GET /v1/ping/{}", "x".repeat(300)), None),
            (Ingest, format!("GET /v1/ping{}", "/x".repeat(20)), None),
        ] {
            let (method, path) = called.split_once(' ').expect("a method and a path");
            let likely = likely_call(port, &method.parse().expect("a method"), path);
            let named =
                likely.map(|likely| (likely.route.port, format!("{} {}", likely.route.method, likely.route.path)));
            assert_eq!(named, expected.map(|(port, route)| (port, route.to_owned())), "{port:?} {called}");
            assert_eq!(
                likely.is_some_and(|likely| likely.here),
                expected.is_some_and(|(of, _)| of == port),
                "{called}"
            );
        }
    }

    #[test]
    fn the_sentence_names_the_port_unless_it_is_the_one_called() {
        let said = |port, path| likely_call(port, &Method::GET, path).expect("it is near").to_string();
        assert_eq!(said(Ingest, "/v1/runs"), "GET /v1/runs is on the read API's port (8081 unless set otherwise).");
        assert_eq!(said(Ingest, "/v1/ping/"), "GET /v1/ping is the nearest route here.");
    }
}
