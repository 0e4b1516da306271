//! The operations port: `/healthz`, `/readyz`, `/metrics`, and what a role adds. It is meant for the inside of a cluster
//! only.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tidegate_lifecycle::Health;

use crate::likely_call::{Route, likely_call, with_likely_call};

/// What the operations port answers from.
#[derive(Clone)]
pub struct Ops {
    health: Health,
    render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    later: LaterRoutes,
    hints: Hints,
    /// Where browsers are led from `/`.
    page: Option<&'static str>,
}

/// Where calls are pointed to that have no route here.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    /// What this port is called among the routes.
    port: &'static str,
    routes: &'static [Route],
}

/// Routes that join the operations port once the ports they use are open: the port itself is served from the first
/// moment on, when nothing else is.
#[derive(Clone, Default)]
pub struct LaterRoutes {
    routes: Arc<RwLock<Option<TowerToHyperService<Router>>>>,
    hints: Hints,
}

impl LaterRoutes {
    /// From now on these are served, too.
    pub fn open(&self, routes: Router) {
        let hints = self.hints;
        let routes = routes.fallback(async move |request| hints.unknown(&request));
        let routes = routes.method_not_allowed_fallback(async move |request| hints.wrong_method(&request));
        self.set(Some(TowerToHyperService::new(routes)));
    }

    /// They are not served any more, and release the ports they use.
    pub fn close(&self) {
        self.set(None);
    }

    fn set(&self, routes: Option<TowerToHyperService<Router>>) {
        // An assignment cannot be half done.
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
    }

    fn get(&self) -> Option<TowerToHyperService<Router>> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Ops {
    /// `render_metrics` gives the text that Prometheus scrapes.
    pub fn new(health: Health, render_metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        let (later, hints) = (LaterRoutes::default(), Hints::default());
        Ops { health, render_metrics: Arc::new(render_metrics), later, hints, page: None }
    }

    /// Points calls without a route to the likeliest of these routes; `port` is what this port is called among them.
    #[must_use]
    pub fn with_hints(mut self, port: &'static str, routes: &'static [Route]) -> Self {
        self.hints = Hints { port, routes };
        self.later.hints = self.hints;
        self
    }

    /// There is a page for people among the routes: browsers are led to it from `/`.
    #[must_use]
    pub fn with_page(mut self, path: &'static str) -> Self {
        self.page = Some(path);
        self
    }

    /// Where routes can be added while the port is served.
    pub fn later(&self) -> LaterRoutes {
        self.later.clone()
    }

    /// The routes, and those of `more`.
    pub fn routes(self, more: Router) -> Router {
        let hints = self.hints;
        Router::new()
            .route("/", get(about))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .fallback(elsewhere)
            .with_state(self)
            .merge(more)
            .method_not_allowed_fallback(async move |request| hints.wrong_method(&request))
    }
}

/// For people.
async fn about(State(ops): State<Ops>, headers: HeaderMap) -> Response {
    let is_browser = headers.get(header::ACCEPT).is_some_and(|accept| {
        // Browsers name the type; other clients accept anything.
        accept.to_str().is_ok_and(|accept| accept.contains("text/html"))
    });
    match ops.page {
        Some(page) if is_browser => Redirect::to(page).into_response(),
        page => {
            let mut routes = vec!["/healthz", "/readyz", "/metrics"];
            routes.extend(page);
            Json(json!({ "service": "Tidegate operations", "routes": routes })).into_response()
        }
    }
}

/// 200 as long as the process can answer at all.
async fn healthz() -> Response {
    Json(json!({ "alive": true })).into_response()
}

/// 200 when ready, else 503 with the reasons.
async fn readyz(State(ops): State<Ops>) -> Response {
    let readiness = ops.health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(ops): State<Ops>) -> Response {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], (ops.render_metrics)()).into_response()
}

/// What the role has added, if it has by now.
async fn elsewhere(State(ops): State<Ops>, request: Request) -> Response {
    match ops.later.get() {
        Some(routes) => routes.call(request).await.into_response(),
        None => ops.hints.unknown(&request),
    }
}

impl Hints {
    fn unknown(self, request: &Request) -> Response {
        let serves = "This port serves /healthz, /readyz and /metrics, and what the role of its process adds.";
        let body = json!({ "error": "not_found", "message": self.with_likely_call(serves, request) });
        (StatusCode::NOT_FOUND, Json(body)).into_response()
    }

