//! The one thread that writes log lines. If the destination fails, lines are lost and counted; if it stalls, only this
//! thread blocks.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::queue::Counts;
use super::shape::Shape;

/// How often the writer checks for repeated lines to print.
const TICK: Duration = Duration::from_millis(500);
/// Pause before the next write to a non-blocking destination that would block.
const TRY_AGAIN: Duration = Duration::from_millis(10);
/// Approximate bytes of waiting lines that are written together.
const BATCH_BYTES: usize = 64 * 1024;

pub struct Writer<W> {
    to: W,
    shape: Shape,
    counts: Arc<Counts>,
    batch: Vec<u8>,
    /// Where each line of the batch ends, and how much of the batch came from the queue.
    ends: Vec<usize>,
    queued_bytes: usize,
    /// Whether the last write ended within a line.
    is_mid_line: bool,
    /// How many lost lines the log has reported.
    reported: u64,
}

impl<W: Write> Writer<W> {
    pub const fn new(to: W, shape: Shape, counts: Arc<Counts>) -> Self {
        Writer {
            to,
            shape,
            counts,
            batch: Vec::new(),
            ends: Vec::new(),
            queued_bytes: 0,
            is_mid_line: false,
            reported: 0,
        }
    }

    /// Writes until the queue's sending end is dropped. `due` returns the held back lines to write now.
    pub fn run(mut self, lines: &Receiver<Box<[u8]>>, due: impl Fn() -> Vec<String>) {
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => {
                    self.add(&line);
                    while self.batch.len() < BATCH_BYTES
                        && let Ok(line) = lines.try_recv()
                    {
                        self.add(&line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for line in due() {
                self.batch.extend_from_slice(line.as_bytes());
                self.ends.push(self.batch.len());
            }
            self.write();
        }
    }

    fn add(&mut self, line: &[u8]) {
        self.batch.extend_from_slice(line);
        self.ends.push(self.batch.len());
        self.queued_bytes += line.len();
    }

    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let dropped = self.counts.lines_dropped();
        let ahead = self.ahead(dropped);
        let batch = std::mem::take(&mut self.batch);
        let done = if self.write_all(ahead.as_bytes()) == ahead.len() {
            self.reported = dropped;
            self.write_all(&batch)
        } else {
            0
        };
        self.counts.dropped(self.ends.iter().filter(|end| **end > done).count() as u64);
        self.batch = batch;
        self.counts.done(std::mem::take(&mut self.queued_bytes));
        self.batch.clear();
        self.ends.clear();
    }

    /// The text before the next line: the end of a partial line, and the count of lost lines.
    fn ahead(&self, dropped: u64) -> String {
        let mut ahead = if self.is_mid_line { "\n".to_owned() } else { String::new() };
        if dropped > self.reported {
            let text = format!("{} log lines were lost", dropped - self.reported);
            ahead.push_str(&self.shape.line("WARN", &text));
        }
        ahead
    }

    /// Writes these bytes and returns how many were written.
    fn write_all(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while let Some(left) = bytes.get(done..).filter(|left| !left.is_empty()) {
            match self.to.write(left) {
                Ok(0) => break,
                Ok(written) => done += written,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => thread::sleep(TRY_AGAIN),
                    _ => break,
                },
            }
        }
        if let Some(last) = done.checked_sub(1) {
            self.is_mid_line = bytes[last] != b'\n';
        }
        done
    }
}

/// The writer of one log event. It offers the whole line to the queue at once.
pub struct Offering(pub Arc<super::Logs>);

impl Write for Offering {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.queue.offer(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
