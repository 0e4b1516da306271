//! Reading a request's body: bounded in size, decoded and not, and in time.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::body_room::{NoRoom, Room};
use crate::gzip::{self, DEFLATE_MOST, Gunzip};
use crate::parse::Fault;
use crate::refusal_table::Problem;

/// What is read and thrown away of a body that is too large, so that its sender gets to read the answer.
const DISCARD_BODIES: usize = 8;
/// How long throwing a body away may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of a declared charset is shown back.
const MAX_CHARSET_CHARS: usize = 32;

/// What a body may be and take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// As sent and decoded, each.
    pub max_bytes: usize,
    /// For all of it to arrive.
    pub read_timeout: Duration,
}

/// The whole body, decoded, as text. `room` is had for all that may be held before any of it is read; of the text's
/// bytes it stays had.
///
/// # Errors
/// [`Problem::TooManyBytes`], [`Problem::Encoding`], [`Problem::BodyTooLarge`], [`Problem::BodyTimeout`],
/// [`Problem::BodyBroken`], or a [`Fault::NotJson`] for what is no gzip or no UTF-8.
pub(crate) async fn read(headers: &HeaderMap, mut body: Body, bounds: Bounds, room: &Room) -> Result<String, Problem> {
    let Bounds { max_bytes, read_timeout } = bounds;
    let gzip = is_gzip(headers)?;
    let announced = announced(headers);
    if announced.is_some_and(|bytes| bytes > max_bytes) {
        return Err(too_large(body, max_bytes).await);
    }
    let sent_most = announced.unwrap_or(max_bytes);
    let decoded_most = |sent: usize| if gzip { sent.saturating_mul(DEFLATE_MOST).min(max_bytes) } else { 0 };
    if let Err(NoRoom) = room.take(sent_most + decoded_most(sent_most)) {
        read_past(headers, &mut body, max_bytes).await;
        // Who reads knows how long this has lasted.
        return Err(Problem::TooManyBytes { retry_after_s: 1 });
    }
    let arriving = collect(body, announced, max_bytes);
    let sent = timeout(read_timeout, arriving).await.map_err(|_| Problem::BodyTimeout)??;
    let decoded = if gzip {
        room.keep(sent.len() + decoded_most(sent.len()));
        gzip::gunzip(&sent, max_bytes).map_err(|error| match error {
            Gunzip::TooLarge => Problem::BodyTooLarge { max_bytes },
            Gunzip::Malformed => not_json("is not readable gzip"),
        })?
    } else {
        Vec::from(sent)
    };
    room.keep(decoded.len());
    text(decoded).map_err(|fault| named_charset(headers, fault).into())
}

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A byte order mark is passed over.
fn text(mut decoded: Vec<u8>) -> Result<String, Fault> {
    if decoded.starts_with(BYTE_ORDER_MARK) {
        decoded.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(decoded).map_err(|error| Fault::not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// A charset that the sender declares is to blame where a body is no UTF-8; a body that is UTF-8 is taken whatever is declared.
fn named_charset(headers: &HeaderMap, fault: Fault) -> Fault {
    let declared = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let charset =
        declared.and_then(|kind| kind.to_ascii_lowercase().split_once("charset=").map(|(_, set)| set.to_owned()));
    let charset = charset.map(|set| set.split(';').next().unwrap_or_default().trim().trim_matches('"').to_owned());
    match (fault, charset) {
        (Fault::NotJson { field, reason }, Some(charset)) if !matches!(charset.as_str(), "utf-8" | "utf8" | "") => {
            let charset: String = charset.chars().take(MAX_CHARSET_CHARS).collect();
            Fault::NotJson { field, reason: format!("{reason} (Content-Type says '{charset}')") }
        }
        (fault, _) => fault,
    }
}

/// Reads past a body that nobody wants, so that its sender reads the answer and the connection can be used again. Nothing
/// of it is kept. A body that is large, slow, or waits to be asked for is left where it is.
pub(crate) async fn read_past(headers: &HeaderMap, body: &mut Body, max_bytes: usize) {
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

fn not_json(reason: &str) -> Problem {
    Problem::Fault(Fault::whole_body(reason))
}

/// Whether the body is to be decoded. The encodings may stand in one header or in several (RFC 9110, 8.4).
fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let listed = value.to_str().unwrap_or("?");
        for encoding in listed.split(',').map(str::trim) {
            let named = |name: &str| encoding.eq_ignore_ascii_case(name);
            match encoding {
                _ if encoding.is_empty() || named("identity") => {}
                _ if (named("gzip") || named("x-gzip")) && !gzip => gzip = true,
                _ => return Err(Problem::Encoding { encoding: listed.trim().chars().take(64).collect() }),
            }
        }
    }
    Ok(gzip)
}

async fn collect(mut body: Body, announced: Option<usize>, max_bytes: usize) -> Result<Bytes, Problem> {
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
async fn beyond(body: Body, announced: Option<usize>, max_bytes: usize) -> Problem {
    match announced {
        Some(_) => Problem::BodyBroken,
        None => too_large(body, max_bytes).await,
    }
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

async fn too_large(mut body: Body, max_bytes: usize) -> Problem {
    // Whether all of it came makes no difference to the answer.
    let _ = timeout(DISCARD_TIMEOUT, discard(&mut body, max_bytes.saturating_mul(DISCARD_BODIES))).await;
    Problem::BodyTooLarge { max_bytes }
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
