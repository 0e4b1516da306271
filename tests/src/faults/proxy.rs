//! A way to a server that can be blocked, slowed and cut while it is in use.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::durability::Random;
use crate::process::free_ports;

const CHUNK_BYTES: usize = 64 * 1024;
/// How long a port that was ours may take to be ours again.
const COMES_BACK: Duration = Duration::from_secs(120);

/// What happens to bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Nothing listens, and open connections are cut.
    Refuse,
    /// Connections are taken and stay; no byte moves.
    Hang,
    /// Requests go through, answers do not come.
    HangAnswers,
    /// Every chunk is this late.
    Delay(Duration),
    /// A connection is cut after so many bytes of answers, in the middle of whatever that is.
    CutAfter(u64),
    /// So many of a hundred chunks of requests cut their connection instead.
    CutShare(u64),
}

/// Listens on a port of its own and leads to one server. It ends with this value, and its connections with it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    cut: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to `server`, open.
    pub async fn to(server: &str, seed: u64) -> Self {
        let (address, listener) = listener().await;
        let (mode, seen) = watch::channel(Mode::Pass);
        let cut = Arc::new(AtomicU64::new(0));
        let way = Way { server: server.to_owned(), mode: seen, cut: cut.clone(), seed };
        Proxy { address, mode, cut, task: tokio::spawn(serve(listener, address, way)) }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Connections that it cut so far.
    pub fn cut(&self) -> u64 {
        self.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Way {
    server: String,
    mode: watch::Receiver<Mode>,
    cut: Arc<AtomicU64>,
    seed: u64,
}

/// Another process may take a port between our look and our bind: then we look again.
async fn listener() -> (SocketAddr, TcpListener) {
    for _ in 0..4 {
        let [port] = free_ports();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        match TcpListener::bind(address).await {
            Ok(listener) => return (address, listener),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{address}"),
        }
    }
    panic!("no free port in four tries");
}

async fn serve(listener: TcpListener, address: SocketAddr, way: Way) {
    let mut listener = Some(listener);
    let mut mode = way.mode.clone();
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        if *mode.borrow_and_update() == Mode::Refuse {
            drop(listener.take());
            way.cut.fetch_add(connections.len() as u64, Ordering::SeqCst);
            connections.shutdown().await;
            if mode.wait_for(|mode| *mode != Mode::Refuse).await.is_err() {
                return;
            }
        }
        let open = match &listener {
            Some(open) => open,
            None => listener.insert(bound(address).await),
        };
        tokio::select! {
            changed = mode.changed() => if changed.is_err() { return },
            accepted = open.accept() => if let Ok((client, _)) = accepted {
                number += 1;
                connections.spawn(carry(client, Way { seed: way.seed.wrapping_add(number), ..way.clone() }));
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn bound(address: SocketAddr) -> TcpListener {
    let since = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => assert!(since.elapsed() < COMES_BACK, "{address} cannot be had again: {error}"),
        }
    }
}

async fn carry(client: TcpStream, way: Way) {
    if way.mode.clone().wait_for(|mode| *mode != Mode::Hang).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(&way.server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let requests = Pump { way: way.clone(), answers: false, random: Random::from_seed(way.seed), passed: 0 };
    let answers = Pump { way, answers: true, random: Random::from_seed(0), passed: 0 };
    // Whichever end goes first takes the other with it.
    tokio::select! {
        () = requests.run(from_client, to_server) => {}
        () = answers.run(from_server, to_client) => {}
    }
}

/// One direction of one connection.
struct Pump {
    way: Way,
    answers: bool,
    random: Random,
    passed: u64,
}

impl Pump {
    async fn run(mut self, mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(1..) = self.step(&mut chunk, &mut from, &mut to).await {}
    }

    /// Bytes that went through; 0 at the end.
    async fn step(
        &mut self,
        chunk: &mut [u8],
        from: &mut (impl AsyncReadExt + Unpin),
        to: &mut (impl AsyncWriteExt + Unpin),
    ) -> std::io::Result<usize> {
        let read = from.read(chunk).await?;
        let answers = self.answers;
        let moves = |mode: &Mode| !(matches!(mode, Mode::Hang) || answers && *mode == Mode::HangAnswers);
        let Ok(mode) = self.way.mode.wait_for(moves).await.map(|mode| *mode) else { return Ok(0) };
        let mut passes = read;
        match mode {
            Mode::Delay(late) => {
                // Nothing ends this early: it is a wait of exactly that long.
                let _ = tokio::time::timeout(late, std::future::pending::<()>()).await;
            }
            Mode::CutAfter(bytes) if self.answers => {
                let left = bytes.saturating_sub(self.passed);
                passes = usize::try_from(left).unwrap_or(usize::MAX).min(read);
            }
            Mode::CutShare(percent) if !self.answers && self.random.within(0..100) < percent => passes = 0,
            _ => {}
        }
        to.write_all(&chunk[..passes]).await?;
        self.passed += passes as u64;
        if passes < read {
            self.way.cut.fetch_add(1, Ordering::SeqCst);
            return Ok(0);
        }
        Ok(read)
    }
}
