//! A stream that fails once nothing moved on it for too long, or a request's header took too long to come.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a connection may keep its server waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Since a byte last moved.
    pub idle: Duration,
    /// For a request's whole header, since the last answer or, for the first one, since the connection was made.
    pub header: Duration,
}

/// Whether a connection has a request under way, or waits for a header. Cloned, it tells of the same connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange(Arc<AtomicBool>);

/// A request under way, until it is dropped.
pub(super) struct UnderWay(Exchange);

impl Exchange {
    /// A header is there.
    pub fn begin(&self) -> UnderWay {
        self.0.store(true, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// Reads and writes pass through; waiting longer than there is patience is `TimedOut`.
pub(super) struct Stalling<S> {
    stream: S,
    patience: Patience,
    exchange: Exchange,
    /// Whether a request was under way when this was last looked at.
    was_under_way: bool,
    /// Since when an answer waits for its reader.
    unread_since: Option<Instant>,
    last_moved: Instant,
    /// What the patience for a header counts from.
    header_since: Instant,
    /// Armed seldom: when it rings too early it is set again, so neither a byte nor a request costs a timer. Never later
    /// than any deadline can be.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Stalling<S> {
    pub fn new(stream: S, patience: Patience, exchange: Exchange) -> Self {
        let now = Instant::now();
        let alarm = Box::pin(sleep_until(now + patience.shortest()));
        Stalling {
            stream,
            patience,
            exchange,
            was_under_way: false,
            unread_since: None,
            last_moved: now,
            header_since: now,
            alarm,
        }
    }

    /// Notes that something moved, or, while waiting, judges how long nothing has.
    fn watch<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>, writes: bool) -> Poll<io::Result<T>> {
        let under_way = self.exchange.is_under_way();
        if writes && polled.is_pending() {
            self.unread_since.get_or_insert_with(Instant::now);
        } else if writes {
            self.unread_since = None;
        }
        let answered = std::mem::replace(&mut self.was_under_way, under_way) && !under_way;
        if polled.is_ready() {
            self.last_moved = Instant::now();
            if writes || answered {
                self.header_since = self.last_moved;
            }
            return polled;
        }
        if answered {
            self.header_since = Instant::now();
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let (now, deadline) = (Instant::now(), self.deadline(under_way));
            if deadline <= now {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(deadline.min(now + self.patience.shortest()));
        }
    }

    /// While something is on its way only standing still counts; for an answer, whatever comes in meanwhile.
    fn deadline(&self, under_way: bool) -> Instant {
        if let Some(since) = self.unread_since {
            return since + self.patience.idle;
        }
        let idle = self.last_moved + self.patience.idle;
        if under_way { idle } else { idle.min(self.header_since + self.patience.header) }
    }
}

impl Patience {
    fn shortest(self) -> Duration {
        self.idle.min(self.header)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.watch(cx, polled, false)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, polled, true)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, polled, true)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    use super::*;

    const PATIENCE: Patience = Patience { idle: Duration::from_secs(60), header: Duration::from_secs(30) };

    struct Rig {
        client: DuplexStream,
        server: Stalling<DuplexStream>,
        exchange: Exchange,
        began: Instant,
    }

    fn rig(patience: Patience) -> Rig {
        let (client, server) = duplex(8);
        let exchange = Exchange::default();
        let server = Stalling::new(server, patience, exchange.clone());
        Rig { client, server, exchange, began: Instant::now() }
    }

    impl Rig {
        async fn hears_a_byte(&mut self) {
            self.client.write_all(b"x").await.expect("written");
            self.server.read_exact(&mut [0]).await.expect("read");
        }

        /// Seconds after its begin at which waiting for a byte ends in a time-out.
        async fn gives_up_at(&mut self) -> u64 {
            let read = self.server.read(&mut [0]).await;
            assert_eq!(read.expect_err("nothing came").kind(), io::ErrorKind::TimedOut);
            self.began.elapsed().as_secs()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_comes_byte_by_byte_has_one_deadline() {
        let mut rig = rig(PATIENCE);
        for _ in 0..2 {
            rig.hears_a_byte().await;
            advance(Duration::from_secs(12)).await;
        }
        rig.hears_a_byte().await;
        assert_eq!(rig.gives_up_at().await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_request_is_under_way_only_standing_still_counts() {
        let mut rig = rig(PATIENCE);
        let under_way = rig.exchange.begin();
        for _ in 0..3 {
            advance(Duration::from_secs(50)).await;
            rig.hears_a_byte().await;
        }
        assert_eq!(rig.gives_up_at().await, 150 + 60);
        drop(under_way);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_header_has_its_time_from_the_answer_on() {
        let mut rig = rig(PATIENCE);
        rig.hears_a_byte().await;
        let under_way = rig.exchange.begin();
        advance(Duration::from_secs(50)).await;
        drop(under_way);
        rig.server.write_all(b"x").await.expect("written");
        assert_eq!(rig.gives_up_at().await, 50 + 30);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_waited_for_before_does_not_put_a_header_off() {
        let mut rig = rig(Patience { idle: Duration::from_secs(600), ..PATIENCE });
        let under_way = rig.exchange.begin();
        // The alarm rings meanwhile, and is set again for a request under way.
        let waiting = timeout(Duration::from_secs(35), rig.server.read(&mut [0])).await;
        assert!(waiting.is_err(), "there is still patience: {waiting:?}");
        drop(under_way);
        rig.server.write_all(b"x").await.expect("written");
        assert_eq!(rig.gives_up_at().await, 35 + 30);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_read_is_given_up_once_it_stands_still_and_no_sooner() {
        let mut rig = rig(PATIENCE);
        let under_way = rig.exchange.begin();
        advance(Duration::from_secs(50)).await;
        drop(under_way);
        rig.server.write_all(&[0; 8]).await.expect("all there is room for");
        let write = rig.server.write_all(b"x");
        let waiting = timeout(Duration::from_secs(45), write).await;
        assert!(waiting.is_err(), "a reader has longer than a header: {waiting:?}");
        // Nor does waiting for the next request meanwhile, as a server does, cut it short.
        assert_eq!(rig.gives_up_at().await, 50 + 60);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_sends_meanwhile_does_not_give_it_more_time_to_read() {
        let mut rig = rig(PATIENCE);
        rig.server.write_all(&[0; 8]).await.expect("all there is room for");
        for _ in 0..2 {
            let waiting = timeout(Duration::from_secs(25), rig.server.write_all(b"x")).await;
            assert!(waiting.is_err(), "there is no room: {waiting:?}");
            rig.hears_a_byte().await;
        }
        assert_eq!(rig.gives_up_at().await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_slow_and_goes_on_has_all_the_time_it_takes() {
        let mut rig = rig(PATIENCE);
        rig.server.write_all(&[0; 8]).await.expect("all there is room for");
        for _ in 0..4 {
            let waiting = timeout(Duration::from_secs(50), rig.server.write_all(b"x")).await;
            assert!(waiting.is_err(), "there is no room: {waiting:?}");
            rig.client.read_exact(&mut [0]).await.expect("read");
            rig.server.write_all(b"x").await.expect("there is room now");
        }
        // And the next header has its time from the answer on.
        assert_eq!(rig.gives_up_at().await, 200 + 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_left_at_the_shorter_of_both() {
        assert_eq!(rig(PATIENCE).gives_up_at().await, 30);
        assert_eq!(rig(Patience { idle: Duration::from_secs(5), ..PATIENCE }).gives_up_at().await, 5);
    }
}
