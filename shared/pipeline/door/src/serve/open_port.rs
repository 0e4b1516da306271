//! The connections of one port.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tidegate_metric::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::connection::{Ended, connection};
use super::exchange::Exchange;
use super::giving_way::{GaveWay, longest_waiting};
use super::unreadable::{AnswerUnreadable, Unreadable};
use super::{ServeOptions, ServeReport};
use crate::metrics::{CONNECTIONS_GAVE_WAY, REQUESTS_UNREADABLE};

/// How long accepting rests when the machine refuses (for example: no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How soon another connection is looked for where none gave way.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// A port that is served: its connections, and the one that waits until there is a place for it.
pub(super) struct OpenPort<F> {
    service: Router,
    options: ServeOptions,
    watch: F,
    answer_unreadable: AnswerUnreadable,
    opened_at: Instant,
    connections: JoinSet<Ended>,
    /// By task, as `connections` has them.
    exchanges: HashMap<Id, Exchange>,
    newcomer: Option<(TcpStream, SocketAddr)>,
    ask_again_at: Instant,
    /// Each answer is its connection's last.
    last_answers: bool,
    report: ServeReport,
    not_logged: GaveWay,
    gave_way: Counter,
    /// By kind, in the order of [`Unreadable::ALL`].
    unreadable: [Counter; Unreadable::ALL.len()],
}

impl<F: Fn(usize)> OpenPort<F> {
    /// Registers the port's metrics, so that a scrape finds them at zero.
    pub fn new(service: Router, options: ServeOptions, watch: F, answer_unreadable: AnswerUnreadable) -> Self {
        let now = Instant::now();
        let port = options.port;
        OpenPort {
            service,
            options,
            watch,
            answer_unreadable,
            opened_at: now,
            connections: JoinSet::new(),
            exchanges: HashMap::new(),
            newcomer: None,
            ask_again_at: now,
            last_answers: false,
            report: ServeReport::default(),
            not_logged: GaveWay::default(),
            gave_way: CONNECTIONS_GAVE_WAY.with([("port", port)]),
            unreadable: Unreadable::ALL.map(|kind| REQUESTS_UNREADABLE.with([("port", port), ("cause", kind.label())])),
        }
    }

    pub fn has_connections(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Waits for one event and handles it: a connection that ends, or a new one. Safe to drop while it waits.
    pub async fn step(&mut self, listener: &TcpListener) {
        if self.connections.len() < self.options.max_connections
            && let Some((stream, peer)) = self.newcomer.take()
        {
            return self.open(stream, peer);
        }
        tokio::select! {
            Some(ended) = self.connections.join_next_with_id() => self.note(ended),
            (stream, peer) = accept(listener), if self.newcomer.is_none() => {
                self.report.connections += 1;
                self.newcomer = Some((stream, peer));
                self.make_room();
            }
            () = sleep_until(self.ask_again_at), if self.newcomer.is_some() => self.make_room(),
        }
    }

    /// From now on each answer is its connection's last.
    pub fn answer_last(&mut self) {
        self.last_answers = true;
        self.exchanges.values().for_each(Exchange::ask_for_last_answer);
    }

    /// Connections that wait for a request go at once, the others once theirs is answered.
    pub fn stop(&mut self) {
        self.newcomer = None;
        self.exchanges.values().for_each(Exchange::ask_to_stop);
    }

    pub async fn all_ended(&mut self) {
        while let Some(ended) = self.connections.join_next_with_id().await {
            self.note(ended);
        }
    }

    /// Ends what is left.
    pub async fn cut(&mut self) {
        self.connections.abort_all();
        self.all_ended().await;
    }

    pub const fn report(&self) -> ServeReport {
        self.report
    }

    fn open(&mut self, stream: TcpStream, peer: SocketAddr) {
        let exchange = Exchange::new(self.opened_at, Instant::now());
        if self.last_answers {
            exchange.ask_for_last_answer();
        }
        let (service, options) = (self.service.clone(), self.options);
        let serving = connection(stream, peer, service, options, exchange.clone(), self.answer_unreadable);
        let task = self.connections.spawn(serving);
        self.exchanges.insert(task.id(), exchange);
        (self.watch)(self.connections.len());
    }

    fn note(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        self.exchanges.remove(&id);
        match ended {
            Err(error) if error.is_panic() => self.report.panicked += 1,
            Err(_) => self.report.cut += 1,
            Ok((_, Ended { gave_way, unreadable })) => {
                if gave_way {
                    self.report.gave_way += 1;
                    self.gave_way.increment(1);
                    self.not_logged.note(self.options.port, self.options.max_connections, Instant::now());
                }
                if let Some(kind) = unreadable {
                    self.report.unreadable += 1;
                    self.unreadable[kind as usize].increment(1);
                }
            }
        }
        (self.watch)(self.connections.len());
    }

    /// Where all places are taken, asks the connection that has waited for longest to give way.
    fn make_room(&mut self) {
        if self.connections.len() < self.options.max_connections {
            return;
        }
        let now = Instant::now();
        self.ask_again_at = now + ASK_AGAIN;
        let waiting = self.exchanges.values().map(|exchange| (exchange, exchange.waiting(now)));
        if let Some(exchange) = longest_waiting(waiting) {
            exchange.ask_to_give_way();
        }
    }
}

/// The next connection. Safe to drop while waiting.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
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
