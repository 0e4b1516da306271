//! A stream that fails once nothing moved on it for too long, a request's header took too long to come, or its client
//! has reset it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::Exchange;
use super::unreadable::{AnswerUnreadable, Substitute};

/// How much of what a client still sends is read past when its head was refused. A connection that is closed with bytes
/// unread is reset, and the reset may overtake the answer.
const LINGER_BYTES: usize = 1024 * 1024;
/// How long that may take.
const LINGER: Duration = Duration::from_secs(2);

/// How long a connection may keep its server waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Since a byte last moved, while a body or an answer is on its way.
    pub idle: Duration,
    /// For a request's whole header: of the first one since the connection was made, of the others since their first byte.
    pub header: Duration,
    /// For the first byte of the next request, since the last answer.
    pub keep_alive: Duration,
}

/// A stream that knows a reset without being read.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Ready once the connection was reset. A client that only has no more to send may still wait for its answer, and is
    /// no reset.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<io::Error>;
}

impl Socket for TcpStream {
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut byte = [0];
        match ready!(self.poll_peek(cx, &mut ReadBuf::new(&mut byte))) {
            Err(error) => Poll::Ready(error),
            // The end, or a further request: it is read when its turn comes, which is not waited for here.
            Ok(_) => Poll::Pending,
        }
    }
}

/// Reads and writes pass through; waiting longer than there is patience is `TimedOut`.
pub(super) struct Stalling<S> {
    stream: S,
    patience: Patience,
    exchange: Exchange,
    /// Whether a request was in progress when this was last looked at.
    was_under_way: bool,
    /// Since when an answer waits for its reader.
    unread_since: Option<Instant>,
    last_moved: Instant,
    /// What the patience for a header counts from.
    header_since: Instant,
    /// Something was answered, and nothing of the next request has come.
    between_requests: bool,
    /// Something was written that is not flushed yet.
    unflushed: bool,
    /// What is answered to a request whose head cannot be read.
    answer_unreadable: AnswerUnreadable,
    /// Written in place of hyper's own answer.
    substitute: Option<Substitute>,
    lingering: Option<Lingering>,
    /// Armed rarely: when it rings too early it is set again, so neither a byte nor a request costs a timer. Never
    /// later than any deadline can be.
    alarm: Pin<Box<Sleep>>,
}

/// Reading past what a refused client still sends.
struct Lingering {
    bytes_left: usize,
    until: Instant,
}

impl<S> Stalling<S> {
    pub fn new(stream: S, patience: Patience, exchange: Exchange, answer_unreadable: AnswerUnreadable) -> Self {
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
            between_requests: false,
            unflushed: false,
            answer_unreadable,
            substitute: None,
            lingering: None,
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
                self.between_requests = true;
            } else if self.between_requests {
                self.header_since = self.last_moved;
                self.between_requests = false;
            }
            return polled;
        }
        if answered {
            self.header_since = Instant::now();
            self.between_requests = true;
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
        let Patience { idle, header, keep_alive } = self.patience;
        match self.unread_since {
            Some(since) => since + idle,
            None if under_way => self.last_moved + idle,
            None if self.between_requests => self.header_since + keep_alive,
            None => (self.last_moved + idle).min(self.header_since + header),
        }
    }
}

impl Patience {
    fn shortest(self) -> Duration {
        self.idle.min(self.header).min(self.keep_alive)
    }
}

impl<S: Socket> Stalling<S> {
    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.unflushed = true;
        if self.substitute.is_none() && !self.exchange.is_under_way() {
            self.substitute = Substitute::of(bufs, self.answer_unreadable);
        }
        let Some(mut substitute) = self.substitute.take() else {
            let polled = write(Pin::new(&mut self.stream), cx);
            return self.watch(cx, polled, true);
        };
        loop {
            let polled = Pin::new(&mut self.stream).poll_write(cx, substitute.rest());
            match self.watch(cx, polled, true) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => {
                    if let Some(done) = substitute.wrote(bytes) {
                        self.lingering = Some(Lingering { bytes_left: LINGER_BYTES, until: self.last_moved + LINGER });
                        return Poll::Ready(Ok(done));
                    }
                }
                Poll::Pending => {
                    self.substitute = Some(substitute);
                    return Poll::Pending;
                }
                ended => return ended,
            }
        }
    }

    /// Reads past what still comes, until its end, or for as much and as long as that may take.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        while let Some(lingering) = &mut self.lingering {
            let mut read = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if (1..=lingering.bytes_left).contains(&read.filled().len()) => {
                    lingering.bytes_left -= read.filled().len();
                }
                Poll::Ready(_) => self.lingering = None,
                Poll::Pending => {
                    self.alarm.as_mut().reset(lingering.until);
                    ready!(self.alarm.as_mut().poll(cx));
                    self.lingering = None;
                }
            }
        }
        Poll::Ready(())
    }
}

impl<S: Socket> AsyncRead for Stalling<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let watched = self.watch(cx, polled, false);
        if watched.is_ready() && !self.exchange.is_under_way() && !self.between_requests {
            self.exchange.waits_since(self.header_since);
        }
        watched
    }
}

impl<S: Socket> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, &[io::IoSlice::new(buf)], |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, bufs, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes whenever it looks at a connection, and reads nothing while a request's answer is being made: this is
    /// where a client that has reset its connection is noticed then.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.exchange.is_under_way() {
            if let Poll::Ready(error) = self.stream.poll_reset(cx) {
                return Poll::Ready(Err(error));
            }
            if let Poll::Ready(Err(error)) = self.watch(cx, Poll::<io::Result<()>>::Pending, false) {
                return Poll::Ready(Err(error));
            }
        } else if std::mem::take(&mut self.unflushed) {
            self.exchange.waits_since(self.header_since);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests;
