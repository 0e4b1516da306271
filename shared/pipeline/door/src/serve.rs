//! Serving HTTP/1.1 on one port: bounded connections, bounded waits, and a stop with a deadline.
//!
//! `axum::serve` alone waits without a deadline on a half-sent header, on a body that stalls and on a client that does
//! not read its answer. Here each of these ends.

mod connection;
mod exchange;
mod giving_way;
mod open_port;
mod stalling;
mod unreadable;

use std::future::Future;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

pub use unreadable::Unreadable;

use open_port::OpenPort;
use unreadable::AnswerUnreadable;

/// What one port puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// The port's name in metrics and logs.
    pub port: &'static str,
    /// For a request's whole header: of a connection's first one since the connection was made, of the others since
    /// their first byte.
    pub header_read_timeout: Duration,
    /// How long a kept-alive connection may wait for the first byte of its next request. Longer than any balancer in
    /// front keeps its connections, or a request may meet a connection that is just being closed.
    pub keep_alive: Duration,
    /// How long a connection may go without a byte read or written while a body or an answer is on its way.
    /// Longer than the slowest handler, or its connection is cut under it.
    pub idle: Duration,
    /// Connections open at once. At this many, the one that has waited for a request for longest gives way to a new one;
    /// where none waits, new ones wait.
    pub max_connections: usize,
    /// Once a stop was asked for, connections are still accepted and requests answered for so long, each answer being
    /// its connection's last; less where no connection is open any more.
    pub drain_grace: Duration,
    /// How long requests in progress may take to end after that; then they are cut.
    pub drain_deadline: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            port: "other",
            header_read_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            idle: Duration::from_secs(60),
            max_connections: 4_096,
            drain_grace: Duration::ZERO,
            drain_deadline: Duration::from_secs(10),
        }
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServeReport {
    /// Connections accepted, over the whole time.
    pub connections: u64,
    /// Connections that waited for a request and gave way to new ones.
    pub gave_way: u64,
    /// Requests whose head could not be read.
    pub unreadable: u64,
    /// Connections cut at the drain deadline with a request in progress.
    pub cut: u64,
    /// Connections that ended in a panic of their handler: a defect.
    pub panicked: u64,
}

impl ServeReport {
    /// Whether every request in progress got its answer.
    pub const fn is_clean(&self) -> bool {
        self.cut == 0 && self.panicked == 0
    }
}

/// Serves `service` on `listener` until `shutdown` completes. Then it continues for the drain grace, in which each
/// answer is its connection's last. After that it stops accepting, lets idle connections go at once and requests in
/// progress end, and cuts what is left at the drain deadline.
pub async fn serve(
    listener: TcpListener,
    service: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> ServeReport {
    serve_with(listener, service, options, shutdown, |_| {}, Unreadable::answer).await
}

/// The same; `open` is called with the number of open connections whenever it changes, and `answer_unreadable` makes
/// the answer to a request whose head cannot be read.
pub(crate) async fn serve_with(
    listener: TcpListener,
    service: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
    open: impl Fn(usize),
    answer_unreadable: AnswerUnreadable,
) -> ServeReport {
    let mut port = OpenPort::new(service, options, open, answer_unreadable);
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = port.step(&listener) => {}
        }
    }
    port.answer_last();
    let grace = sleep(options.drain_grace);
    tokio::pin!(grace);
    while !options.drain_grace.is_zero() && port.has_connections() {
        tokio::select! {
            () = &mut grace => break,
            () = port.step(&listener) => {}
        }
    }
    drop(listener);
    port.stop();
    if timeout(options.drain_deadline, port.all_ended()).await.is_err() {
        port.cut().await;
    }
    port.report()
}

#[cfg(test)]
mod tests;
