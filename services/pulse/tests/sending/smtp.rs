//! A small SMTP server that keeps what it takes.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The authority of the server's certificate.
pub const CA: &[u8] = include_bytes!("../../../../tests/certificates/ca.pem");

/// How the server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secured {
    Not,
    /// After `STARTTLS`; before it, nothing else is taken.
    AfterStarttls,
    FromTheStart,
}

/// A mail as it came: its envelope, and its text.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: Vec<String>,
    /// It came by TLS.
    pub is_secured: bool,
    pub text: String,
}

pub struct SmtpServer {
    pub port: u16,
    /// The reply to `RCPT TO`.
    reply: Arc<Mutex<&'static str>>,
    mails: Arc<Mutex<Vec<Mail>>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    pub async fn start() -> Self {
        SmtpServer::secured(Secured::Not).await
    }

    pub async fn secured(secured: Secured) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (reply, mails) = (Arc::new(Mutex::new("250 ok")), Arc::<Mutex<Vec<Mail>>>::default());
        let (given, kept) = (reply.clone(), mails.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepted(stream, secured, given.clone(), kept.clone()));
            }
        });
        SmtpServer { port, reply, mails, task }
    }

    pub fn answer(&self, reply: &'static str) {
        *self.reply.lock().unwrap() = reply;
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../../../../tests/certificates/receiver.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../../tests/certificates/receiver-key.pem"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.unwrap()], key.unwrap()).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accepted(
    mut stream: TcpStream,
    secured: Secured,
    reply: Arc<Mutex<&'static str>>,
    mails: Arc<Mutex<Vec<Mail>>>,
) {
    match secured {
        Secured::Not => serve(stream, true, false, reply, mails).await,
        Secured::FromTheStart => {
            if let Ok(stream) = acceptor().accept(stream).await {
                serve(stream, true, true, reply, mails).await;
            }
        }
        Secured::AfterStarttls => {
            if asked_for_tls(&mut stream).await.is_ok()
                && let Ok(stream) = acceptor().accept(stream).await
            {
                serve(stream, false, true, reply, mails).await;
            }
        }
    }
}

/// Greets, and goes on until the client asks for TLS. Byte by byte: what comes after is no line.
async fn asked_for_tls(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 smtp.test ESMTP\r\n").await?;
    let mut line = Vec::new();
    loop {
        line.push(stream.read_u8().await?);
        if !line.ends_with(b"\r\n") {
            continue;
        }
        let answer: &[u8] = match line.get(..4) {
            Some(b"EHLO") => b"250-smtp.test\r\n250 STARTTLS\r\n",
            Some(b"STAR") => b"220 go on\r\n",
            _ => b"530 STARTTLS first\r\n",
        };
        stream.write_all(answer).await?;
        if line.starts_with(b"STARTTLS") {
            return Ok(());
        }
        line.clear();
    }
}

async fn serve<S: AsyncRead + AsyncWrite>(
    stream: S,
    greets: bool,
    is_secured: bool,
    reply: Arc<Mutex<&'static str>>,
    mails: Arc<Mutex<Vec<Mail>>>,
) {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    let mut to = Vec::new();
    if greets && (write.write_all(b"220 smtp.test ESMTP\r\n").await.is_err() || write.flush().await.is_err()) {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "RCPT" => {
                to.push(line);
                *reply.lock().unwrap()
            }
            "DATA" => {
                _ = write.write_all(b"354 go on\r\n").await;
                _ = write.flush().await;
                let mut text = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push_str("\r\n");
                }
                mails.lock().unwrap().push(Mail { to: std::mem::take(&mut to), is_secured, text });
                "250 taken"
            }
            "RSET" => {
                to.clear();
                "250 ok"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() || write.flush().await.is_err() {
            return;
        }
    }
}
