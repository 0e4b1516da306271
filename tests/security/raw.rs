//! Requests byte by byte: what no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take before a test fails.
const ANSWERS: Duration = Duration::from_secs(60);

/// What comes back for these bytes until the other side closes. A side that closes while we still write has answered.
pub async fn said(address: &str, request: &[u8]) -> String {
    let host = address.strip_prefix("http://").unwrap_or(address);
    let mut stream = TcpStream::connect(host).await.unwrap();
    let talk = async {
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(read) = stream.read(&mut piece).await {
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    timeout(ANSWERS, talk).await.expect("the other side closes")
}

/// The status of an answer as it stands on the wire.
#[track_caller]
pub fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// The header's lines, names in lower case.
pub fn header_lines(answer: &str) -> Vec<String> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.split("\r\n").skip(1).map(str::to_ascii_lowercase).collect()
}