    fn wrong_method(self, request: &Request) -> Response {
        let body = json!({ "error": "method_not_allowed", "message": self.with_likely_call("Use GET.", request) });
        (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
    }

    fn with_likely_call(self, message: &str, request: &Request) -> String {
        let likely = likely_call(self.routes, self.port, request.method(), request.uri().path());
        with_likely_call(message, likely.as_ref()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use tidegate_lifecycle::{Part, Parts};

    use crate::serve::{ServeOptions, ServeReport, serve};

    struct Port {
        address: std::net::SocketAddr,
        part: Part<ServeReport>,
        health: Health,
        later: LaterRoutes,
    }

    async fn open(options: ServeOptions) -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::default();
        let ops = Ops::new(health.clone(), || "tidegate_up 1\n".to_owned());
        let ops = ops.with_hints("the operations port", &[("the read port", "GET", "/v1/things")]);
        let (later, routes) = (ops.later(), ops.routes(Router::new()));
        let part = Parts::default().start("operations", |stop| serve(listener, routes, options, stop.stopped()));
        Port { address, part, health, later }
    }

    async fn say(port: &Port, request: &str) -> String {
        let mut stream = TcpStream::connect(port.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(port: &Port, path: &str) -> String {
        say(port, &format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")).await
    }

    #[tokio::test]
    async fn each_path_answers_as_it_should() {
        let port = open(ServeOptions::default()).await;
        assert!(get(&port, "/healthz").await.starts_with("HTTP/1.1 200"));
        let starting = get(&port, "/readyz").await;
        assert!(
            starting.starts_with("HTTP/1.1 503") && starting.ends_with(r#"{"ready":false,"reasons":["starting"]}"#)
        );
        port.health.started();
        let ready = get(&port, "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with(r#"{"ready":true,"reasons":[]}"#), "{ready}");
        assert!(get(&port, "/metrics").await.ends_with("tidegate_up 1\n"));
        let unknown = get(&port, "/v1/things").await;
        assert!(unknown.starts_with("HTTP/1.1 404") && unknown.contains(r#""error":"not_found""#), "{unknown}");
        assert!(unknown.contains("GET /v1/things is on the read port"), "{unknown}");
        assert!(get(&port, "/").await.contains("/readyz"));
        let posted = say(&port, "POST /readyz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
        assert!(posted.starts_with("HTTP/1.1 405") && posted.contains("method_not_allowed"), "{posted}");
        assert!(port.part.stop().await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn browsers_are_led_to_the_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::default();
        let ops = Ops::new(health.clone(), String::new).with_page("/things");
        let (later, routes) = (ops.later(), ops.routes(Router::new()));
        let options = ServeOptions::default();
        let part = Parts::default().start("operations", |stop| serve(listener, routes, options, stop.stopped()));
        let port = Port { address, part, health, later };
        let led =
            say(&port, "GET / HTTP/1.1\r\nHost: here\r\nAccept: text/html,*/*\r\nConnection: close\r\n\r\n").await;
        assert!(led.starts_with("HTTP/1.1 303") && led.contains("location: /things"), "{led}");
        let asked = get(&port, "/").await;
        assert!(asked.starts_with("HTTP/1.1 200") && asked.contains(r#""/metrics","/things""#), "{asked}");
        assert!(port.part.stop().await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn routes_can_join_while_it_is_served() {
        let port = open(ServeOptions::default()).await;
        assert!(get(&port, "/v1/more").await.starts_with("HTTP/1.1 404"));
        port.later.open(Router::new().route("/v1/more", axum::routing::get(async || "more")));
        let more = get(&port, "/v1/more").await;
        assert!(more.starts_with("HTTP/1.1 200") && more.ends_with("\r\nmore"), "{more}");
        assert!(get(&port, "/metrics").await.ends_with("tidegate_up 1\n"));
        let unknown = get(&port, "/v1/less").await;
        assert!(unknown.starts_with("HTTP/1.1 404") && unknown.contains(r#""error":"not_found""#), "{unknown}");
        let posted = say(&port, "POST /v1/more HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
        assert!(posted.starts_with("HTTP/1.1 405") && posted.contains("method_not_allowed"), "{posted}");
        port.later.close();
        assert!(get(&port, "/v1/more").await.starts_with("HTTP/1.1 404"));
        assert!(port.part.stop().await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn a_half_sent_request_is_cut_off() {
        let options = ServeOptions { header_read_timeout: Duration::from_millis(50), ..ServeOptions::default() };
        let port = open(options).await;
        // Without the timeout this read would never end.
        let answer = say(&port, "GET /healthz HTTP/1.1\r\nHost: he").await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_hold_up_the_stop() {
        let port =
            open(ServeOptions { header_read_timeout: Duration::from_secs(600), ..ServeOptions::default() }).await;
        let mut idle = TcpStream::connect(port.address).await.unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut begun = [0; 12];
        idle.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        assert!(port.part.stop().await.unwrap().is_clean());
    }
}
