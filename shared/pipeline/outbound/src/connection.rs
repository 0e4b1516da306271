//! One connection for one request.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::answer::ReceiverAnswer;
use crate::limits::SendLimits;
use crate::message::Message;
use crate::send_error::SendError;
use crate::target::{Target, TargetHost};

/// Bytes of an answer's head at most, and of what is buffered of its body.
const HEAD_BYTES: usize = 32 << 10;
/// How long the rest of a body may take once the head is there.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// A connection to the first address that takes one.
pub(crate) async fn connect(addresses: &[SocketAddr], within: Duration) -> Result<TcpStream, SendError> {
    let mut failed = SendError::Unresolved;
    for address in addresses {
        failed = match timeout(within, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => SendError::Connect(error.kind()),
            Err(_) => SendError::Connect(ErrorKind::TimedOut),
        };
    }
    Err(failed)
}

/// Sends the message on this connection, and reads what comes back. The answer's head comes until that instant.
pub(crate) async fn exchange(
    stream: TcpStream,
    target: &Target,
    (method, message): (&Method, &Message),
    tls: &Arc<ClientConfig>,
    limits: (Instant, &SendLimits),
) -> Result<ReceiverAnswer, SendError> {
    // It only saves a packet's wait.
    _ = stream.set_nodelay(true);
    let request = request(target, method, message)?;
    if !target.is_https {
        return converse(stream, request, limits).await;
    }
    let name = match &target.host {
        TargetHost::Name(name) => ServerName::try_from(name.clone()).map_err(|_| SendError::Request)?,
        TargetHost::Address(address) => ServerName::from(*address),
    };
    let (until, SendLimits { whole, .. }) = limits;
    let securing = TlsConnector::from(tls.clone()).connect(name, stream);
    let secured = timeout_at(until, securing).await.map_err(|_| SendError::Timeout(*whole))?;
    converse(secured.map_err(|error| SendError::Tls(untrusted(&error)))?, request, limits).await
}

/// Why TLS failed, without anything that the other side chose.
fn untrusted(error: &std::io::Error) -> String {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. } => {
                "the certificate has expired".to_owned()
            }
            rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. } => {
                "the certificate is of another name".to_owned()
            }
            rustls::CertificateError::UnknownIssuer => "the certificate's issuer is not known".to_owned(),
            _ => "the certificate is not valid".to_owned(),
        },
        Some(_) => "the handshake failed".to_owned(),
        None => error.kind().to_string(),
    }
}

fn request(target: &Target, method: &Method, message: &Message) -> Result<Request<Full<Bytes>>, SendError> {
    let uri: Uri = target.path.parse().map_err(|_| SendError::Request)?;
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| SendError::Request)?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| SendError::Request)?);
    }
    headers.insert(HOST, HeaderValue::from_str(&target.authority).map_err(|_| SendError::Request)?);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(message.body.len()));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(all) = request.headers_mut() {
        *all = headers;
    }
    request.body(Full::new(message.body.clone())).map_err(|_| SendError::Request)
}

async fn converse<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    (until, limits): (Instant, &SendLimits),
) -> Result<ReceiverAnswer, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|_| SendError::Protocol)?;
    let conversation = async {
        let response = timeout_at(until, sender.send_request(request)).await;
        let response = response.map_err(|_| SendError::Timeout(limits.whole))?.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let retry_after = retry_after(&head.headers);
        let (body, is_cut) = read(body, limits.body_bytes).await;
        Ok(ReceiverAnswer { status: head.status.as_u16(), retry_after, body, is_cut })
    };
    // Both in this task: if it is dropped, the connection is.
    tokio::pin!(connection, conversation);
    tokio::select! {
        biased;
        answer = &mut conversation => answer,
        _ = &mut connection => conversation.await,
    }
}

fn failed(error: &hyper::Error) -> SendError {
    match error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
        true => SendError::Protocol,
        false => SendError::Connect(ErrorKind::ConnectionReset),
    }
}

/// The body as far as the limit and the time allow, and whether that is not all.
async fn read(mut body: Incoming, most: usize) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    let until = Instant::now() + BODY_WITHIN;
    loop {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                let room = most - read.len();
                read.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    return (read.freeze(), true);
                }
            }
            Ok(None) => return (read.freeze(), false),
            Ok(Some(Err(_))) | Err(_) => return (read.freeze(), true),
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
