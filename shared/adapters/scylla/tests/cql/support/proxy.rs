//! A proxy in front of the real cluster that knows CQL frames well enough to hold back or cut off some of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{PATIENCE, node};

const HEADER_BYTES: usize = 9;
const OPCODE: usize = 4;
/// Frames of statements: reads and single writes, and batches.
pub const EXECUTE: u8 = 0x0a;
pub const BATCH: u8 = 0x0d;

/// What happens to the frames that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// They wait until it opens.
    Held,
    /// So many more pass; then connections break.
    Passes(usize),
}

pub struct Proxy {
    pub address: String,
    gate: watch::Sender<Gate>,
    waiting: watch::Receiver<usize>,
    passed: Arc<AtomicUsize>,
}

impl Proxy {
    /// One that looks at batches.
    pub async fn start() -> Self {
        Proxy::of(BATCH).await
    }

    /// One that looks at frames of this kind.
    pub async fn of(opcode: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (gate, gate_seen) = watch::channel(Gate::Open);
        let (waits, waiting) = watch::channel(0);
        let passed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&passed);
        let waits = Arc::new(waits);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let through =
                    Through { opcode, gate: gate_seen.clone(), waits: waits.clone(), passed: counted.clone() };
                tokio::spawn(through.serve(client));
            }
        });
        Proxy { address, gate, waiting, passed }
    }

    pub fn set(&self, gate: Gate) {
        self.passed.store(0, Ordering::SeqCst);
        self.gate.send_replace(gate);
    }

    /// Whether a frame came after the last that was to pass.
    pub fn has_cut(&self) -> bool {
        let gate = *self.gate.borrow();
        matches!(gate, Gate::Passes(frames) if self.passed.load(Ordering::SeqCst) > frames)
    }

    /// Waits until this many frames are held.
    pub async fn until_waiting(&self, frames: usize) {
        let mut waiting = self.waiting.clone();
        let reached = waiting.wait_for(|waiting| *waiting >= frames);
        tokio::time::timeout(PATIENCE, reached).await.expect("in time").expect("alive");
    }
}

struct Through {
    opcode: u8,
    gate: watch::Receiver<Gate>,
    waits: Arc<watch::Sender<usize>>,
    passed: Arc<AtomicUsize>,
}

impl Through {
    async fn serve(mut self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(node()).await else {
            return;
        };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        loop {
            let mut frame = vec![0; HEADER_BYTES];
            if from_client.read_exact(&mut frame).await.is_err() {
                break;
            }
            let length = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]) as usize;
            let is_looked_at = frame[OPCODE] == self.opcode;
            frame.resize(HEADER_BYTES + length, 0);
            if from_client.read_exact(&mut frame[HEADER_BYTES..]).await.is_err() {
                break;
            }
            if is_looked_at && !self.admit().await {
                break;
            }
            if to_server.write_all(&frame).await.is_err() {
                break;
            }
        }
        answers.abort();
    }

    async fn admit(&mut self) -> bool {
        let gate = *self.gate.borrow();
        match gate {
            Gate::Open => true,
            Gate::Passes(frames) => self.passed.fetch_add(1, Ordering::SeqCst) < frames,
            Gate::Held => {
                self.waits.send_modify(|waiting| *waiting += 1);
                let opened = self.gate.wait_for(|gate| *gate != Gate::Held).await.is_ok();
                self.waits.send_modify(|waiting| *waiting -= 1);
                opened
            }
        }
    }
}
