//! Bodies as they come over the wire: sizes, encodings, text.

use std::convert::Infallible;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http::HeaderValue;

use super::*;
use crate::byte_budget::ByteBudget;

const MAX: usize = 1_000;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn reading(encoding: &[&'static str], body: Body) -> Result<String, BodyError> {
    let mut headers = HeaderMap::new();
    for encoding in encoding {
        headers.append(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    bounded(&headers, body, Duration::from_secs(30)).await
}

/// Reads with room for one body, and holds how much of it was had to what is left of it.
async fn bounded(headers: &HeaderMap, body: Body, read_timeout: Duration) -> Result<String, BodyError> {
    let bound = ByteBudget::new(2 * MAX);
    let room = bound.none();
    let read = read(headers, body, Bounds { max_bytes: MAX, read_timeout }, &room).await;
    if let Ok(decoded) = &read {
        assert_eq!(bound.taken(), decoded.len(), "the decoded bytes keep their permit");
    }
    drop(room);
    assert_eq!(bound.taken(), 0);
    read.map(|decoded| String::from_utf8(decoded).expect("text"))
}

fn pieces(pieces: Vec<Vec<u8>>) -> Body {
    Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
}

#[tokio::test]
async fn plain_and_gzip_bodies_up_to_the_limit_are_read_whole() {
    let text = "x".repeat(MAX);
    assert_eq!(reading(&[], Body::from(text.clone())).await.unwrap(), text);
    assert_eq!(reading(&["identity"], Body::from(text.clone())).await.unwrap(), text);
    for encodings in
        [&["GZIP"][..], &["x-gzip"], &["gzip, identity"], &["identity,gzip"], &["gzip", "identity"], &["gzip,"]]
    {
        assert_eq!(reading(encodings, Body::from(gzip(text.as_bytes()))).await.unwrap(), text, "{encodings:?}");
    }
    for encodings in [&[""][..], &["identity, identity"], &["", "IDENTITY"]] {
        assert_eq!(reading(encodings, Body::from(text.clone())).await.unwrap(), text, "{encodings:?}");
    }
    let padded = [gzip(b"a"), gzip(b"b"), vec![0; 100]].concat();
    assert_eq!(reading(&["gzip"], Body::from(padded)).await.unwrap(), "ab");
    assert_eq!(reading(&[], pieces(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()])).await.unwrap(), "abc");
    assert_eq!(reading(&[], Body::empty()).await.unwrap(), "");
}

#[tokio::test]
async fn one_byte_more_is_too_large_in_any_form() {
    let too_large = BodyError::TooLarge { max_bytes: MAX };
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
    let refused = bounded(&headers, Body::from("short"), Duration::from_secs(30)).await;
    assert_eq!(refused.unwrap_err(), BodyError::TooLarge { max_bytes: MAX });
}

#[tokio::test]
async fn other_encodings_are_named_in_the_refusal() {
    for encoding in ["br", "deflate", "gzip, gzip", "gzip, br", "x-gzip, gzip"] {
        let refused = reading(&[encoding], Body::from("{}")).await.unwrap_err();
        assert_eq!(refused, BodyError::Encoding { encoding: encoding.to_owned() });
    }
    let twice = reading(&["gzip", "gzip"], Body::from("{}")).await.unwrap_err();
    assert_eq!(twice, BodyError::Encoding { encoding: "gzip".to_owned() });
}

#[tokio::test]
async fn what_is_no_gzip_is_refused() {
    for (encoding, body) in [
        (&["gzip"][..], b"{}".to_vec()),
        (&["gzip"], gzip(b"{}")[..12].to_vec()),
        (&["gzip"], [gzip(b"{}"), b"tail".to_vec()].concat()),
    ] {
        let refused = reading(encoding, Body::from(body)).await.unwrap_err();
        assert_eq!(refused, BodyError::NotGzip);
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let read = bounded(&HeaderMap::new(), stalled, Duration::ZERO).await;
    assert_eq!(read.unwrap_err(), BodyError::Timeout);
}

#[tokio::test]
async fn more_than_was_announced_is_no_body() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(3));
    for body in [Body::from("four"), pieces(vec![b"fo".to_vec(), b"ur".to_vec()])] {
        assert_eq!(bounded(&headers, body, Duration::from_secs(30)).await.unwrap_err(), BodyError::Broken);
    }
    let two = pieces(vec![b"fo".to_vec(), b"r".to_vec()]);
    assert_eq!(bounded(&headers, two, Duration::from_secs(30)).await.unwrap(), "for");
}

/// A body that fails the test when it is read.
fn unread() -> Body {
    Body::from_stream(stream::once(async {
        panic!("nothing of it is to be read");
        #[expect(unreachable_code, reason = "gives the stream its type")]
        Ok::<Bytes, Infallible>(Bytes::new())
    }))
}

#[tokio::test]
async fn without_room_nothing_is_kept() {
    let bound = ByteBudget::new(MAX);
    let bounds = Bounds { max_bytes: MAX, read_timeout: Duration::from_secs(30) };
    let headers = |pairs: &[(http::HeaderName, &str)]| -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    };
    let other = bound.none();
    other.take(MAX - 500).unwrap();
    for told in [
        headers(&[(CONTENT_LENGTH, "501")]),
        // Of unknown length; and what its gzip may hold.
        headers(&[]),
        headers(&[(CONTENT_LENGTH, "100"), (CONTENT_ENCODING, "gzip")]),
    ] {
        let room = bound.none();
        let body = pieces(vec![vec![b'x'; 250], vec![b'x'; 251]]);
        assert_eq!(read(&told, body, bounds, &room).await.unwrap_err(), BodyError::OverBudget, "{told:?}");
        assert_eq!(bound.taken(), MAX - 500, "a refusal takes nothing");
    }
    let asks = headers(&[(CONTENT_LENGTH, "501"), (EXPECT, "100-continue")]);
    assert_eq!(read(&asks, unread(), bounds, &bound.none()).await.unwrap_err(), BodyError::OverBudget);
    let room = bound.none();
    let fits = headers(&[(CONTENT_LENGTH, "500")]);
    assert_eq!(read(&fits, Body::from("x".repeat(500)), bounds, &room).await.unwrap().len(), 500);
    assert_eq!(bound.taken(), MAX);
    drop((room, other));
    assert_eq!(bound.taken(), 0);
}

