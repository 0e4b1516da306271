//! Bodies as they come over the wire: sizes, encodings, text.

use std::convert::Infallible;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http::HeaderValue;

use super::*;

const MAX: usize = 1_000;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn reading(encoding: &[&'static str], body: Body) -> Result<String, Problem> {
    let mut headers = HeaderMap::new();
    for encoding in encoding {
        headers.append(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    read(&headers, body, MAX, Duration::from_secs(30)).await
}

fn pieces(pieces: Vec<Vec<u8>>) -> Body {
    Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
}

#[tokio::test]
async fn plain_and_gzip_bodies_up_to_the_limit_are_read_whole() {
    let text = "x".repeat(MAX);
    assert_eq!(reading(&[], Body::from(text.clone())).await.unwrap(), text);
    assert_eq!(reading(&["identity"], Body::from(text.clone())).await.unwrap(), text);
    assert_eq!(reading(&["GZIP"], Body::from(gzip(text.as_bytes()))).await.unwrap(), text);
    assert_eq!(reading(&[], pieces(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()])).await.unwrap(), "abc");
    assert_eq!(reading(&[], Body::empty()).await.unwrap(), "");
}

#[tokio::test]
async fn one_byte_more_is_too_large_in_any_form() {
    let too_large = Problem::BodyTooLarge { max_bytes: MAX };
    let text = "x".repeat(MAX + 1);
    assert_eq!(reading(&[], Body::from(text.clone())).await.unwrap_err(), too_large);
    assert_eq!(reading(&["gzip"], Body::from(gzip(text.as_bytes()))).await.unwrap_err(), too_large);
    let halves = vec![vec![b'x'; MAX], vec![b'x']];
    assert_eq!(reading(&[], pieces(halves)).await.unwrap_err(), too_large);
    // A small body that decodes to a thousand times the limit.
    let bomb = gzip(&vec![b'x'; MAX * 1_000]);
    assert!(bomb.len() < MAX * 2);
    assert_eq!(reading(&["gzip"], Body::from(bomb)).await.unwrap_err(), too_large);
}

#[tokio::test]
async fn an_announced_length_is_enough_to_refuse() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(MAX + 1));
    let refused = read(&headers, Body::from("short"), MAX, Duration::from_secs(30)).await;
    assert_eq!(refused.unwrap_err(), Problem::BodyTooLarge { max_bytes: MAX });
}

#[tokio::test]
async fn other_encodings_are_named_in_the_refusal() {
    for encoding in ["br", "deflate", "gzip, gzip"] {
        let refused = reading(&[encoding], Body::from("{}")).await.unwrap_err();
        assert_eq!(refused, Problem::Encoding { encoding: encoding.to_owned() });
    }
    let twice = reading(&["gzip", "gzip"], Body::from("{}")).await.unwrap_err();
    assert_eq!(twice, Problem::Encoding { encoding: "gzip".to_owned() });
}

#[tokio::test]
async fn what_is_no_gzip_or_no_text_is_no_json() {
    for (encoding, body) in [
        (&["gzip"][..], b"{}".to_vec()),
        (&["gzip"], gzip(b"{}")[..12].to_vec()),
        (&["gzip"], [gzip(b"{}"), b"tail".to_vec()].concat()),
        (&[], b"\"\xff\"".to_vec()),
    ] {
        let refused = reading(encoding, Body::from(body)).await.unwrap_err();
        assert!(matches!(refused, Problem::Fault(Fault::NotJson { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let read = read(&HeaderMap::new(), stalled, MAX, Duration::ZERO).await;
    assert_eq!(read.unwrap_err(), Problem::BodyTimeout);
}
