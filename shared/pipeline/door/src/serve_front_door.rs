//! Serving a front door: a port whose work runs on after its client has left, and is awaited before the port ends.

use std::future::Future;

use axum::Router;
use tokio::net::TcpListener;
use tracing::warn;

use crate::api::Api;
use crate::in_flight::InFlight;
use crate::serve::{ServeOptions, ServeReport, serve_with};
use crate::traffic_routes::Draining;

/// Serves `service` until `shutdown` completes, which `draining` notes, then stops in order. During the drain grace,
/// requests are still accepted, each as the last of its connection. Then idle connections are closed, requests in
/// progress end, and the drain deadline cuts what is left. Requests that are `in_flight` without a connection are
/// awaited for as long again; those that are left count as cut.
///
/// `open` is called with the number of open connections whenever it changes. [`Api::unreadable`] answers requests whose
/// head cannot be read.
pub async fn serve_front_door<A: Api>(
    listener: TcpListener,
    service: Router,
    options: ServeOptions,
    draining: &Draining,
    in_flight: &InFlight,
    shutdown: impl Future<Output = ()>,
    open: impl Fn(usize),
) -> ServeReport {
    let shutdown = draining.noting(shutdown);
    let mut report = serve_with(listener, service, options, shutdown, open, A::unreadable).await;
    let left = in_flight.drained(options.drain_deadline).await;
    if left > 0 {
        warn!(port = options.port, left, "requests were still in progress when the front door stopped");
        report.cut = report.cut.max(left as u64);
    }
    report
}
