//! Serving HTTP/1.1 to operators and readers: a header timeout, a cap on connections, a stop that idle connections
//! cannot hold open.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::stop::Stop;

/// What one listener takes.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// A client has this long to send a request's head; it bounds idle keep-alive connections too.
    pub header_timeout: Duration,
    /// Connections open at once; more wait in the listener's queue.
    pub connections: usize,
    /// Requests under way may take this long once the stop has begun.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        ServeLimits { header_timeout: Duration::from_secs(10), connections: 256, drain: Duration::from_secs(3) }
    }
}

/// Serves until stopped, then lets requests under way end.
///
/// # Errors
/// A text when requests were still under way at the end of the drain.
pub async fn serve(listener: TcpListener, routes: Router, limits: ServeLimits, stop: Stop) -> Result<(), String> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    let mut stopped = pin!(stop.stopped());
    loop {
        let accepted = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, accept(&listener).await)
        };
        let (slot, stream) = tokio::select! {
            () = &mut stopped => break,
            next = accepted => next,
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _slot = slot;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    let still_open = open.count();
    timeout(limits.drain, open.shutdown())
        .await
        .map_err(|_| format!("some of {still_open} connections were still busy after {:?}", limits.drain))
}

/// A listener that cannot accept for the moment (no file descriptors left) is tried again a little later.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
