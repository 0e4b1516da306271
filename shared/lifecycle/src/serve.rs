//! Serving HTTP/1.1 on one port: bounded connections, bounded waits, and a stop with a deadline.
//!
//! `axum::serve` alone waits for ever on a half-sent header, on a body that stalls and on a client that does not
//! read its answer. Here each of these ends.

mod stalling;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use stalling::{Exchange, Patience, Stalling};

/// How much of a request's header and of an answer one connection buffers.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long accepting rests when the machine refuses (for example: no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one port puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// From the moment a connection is ready for a request until that request's whole header is there. It is
    /// also how long a kept-alive connection may wait for its next request.
    pub header_read_timeout: Duration,
    /// How long a connection may go without a byte read or written while a body or an answer is on its way.
    /// Longer than the slowest handler, or its connection is cut under it.
    pub idle: Duration,
    /// Connections open at once. Further ones wait, unaccepted, in the kernel's backlog.
    pub max_connections: usize,
    /// How long requests under way may take to end once a stop was asked for; then they are cut.
    pub drain_deadline: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            header_read_timeout: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            max_connections: 4_096,
            drain_deadline: Duration::from_secs(10),
        }
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServeReport {
    /// Connections accepted, over the whole time.
    pub connections: u64,
    /// Connections cut at the drain deadline with a request under way.
    pub cut: u64,
    /// Connections that ended in a panic of their handler: a defect.
    pub panicked: u64,
}

impl ServeReport {
    /// Whether every request under way got its answer.
    pub const fn is_clean(&self) -> bool {
        self.cut == 0 && self.panicked == 0
    }

    fn count(&mut self, ended: &Result<(), JoinError>) {
        match ended {
            Err(error) if error.is_panic() => self.panicked += 1,
            Err(_) => self.cut += 1,
            Ok(()) => {}
        }
    }
}

/// Serves `service` on `listener` until `shutdown` completes. Then it stops accepting, lets idle connections go at
/// once and requests under way end, and cuts what is left at the drain deadline.
pub async fn serve(
    listener: TcpListener,
    service: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> ServeReport {
    serve_watched(listener, service, options, shutdown, |_| {}).await
}

/// The same; `open` hears how many connections are open whenever their number changes. At
/// [`ServeOptions::max_connections`] further clients wait unseen, so whoever serves many should be told.
pub async fn serve_watched(
    listener: TcpListener,
    service: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
    open: impl Fn(usize),
) -> ServeReport {
    let (stop, stopping) = watch::channel(());
    let free = Arc::new(Semaphore::new(options.max_connections));
    let mut connections = JoinSet::new();
    let mut report = ServeReport::default();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => {
                report.count(&ended);
                open(connections.len());
            }
            (stream, peer, permit) = accept(&listener, &free) => {
                report.connections += 1;
                let service = service.clone();
                let stopping = stopping.clone();
                connections.spawn(async move {
                    connection(stream, peer, service, options, stopping).await;
                    drop(permit);
                });
                open(connections.len());
            }
        }
    }
    drop((listener, stop));
    let drained = timeout(options.drain_deadline, async {
        while let Some(ended) = connections.join_next().await {
            report.count(&ended);
        }
    });
    if drained.await.is_err() {
        connections.abort_all();
        while let Some(ended) = connections.join_next().await {
            report.count(&ended);
        }
    }
    report
}

/// The next connection, once there is room for it. Safe to drop while waiting.
async fn accept(listener: &TcpListener, free: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = loop {
        // The semaphore is never closed; if it were, nothing more would be accepted.
        match free.clone().acquire_owned().await {
            Ok(permit) => break permit,
            Err(_) => std::future::pending().await,
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) if is_of_one_connection(&error) => {
                debug!(%error, "a connection was gone before it was accepted")
            }
            Err(error) => {
                warn!(%error, "cannot accept connections; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: Router,
    options: ServeOptions,
    mut stopping: watch::Receiver<()>,
) {
    // Answers are small: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let patience = Patience { idle: options.idle, header: options.header_read_timeout };
    let exchange = Exchange::default();
    let stream = Stalling::new(stream, patience, exchange.clone());
    let service = TowerToHyperService::new(service);
    let answering = service_fn(move |request| {
        let under_way = exchange.begin();
        let answer = service.call(request);
        async move {
            let answer = answer.await;
            drop(under_way);
            answer
        }
    });
    // The patience for headers is ours: hyper's takes a timer for every request.
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), answering);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        // The sender is only ever dropped, so an error is the signal.
        _ = stopping.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "connection ended");
    }
}

#[cfg(test)]
mod tests;