#[tokio::test]
async fn what_is_not_wanted_is_read_past_unless_it_is_large_slow_or_waits_to_be_asked_for() {
    let headers = |name: http::HeaderName, value: &str| HeaderMap::from_iter([(name, value.parse().unwrap())]);
    let mut body = pieces(vec![vec![b'x'; 400], vec![b'x'; 400]]);
    read_past(&headers(CONTENT_LENGTH, "800"), &mut body, MAX).await;
    assert!(body.frame().await.is_none(), "all of it was read");
    read_past(&headers(CONTENT_LENGTH, "1001"), &mut unread(), MAX).await;
    read_past(&headers(EXPECT, "100-continue"), &mut unread(), MAX).await;
    let mut endless = Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(vec![b'x'; 100])));
    read_past(&HeaderMap::new(), &mut endless, MAX).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_what_is_not_wanted() {
    let mut stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    read_past(&HeaderMap::new(), &mut stalled, MAX).await;
}

/// How a body comes, and what becomes of its reader.
#[derive(Clone, Debug)]
struct Coming {
    sizes: Vec<usize>,
    gzip: bool,
    announced: bool,
    /// Ends in an error, or never; its reader leaves after so many turns.
    breaks: bool,
    stalls: bool,
    leaves_after: usize,
}

proptest::prop_compose! {
    fn any_coming()(
        sizes in proptest::collection::vec(1..700usize, 0..4),
        gzip in proptest::bool::ANY,
        announced in proptest::bool::ANY,
        breaks in proptest::bool::weighted(0.2),
        stalls in proptest::bool::weighted(0.2),
        leaves_after in 1..12usize,
    ) -> Coming {
        Coming { sizes, gzip, announced, breaks, stalls, leaves_after }
    }
}

impl Coming {
    fn body(&self) -> (HeaderMap, Body) {
        let text: Vec<u8> = self.sizes.iter().flat_map(|size| vec![b'x'; *size]).collect();
        let sent = if self.gzip { gzip(&text) } else { text };
        let mut headers = HeaderMap::new();
        if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.announced {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(sent.len()));
        }
        let size = sent.len().div_ceil(self.sizes.len().max(1)).max(1);
        let mut parts: Vec<std::io::Result<Bytes>> =
            sent.chunks(size).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
        if self.breaks {
            parts.push(Err(std::io::Error::other("cut")));
        }
        let stalls = self.stalls;
        let tail =
            stream::poll_fn(move |_| if stalls { std::task::Poll::Pending } else { std::task::Poll::Ready(None) });
        use futures_util::StreamExt;
        (headers, Body::from_stream(stream::iter(parts).chain(tail)))
    }
}

proptest::proptest! {
    /// Readers side by side, of which some leave, meet broken, endless or oversized bodies, or panic: never more bytes
    /// are had than the bound, none are held that were not had, and all of them come back.
    #[test]
    fn however_bodies_come_and_end_all_room_comes_back(
        comings in proptest::collection::vec(any_coming(), 1..12),
        max in MAX..6 * MAX,
        panics in proptest::bool::ANY,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let bound = ByteBudget::new(max);
            let mut readers = Vec::new();
            for coming in &comings {
                let (bound, coming) = (bound.clone(), coming.clone());
                readers.push((coming.leaves_after, Box::pin(async move {
                    let (headers, body) = coming.body();
                    let room = bound.none();
                    let bounds = Bounds { max_bytes: MAX, read_timeout: Duration::from_secs(30) };
                    let text = read(&headers, body, bounds, &room).await;
                    tokio::task::yield_now().await;
                    assert!(!panics || coming.gzip, "on purpose");
                    drop(text);
                })));
            }
            for turn in 0..16 {
                for (leaves_after, reader) in &mut readers {
                    if *leaves_after > turn {
                        use futures_util::FutureExt;
                        let polled = std::panic::AssertUnwindSafe(reader.as_mut()).catch_unwind().now_or_never();
                        if polled.is_some() {
                            *leaves_after = 0;
                        }
                    }
                    assert!(bound.taken() <= max);
                }
                readers.retain(|(leaves_after, _)| *leaves_after > turn);
            }
            drop(readers);
            assert_eq!(bound.taken(), 0);
        });
    }
}
