//! A server that answers every connection with the same bytes, and a client that may reach it.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tidegate_outbound::{Message, Networks, Outbound, PortRule, Resolve, SendLimits, TargetPolicy, Trust};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub const CA: &[u8] = include_bytes!("../../../../../tests/certificates/ca.pem");

/// What a server does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Answer(&'static str),
    /// This before any request, without TLS.
    Greet(&'static str),
    /// This, and bytes without end.
    Flood(&'static str),
    Hang,
    Close,
}

pub struct Server {
    pub port: u16,
    pub connections: Arc<AtomicUsize>,
    pub requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn plain(way: Way) -> Self {
        Server::start(way, None).await
    }

    pub async fn secure(way: Way) -> Self {
        let certificate =
            CertificateDer::from_pem_slice(include_bytes!("../../../../../tests/certificates/receiver.pem"));
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../../../tests/certificates/receiver-key.pem"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![certificate.unwrap()], key.unwrap()).unwrap();
        Server::start(way, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start(way: Way, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counted, noted) = (connections.clone(), requests.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (tls, noted) = (tls.clone(), noted.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, way, &noted).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, way, &noted).await;
                            }
                        }
                    }
                });
            }
        });
        Server { port, connections, requests, task }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, way: Way, noted: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let is_greeting = matches!(way, Way::Greet(_));
    // The bodies of these tests end so.
    while !is_greeting && !request.ends_with(b"!") {
        if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
            return;
        }
    }
    noted.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    match way {
        Way::Answer(text) | Way::Greet(text) => {
            _ = stream.write_all(text.as_bytes()).await;
            _ = stream.shutdown().await;
        }
        Way::Flood(text) => {
            let mut went = stream.write_all(text.as_bytes()).await;
            while went.is_ok() {
                went = stream.write_all(&[b'x'; 65_536]).await;
            }
        }
        Way::Hang => std::future::pending().await,
        Way::Close => {}
    }
}

/// Answers each look-up with the next of these; the last one stays.
pub struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    pub asked: AtomicUsize,
}

impl Names {
    pub fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |all: &&[&str]| all.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Names { answers: Mutex::new(answers.iter().map(parsed).collect()), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        next.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Never answers.
pub struct NoNames;

#[async_trait]
impl Resolve for NoNames {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

pub const LIMITS: SendLimits =
    SendLimits { whole: Duration::from_secs(60), connect: Duration::from_secs(30), body_bytes: 64 << 10 };

/// A client that may send to these networks, also without TLS.
pub fn client(networks: &[&str]) -> Outbound {
    client_with(networks, LIMITS, Trust::public().and_pem(CA).unwrap())
}

pub fn client_with(networks: &[&str], limits: SendLimits, trust: Trust) -> Outbound {
    let networks = Networks::parse(networks.iter().copied()).unwrap();
    Outbound::new(TargetPolicy { allow_http: true, networks, ports: PortRule::Any }, limits, trust).unwrap()
}

pub fn message(url: String) -> Message {
    let headers = vec![("X-A".to_owned(), "b".to_owned()), ("Host".to_owned(), "elsewhere.example".to_owned())];
    Message { url, headers, body: Bytes::from_static(b"{\"secret\":1}!") }
}
