//! What one connection is doing, as its port sees it, and what the port asks of it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// In place of a time: a request is in progress, or its answer is not written yet.
const NOT_WAITING: u64 = u64::MAX;

/// The state of one connection. A clone is of the same connection.
#[derive(Clone, Debug)]
pub(super) struct Exchange(Arc<State>);

#[derive(Debug)]
struct State {
    under_way: AtomicBool,
    /// Since when it waits for a request, or for the rest of a request's header, in milliseconds after `epoch`.
    waiting_since_ms: AtomicU64,
    /// When its port was opened.
    epoch: Instant,
    /// The next answer is the last one.
    last_answer: AtomicBool,
    /// No further request is waited for.
    stopped: AtomicBool,
    asked: Notify,
}

/// A request in progress, until it is dropped.
pub(super) struct UnderWay(Exchange);

impl Exchange {
    /// Of a connection made at `now`, on a port opened at `epoch`.
    pub fn new(epoch: Instant, now: Instant) -> Self {
        let exchange = Exchange(Arc::new(State {
            under_way: AtomicBool::new(false),
            waiting_since_ms: AtomicU64::new(NOT_WAITING),
            epoch,
            last_answer: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            asked: Notify::new(),
        }));
        exchange.waits_since(now);
        exchange
    }

    /// A whole header is there.
    pub fn begin(&self) -> UnderWay {
        self.0.under_way.store(true, Ordering::Relaxed);
        self.0.waiting_since_ms.store(NOT_WAITING, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// From its header to the end of its answer's body.
    pub fn is_under_way(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed)
    }

    /// Everything that was owed is written.
    pub fn waits_since(&self, since: Instant) {
        self.0.waiting_since_ms.store(self.ms(since), Ordering::Relaxed);
    }

    /// For how long it has waited for a request; `None` while one is in progress.
    pub fn waiting(&self, now: Instant) -> Option<Duration> {
        let since = self.0.waiting_since_ms.load(Ordering::Relaxed);
        (since != NOT_WAITING && !self.is_under_way())
            .then(|| Duration::from_millis(self.ms(now).saturating_sub(since)))
    }

    /// Whether the connection is to close after its next answer.
    pub fn is_last_answer(&self) -> bool {
        self.0.last_answer.load(Ordering::Relaxed)
    }

    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// The next answer is to be the last one. Until then a request is still waited for.
    pub fn ask_for_last_answer(&self) {
        self.0.last_answer.store(true, Ordering::Relaxed);
    }

    /// No further request is to be waited for.
    pub fn ask_to_stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        self.0.asked.notify_one();
    }

    /// The connection is to end if it still waits for a request.
    pub fn ask_to_give_way(&self) {
        self.0.asked.notify_one();
    }

    /// Resolves when the connection is asked to stop or to give way. Not missed by who waits later.
    pub async fn asked(&self) {
        self.0.asked.notified().await;
    }

    fn ms(&self, instant: Instant) -> u64 {
        // Less than the mark for a connection that does not wait, for the next 500 million years.
        instant.saturating_duration_since(self.0.epoch).as_millis() as u64
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.store(false, Ordering::Relaxed);
    }
}

/// An answer's body: its request is in progress until it was given whole.
pub(super) struct Answering {
    body: Body,
    _under_way: UnderWay,
}

impl Answering {
    pub fn new(body: Body, under_way: UnderWay) -> Self {
        Answering { body, _under_way: under_way }
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
