//! Reading a request's body: bounded in size, decoded and not, and in time.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::parse::Fault;
use crate::refusal_table::Problem;

/// What is read and thrown away of a body that is too large, so that its sender gets to read the answer.
const DISCARD_BODIES: usize = 8;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// The whole body, decoded, as text.
///
/// # Errors
/// [`Problem::Encoding`], [`Problem::BodyTooLarge`], [`Problem::BodyTimeout`], [`Problem::BodyBroken`], or a
/// [`Fault::NotJson`] for what is no gzip or no UTF-8.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    max_bytes: usize,
    read_timeout: Duration,
) -> Result<String, Problem> {
    let gzip = is_gzip(headers)?;
    let raw = timeout(read_timeout, collect(headers, body, max_bytes)).await.map_err(|_| Problem::BodyTimeout)??;
    let decoded = if gzip { gunzip(&raw, max_bytes)? } else { Vec::from(raw) };
    String::from_utf8(decoded).map_err(|_| not_json("is not UTF-8 text"))
}

fn not_json(reason: &str) -> Problem {
    Problem::Fault(Fault::NotJson { reason: reason.to_owned() })
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = value.to_str().map(str::trim).unwrap_or("?");
        match text.to_ascii_lowercase().as_str() {
            "" | "identity" => {}
            "gzip" | "x-gzip" if !gzip => gzip = true,
            _ => return Err(Problem::Encoding { encoding: text.chars().take(64).collect() }),
        }
    }
    Ok(gzip)
}

async fn collect(headers: &HeaderMap, mut body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > max_bytes) {
        return too_large(body, max_bytes).await;
    }
    let Some(first) = data(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > max_bytes {
        return too_large(body, max_bytes).await;
    }
    // Most bodies arrive in one piece, which is taken as it is.
    let Some(second) = data(&mut body).await? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if whole.len() + piece.len() > max_bytes {
            return too_large(body, max_bytes).await;
        }
        whole.extend_from_slice(&piece);
        next = data(&mut body).await?;
    }
    Ok(whole.freeze())
}

/// The next piece of the body; `None` at its end. Trailers are passed over.
async fn data(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Problem::BodyBroken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn too_large(mut body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    let discard = async {
        let mut left = max_bytes.saturating_mul(DISCARD_BODIES);
        while let Ok(Some(piece)) = data(&mut body).await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whether all of it came makes no difference to the answer.
    let _ = timeout(DISCARD_TIMEOUT, discard).await;
    Err(Problem::BodyTooLarge { max_bytes })
}

/// Never holds more than the limit, whatever the compressed form promises.
fn gunzip(raw: &[u8], max_bytes: usize) -> Result<Vec<u8>, Problem> {
    let mut decoded = Vec::with_capacity(raw.len().saturating_mul(4).min(max_bytes));
    let limit = max_bytes as u64 + 1;
    MultiGzDecoder::new(raw).take(limit).read_to_end(&mut decoded).map_err(|_| not_json("is not readable gzip"))?;
    if decoded.len() > max_bytes {
        return Err(Problem::BodyTooLarge { max_bytes });
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests;
