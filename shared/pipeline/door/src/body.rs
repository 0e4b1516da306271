//! Reads a request's body: bounded in size, as sent and decoded, and in time.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::byte_budget::{BytePermit, OverBudget};
use crate::gzip::{self, DEFLATE_MOST, Gunzip};

/// What is read and thrown away of a body that is too large, so that its sender gets to read the answer.
const DISCARD_BODIES: usize = 8;
/// How long throwing a body away may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of an encoding's name is shown back.
const MAX_ENCODING_CHARS: usize = 64;

/// The limits of one body.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// As sent and decoded, each.
    pub max_bytes: usize,
    /// For all of it to arrive.
    pub read_timeout: Duration,
}

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("as many bytes of bodies as may be are under way")]
    OverBudget,
    /// A content encoding other than gzip. The listed encodings, shortened.
    #[error("Content-Encoding '{encoding}' is not supported")]
    Encoding { encoding: String },
    #[error("the body is larger than {max_bytes} bytes, as sent or decoded")]
    TooLarge { max_bytes: usize },
    #[error("the body did not arrive in time")]
    Timeout,
    /// The connection broke, or the body is longer than its announced length.
    #[error("the body did not arrive whole")]
    Broken,
    #[error("the body is not readable gzip")]
    NotGzip,
}

/// Reads the whole body and decodes it. `permit` grows to all that may be held before any of it is read, and keeps the
/// decoded bytes.
///
/// # Errors
/// [`BodyError`].
pub async fn read(
    headers: &HeaderMap,
    mut body: Body,
    bounds: Bounds,
    permit: &BytePermit,
) -> Result<Vec<u8>, BodyError> {
    let Bounds { max_bytes, read_timeout } = bounds;
    let gzip = is_gzip(headers)?;
    let announced = announced(headers);
    if announced.is_some_and(|bytes| bytes > max_bytes) {
        return Err(too_large(body, max_bytes).await);
    }
    let sent_most = announced.unwrap_or(max_bytes);
    let decoded_most = |sent: usize| if gzip { sent.saturating_mul(DEFLATE_MOST).min(max_bytes) } else { 0 };
    if let Err(OverBudget) = permit.take(sent_most + decoded_most(sent_most)) {
        read_past(headers, &mut body, max_bytes).await;
        return Err(BodyError::OverBudget);
    }
    let arriving = collect(body, announced, max_bytes);
    let sent = timeout(read_timeout, arriving).await.map_err(|_| BodyError::Timeout)??;
    let decoded = if gzip {
        permit.keep(sent.len() + decoded_most(sent.len()));
        gzip::gunzip(&sent, max_bytes).map_err(|error| match error {
            Gunzip::TooLarge => BodyError::TooLarge { max_bytes },
            Gunzip::Malformed => BodyError::NotGzip,
        })?
    } else {
        Vec::from(sent)
    };
    permit.keep(decoded.len());
    Ok(decoded)
}

/// Reads and discards a body, so that its sender reads the answer and the connection can be used again. Nothing
/// of it is kept. A body that is large, slow, or waits to be asked for is left where it is.
pub async fn read_past(headers: &HeaderMap, body: &mut Body, max_bytes: usize) {
    if body.is_end_stream() || headers.contains_key(EXPECT) || announced(headers).is_some_and(|bytes| bytes > max_bytes)
    {
        return;
    }
    // Whether all of it came makes no difference to the answer.
    let _ = timeout(DISCARD_TIMEOUT, discard(body, max_bytes)).await;
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

/// Whether the body is to be decoded. The encodings may be in one header or in several (RFC 9110, 8.4).
fn is_gzip(headers: &HeaderMap) -> Result<bool, BodyError> {
    let mut gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let listed = value.to_str().unwrap_or("?");
        for encoding in listed.split(',').map(str::trim) {
            let named = |name: &str| encoding.eq_ignore_ascii_case(name);
            match encoding {
                _ if encoding.is_empty() || named("identity") => {}
                _ if (named("gzip") || named("x-gzip")) && !gzip => gzip = true,
                _ => {
                    return Err(BodyError::Encoding {
                        encoding: listed.trim().chars().take(MAX_ENCODING_CHARS).collect(),
                    });
                }
            }
        }
    }
    Ok(gzip)
}

async fn collect(mut body: Body, announced: Option<usize>, max_bytes: usize) -> Result<Bytes, BodyError> {
    let Some(first) = data(&mut body).await? else { return Ok(Bytes::new()) };
    let most = announced.unwrap_or(max_bytes);
    if first.len() > most {
        return Err(beyond(body, announced, max_bytes).await);
    }
    // Most bodies arrive in one piece, which is taken as it is.
    let Some(second) = data(&mut body).await? else { return Ok(first) };
    let mut whole = BytesMut::with_capacity(announced.unwrap_or(first.len() + second.len()));
    whole.extend_from_slice(&first);
    drop(first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if whole.len() + piece.len() > most {
            return Err(beyond(body, announced, max_bytes).await);
        }
        whole.extend_from_slice(&piece);
        next = data(&mut body).await?;
    }
    Ok(whole.freeze())
}

/// More came than was announced, or than is taken of a body without a length.
async fn beyond(body: Body, announced: Option<usize>, max_bytes: usize) -> BodyError {
    match announced {
        Some(_) => BodyError::Broken,
        None => too_large(body, max_bytes).await,
    }
}

/// The next piece of the body; `None` at its end. Trailers are skipped.
async fn data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn too_large(mut body: Body, max_bytes: usize) -> BodyError {
    // Whether all of it came makes no difference to the answer.
    let _ = timeout(DISCARD_TIMEOUT, discard(&mut body, max_bytes.saturating_mul(DISCARD_BODIES))).await;
    BodyError::TooLarge { max_bytes }
}

async fn discard(body: &mut Body, mut left: usize) {
    while let Ok(Some(piece)) = data(body).await {
        match left.checked_sub(piece.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}

#[cfg(test)]
mod tests;
