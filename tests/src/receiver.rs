//! A receiver of webhooks on loopback, with a certificate of the tests' own authority.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::wait::eventually;

/// The authority's certificate.
pub fn ca_file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/certificates/ca.pem"))
}

/// What a deployment needs so that webhooks reach a [`Receiver`]: setting and value.
pub fn settings() -> [(&'static str, String); 2] {
    [("webhook_allow_targets", "127.0.0.0/8".to_owned()), ("webhook_ca_file", ca_file().display().to_string())]
}

/// What is answered to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Status(u16),
    /// This status, and `Retry-After` with so many seconds.
    RetryAfter(u16, u32),
    /// To this path.
    Redirect(String),
    /// A head, and a body without end.
    Endless,
    /// Nothing, while the connection lasts.
    Hang,
    /// Nothing: the connection is closed.
    Close,
}

/// What came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The event's id.
    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// The event's type.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// A server. Each path answers 204, unless something else is set.
pub struct Receiver {
    port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    replies: HashMap<String, VecDeque<Reply>>,
    always: HashMap<String, Reply>,
}

impl Receiver {
    pub async fn start() -> Self {
        let tls = Arc::new(tls());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let serving = state.clone();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (state, acceptor) = (serving.clone(), TlsAcceptor::from(tls.clone()));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, &state).await;
                    }
                });
            }
        });
        Receiver { port, state, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Answers the next requests of a path so, one after another.
    pub fn reply(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().unwrap().replies.entry(path.to_owned()).or_default().extend(replies);
    }

    /// Answers every request of a path so.
    pub fn always(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().always.insert(path.to_owned(), reply);
    }

    /// What came to a path so far.
    pub fn received(&self, path: &str) -> Vec<Received> {
        self.state.lock().unwrap().received.iter().filter(|one| one.path == path).cloned().collect()
    }

    /// Waits until so many requests came to a path.
    pub async fn wait_for(&self, path: &str, count: usize) -> Vec<Received> {
        let within = std::time::Duration::from_secs(120);
        eventually(within, &format!("{count} requests to {path}"), async || match self.received(path).len() {
            came if came >= count => Ok(()),
            came => Err(format!("{came}")),
        })
        .await;
        self.received(path)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn tls() -> ServerConfig {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/certificates"));
    let certificate = CertificateDer::from_pem_file(folder.join("receiver.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("receiver-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, state: &Mutex<State>) {
    let Some(received) = read(&mut stream).await else { return };
    let reply = {
        let mut state = state.lock().unwrap();
        let next = state.replies.get_mut(&received.path).and_then(VecDeque::pop_front);
        let reply = next.or_else(|| state.always.get(&received.path).cloned());
        state.received.push(received);
        reply.unwrap_or(Reply::Status(204))
    };
    let head = match &reply {
        Reply::Status(status) => format!("HTTP/1.1 {status} so\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Reply::RetryAfter(status, seconds) => {
            format!("HTTP/1.1 {status} so\r\nretry-after: {seconds}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Reply::Redirect(to) => format!("HTTP/1.1 302 so\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
        Reply::Endless => "HTTP/1.1 200 so\r\ncontent-length: 1073741824\r\n\r\n".to_owned(),
        Reply::Hang => pending().await,
        Reply::Close => return,
    };
    // The other side may have left.
    let mut went = stream.write_all(head.as_bytes()).await;
    let chunk = vec![b'x'; 64 << 10];
    while reply == Reply::Endless && went.is_ok() {
        went = stream.write_all(&chunk).await;
    }
    _ = stream.shutdown().await;
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { path, headers, body })
}
