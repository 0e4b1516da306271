//! Which call was likely meant by one that has no route here: of another port, method or path.

use std::borrow::Cow;
use std::fmt;

use http::Method;

/// A documented route: what its port is called in a sentence, its method, its path. A segment in braces stands for any
/// text.
pub type Route = (&'static str, &'static str, &'static str);

/// What the client of a refused call likely meant. Displayed, it is a whole sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LikelyCall {
    pub route: Route,
    /// It is of the port that was called.
    pub here: bool,
}

/// Paths with more segments, and longer ones, are not looked at.
const MAX_SEGMENTS: usize = 8;
const MAX_BYTES: usize = 256;
/// What differs by more is something else.
const MAX_COST: u32 = 6;

/// The route that is nearest to a call which `port` has no route for, or `None` if none is near. The call's own text is
/// not part of the answer.
pub fn likely_call(routes: &'static [Route], port: &str, method: &Method, path: &str) -> Option<LikelyCall> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.is_empty() || segments.len() > MAX_SEGMENTS || path.len() > MAX_BYTES {
        return None;
    }
    let cost = |route: &Route| {
        let (of, wanted_method, wanted_path) = *route;
        let elsewhere = u32::from(of != port);
        Some(path_cost(wanted_path, &segments)? + method_cost(wanted_method, method) + elsewhere)
    };
    let near = routes.iter().filter_map(|route| Some((cost(route)?, route)));
    // Of equally near ones the one with the very path, and then the first.
    let (_, route) =
        near.filter(|(cost, _)| *cost <= MAX_COST).min_by_key(|(cost, (_, _, wanted))| (*cost, *wanted != path))?;
    Some(LikelyCall { route: *route, here: route.0 == port })
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

/// The message with the likely call after it, if there is one.
pub fn with_likely_call<'m>(message: impl Into<Cow<'m, str>>, likely: Option<&LikelyCall>) -> Cow<'m, str> {
    let message = message.into();
    match likely {
        Some(likely) => Cow::from(format!("{message} {likely}")),
        None => message,
    }
}

impl fmt::Display for LikelyCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LikelyCall { route: (port, method, path), here } = self;
        match here {
            true => write!(f, "{method} {path} is the nearest route here."),
            false => write!(f, "{method} {path} is on {port}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITES: &str = "the write port";
    const READS: &str = "the read port";
    const ROUTES: &[Route] = &[
        (WRITES, "POST", "/v1/things"),
        (WRITES, "POST", "/v1/things/{id}/close"),
        (READS, "GET", "/v1/things"),
        (READS, "GET", "/v1/things/{id}"),
        (READS, "GET", "/healthz"),
    ];

    #[test]
    fn the_sentence_names_the_port_unless_it_is_the_one_called() {
        let said = |port, path| likely_call(ROUTES, port, &Method::GET, path).map(|likely| likely.to_string());
        assert_eq!(said(WRITES, "/v1/things").unwrap(), "GET /v1/things is on the read port.");
        assert_eq!(said(READS, "/v1/thing/").unwrap(), "GET /v1/things is the nearest route here.");
        assert_eq!(said(READS, "/wp-login.php"), None);
    }

    #[test]
    fn whoever_means_to_write_is_not_sent_to_read() {
        let likely = likely_call(ROUTES, WRITES, &Method::PATCH, "/v1/things/7").unwrap();
        assert_eq!(likely.route, (WRITES, "POST", "/v1/things/{id}/close"));
    }
}
