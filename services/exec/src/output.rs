//! The command's output: copied as it is, and its last bytes kept.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{ChildStderr, ChildStdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// Bytes that are copied at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// After the command's end: how long a pipe may be silent before it is left. A process that the command leaves running
/// may hold it open.
const SILENT: Duration = Duration::from_millis(200);
/// How long such a process's output is copied at most.
const LEFT_RUNNING: Duration = Duration::from_secs(2);

/// Both streams of a command, while they are copied.
pub struct Copied {
    tail: Arc<Mutex<Tail>>,
    progress: Arc<Progress>,
    /// Closed once both pipes are.
    open: mpsc::Receiver<()>,
}

#[derive(Default)]
struct Progress {
    chunks: AtomicUsize,
    /// Copies that wait for whoever reads this process's output.
    writing: AtomicUsize,
}

impl Copied {
    /// Copies to this process's own streams and keeps the last `most` bytes of both together.
    pub fn start(most: usize, stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> Self {
        let tail = Arc::new(Mutex::new(Tail { bytes: VecDeque::new(), most }));
        let progress = Arc::new(Progress::default());
        let (sender, open) = mpsc::channel(1);
        if let Some(pipe) = stdout {
            spawn(pipe, io::stdout(), (tail.clone(), progress.clone()), sender.clone());
        }
        if let Some(pipe) = stderr {
            spawn(pipe, io::stderr(), (tail.clone(), progress.clone()), sender);
        }
        Copied { tail, progress, open }
    }

    /// The last bytes. It waits until everything that the command wrote has been copied.
    pub async fn end(mut self) -> Vec<u8> {
        let until = Instant::now() + LEFT_RUNNING;
        loop {
            let before = self.progress.chunks.load(Ordering::SeqCst);
            if tokio::time::timeout(SILENT, self.open.recv()).await.is_ok() {
                break;
            }
            let is_silent = self.progress.chunks.load(Ordering::SeqCst) == before;
            let is_writing = self.progress.writing.load(Ordering::SeqCst) > 0;
            if !is_writing && (is_silent || Instant::now() >= until) {
                break;
            }
        }
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.bytes.iter().copied().collect()
    }
}

fn spawn<R: Read + Send + 'static, W: Write + Send + 'static>(
    mut pipe: R,
    mut to: W,
    (tail, progress): (Arc<Mutex<Tail>>, Arc<Progress>),
    open: mpsc::Sender<()>,
) {
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => &chunk[..read],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            tail.lock().unwrap_or_else(PoisonError::into_inner).push(read);
            progress.writing.fetch_add(1, Ordering::SeqCst);
            let written = to.write_all(read).and_then(|()| to.flush());
            progress.writing.fetch_sub(1, Ordering::SeqCst);
            progress.chunks.fetch_add(1, Ordering::SeqCst);
            if written.is_err() {
                // The pipe closes, and the command learns what it would have learned without this process.
                break;
            }
        }
        drop((pipe, open));
    });
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
