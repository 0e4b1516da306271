//! The command's output: copied as it is, and its last bytes kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread};
use tokio::sync::mpsc;

/// Bytes that are copied at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// After the command's end: how long a pipe may be silent before it is left. A process that the command leaves running
/// may hold it open.
const SILENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// How long such a process's output is copied at most.
const LEFT_RUNNING: Duration = Duration::from_secs(2);

/// Both streams of a command, while they are copied.
pub struct Copied {
    tail: Arc<Mutex<Tail>>,
    /// Closed with the command's end, which the copies see at its other side.
    running: PipeWriter,
    /// Closed once both copies are done.
    open: mpsc::Receiver<()>,
}

/// What copying needs, before there is a command: afterwards nothing may fail.
pub struct Copies {
    most: usize,
    ended: PipeReader,
    running: PipeWriter,
}

impl Copies {
    /// The last `most` bytes of both streams together will be kept.
    ///
    /// # Errors
    /// The process may not open two more files.
    pub fn ready(most: usize) -> io::Result<Self> {
        let (ended, running) = io::pipe()?;
        Ok(Copies { most, ended, running })
    }

    /// Copies to this process's own streams.
    pub fn start(self, stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> Copied {
        let Copies { most, ended, running } = self;
        let tail = Arc::new(Mutex::new(Tail { bytes: VecDeque::new(), most }));
        let ended = Arc::new(ended);
        let (sender, open) = mpsc::channel(1);
        if let Some(pipe) = stdout {
            spawn(Stream::of(pipe.into(), ended.clone()), io::stdout(), tail.clone(), sender.clone());
        }
        if let Some(pipe) = stderr {
            spawn(Stream::of(pipe.into(), ended), io::stderr(), tail.clone(), sender);
        }
        Copied { tail, running, open }
    }
}

impl Copied {
    /// The last bytes. It waits until everything that the command wrote has been copied.
    pub async fn end(mut self) -> Vec<u8> {
        drop(self.running);
        // Nothing is sent: this waits for both copies.
        let _ = self.open.recv().await;
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.bytes.iter().copied().collect()
    }
}

fn spawn(mut stream: Stream, mut to: impl Write + Send + 'static, tail: Arc<Mutex<Tail>>, open: mpsc::Sender<()>) {
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Some(read) = stream.next(&mut chunk) {
            let read = &chunk[..read];
            tail.lock().unwrap_or_else(PoisonError::into_inner).push(read);
            if to.write_all(read).and_then(|()| to.flush()).is_err() {
                // The pipe closes, and the command learns what it would have learned without this process.
                break;
            }
        }
        drop((stream, open));
    });
}

/// A stream of the command.
struct Stream {
    pipe: File,
    ended: Arc<PipeReader>,
    after_end: Option<AfterEnd>,
}

/// The command has ended, and others may write still.
struct AfterEnd {
    since: Instant,
    /// Bytes that were in the pipe at that time, as far as they were not read since: the command may have written them.
    unread: u64,
}

impl Stream {
    fn of(pipe: OwnedFd, ended: Arc<PipeReader>) -> Self {
        Stream { pipe: pipe.into(), ended, after_end: None }
    }

    /// Reads what comes next. `None`: it is closed, or there is nothing more of the command's.
    fn next(&mut self, chunk: &mut [u8]) -> Option<usize> {
        loop {
            if !self.is_ready()? {
                continue;
            }
            let read = match self.pipe.read(chunk) {
                Ok(0) => return None,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            if let Some(after_end) = &mut self.after_end {
                after_end.unread = after_end.unread.saturating_sub(read as u64);
            }
            return Some(read);
        }
    }

    /// Waits until the pipe has something, or is closed. `None`: it is to be left.
    fn is_ready(&mut self) -> Option<bool> {
        let left = |after: &AfterEnd| after.unread == 0 && after.since.elapsed() >= LEFT_RUNNING;
        if self.after_end.as_ref().is_some_and(left) {
            return None;
        }
        let mut files = [PollFd::new(&self.pipe, PollFlags::IN), PollFd::new(&*self.ended, PollFlags::IN)];
        let (looked_at, timeout) = match self.after_end {
            None => (&mut files[..], None),
            Some(_) => (&mut files[..1], Some(&SILENT)),
        };
        match poll(looked_at, timeout) {
            // Silent, and what the command has written is read.
            Ok(0) => return None,
            Ok(_) => {}
            Err(Errno::INTR) => return Some(false),
            Err(_) => return None,
        }
        let [pipe, ended] = files.map(|file| !file.revents().is_empty());
        if ended && self.after_end.is_none() {
            let unread = ioctl_fionread(&self.pipe).unwrap_or(0);
            self.after_end = Some(AfterEnd { since: Instant::now(), unread });
        }
        Some(pipe)
    }
}

/// The last bytes of what was pushed.
struct Tail {
    bytes: VecDeque<u8>,
    most: usize,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(self.most)..];
        let over = (self.bytes.len() + kept.len()).saturating_sub(self.most);
        self.bytes.drain(..over);
        self.bytes.extend(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy that has had no turn since long before the command's end.
    #[test]
    fn what_was_in_the_pipe_at_the_end_is_read_however_late() {
        let (ended, running) = io::pipe().unwrap();
        let (pipe, mut writer) = io::pipe().unwrap();
        writer.write_all(&[b'x'; 3 * CHUNK_BYTES]).unwrap();
        drop(running);
        let mut stream = Stream::of(pipe.into(), Arc::new(ended));
        let mut chunk = vec![0; CHUNK_BYTES];
        assert_eq!(stream.next(&mut chunk), Some(CHUNK_BYTES));
        stream.after_end.as_mut().unwrap().since -= LEFT_RUNNING;
        // What another process writes since then is not waited for.
        writer.write_all(b"later").unwrap();
        let mut read = CHUNK_BYTES;
        while let Some(more) = stream.next(&mut chunk) {
            read += more;
        }
        assert_eq!(read, 3 * CHUNK_BYTES);
        assert_eq!(stream.next(&mut chunk), None, "{} bytes more", chunk.len());
    }

    #[test]
    fn the_last_bytes_are_kept() {
        let mut tail = Tail { bytes: VecDeque::new(), most: 5 };
        for (pushed, kept) in [("abc", "abc"), ("def", "bcdef"), ("", "bcdef"), ("0123456789", "56789"), ("x", "6789x")]
        {
            tail.push(pushed.as_bytes());
            assert_eq!(tail.bytes.iter().copied().collect::<Vec<_>>(), kept.as_bytes());
        }
    }
}
