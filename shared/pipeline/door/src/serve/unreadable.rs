//! Requests whose head cannot be read. hyper refuses them by itself, with a bare status; their senders get the
//! envelope that every other refusal of the port has.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::IoSlice;

use http::StatusCode;
use serde_json::json;

use crate::request_id;

/// What the sender of such a request is answered: the status, and the JSON body.
pub(crate) type AnswerUnreadable = fn(Unreadable) -> (StatusCode, String);

/// Why a request's head was not read: no service has seen it, so it is not among the requests received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no HTTP/1.1, or a header line is malformed.
    Malformed,
    /// Its target is too long.
    TargetTooLong,
    /// It has too many header lines, or too many bytes.
    HeadTooLarge,
}

impl Unreadable {
    pub const ALL: [Unreadable; 3] = [Unreadable::Malformed, Unreadable::TargetTooLong, Unreadable::HeadTooLarge];

    /// As hyper answers it.
    pub const fn status(self) -> StatusCode {
        match self {
            Unreadable::Malformed => StatusCode::BAD_REQUEST,
            Unreadable::TargetTooLong => StatusCode::URI_TOO_LONG,
            Unreadable::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    /// Its label in metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Unreadable::Malformed => "head_malformed",
            Unreadable::TargetTooLong => "target_too_long",
            Unreadable::HeadTooLarge => "head_too_large",
        }
    }

    /// A word for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Unreadable::Malformed => "invalid_request",
            Unreadable::TargetTooLong => "uri_too_long",
            Unreadable::HeadTooLarge => "headers_too_large",
        }
    }

    /// A sentence for people.
    pub const fn message(self) -> &'static str {
        match self {
            Unreadable::Malformed => {
                "The request's head is not HTTP/1.1: its request line or one of its header lines is malformed."
            }
            Unreadable::TargetTooLong => "The request's target is longer than 65534 bytes.",
            Unreadable::HeadTooLarge => "The request's head has more than 100 header lines or 65536 bytes.",
        }
    }

    /// What a port answers that has no words of its own: hyper's status, and the envelope of an
    /// [`Entry`](crate::Entry).
    pub fn answer(self) -> (StatusCode, String) {
        (self.status(), json!({ "error": self.code(), "message": self.message() }).to_string())
    }

    /// What hyper's error says about a request's head; `None` for everything else that ends a connection.
    pub(super) fn of_error(error: &hyper::Error) -> Option<Self> {
        match error {
            // hyper distinguishes the two by their texts only; a test fails if it words them differently.
            error if error.is_parse_too_large() && error.to_string().contains("URI") => Some(Unreadable::TargetTooLong),
            error if error.is_parse_too_large() => Some(Unreadable::HeadTooLarge),
            error if error.is_parse() => Some(Unreadable::Malformed),
            _ => None,
        }
    }

    /// Whether these bytes are, as a whole, one of hyper's own answers. They have no body and no header but hyper's own;
    /// services' refusals always have a body.
    fn of_bare_answer(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"HTTP/1.1 4")?;
        let head = std::str::from_utf8(rest.strip_suffix(b"\r\n\r\n")?).ok()?;
        let mut lines = head.split("\r\n");
        let status_line = lines.next()?;
        let (mut bare, mut empty) = (true, false);
        for line in lines {
            let (name, value) = line.split_once(':')?;
            bare &= matches!(name, "connection" | "content-length" | "date");
            empty |= name == "content-length" && value.trim() == "0";
        }
        let is = |refusal: &Unreadable| status_line.starts_with(&refusal.status().as_str()[1..]);
        Unreadable::ALL.into_iter().find(is).filter(|_| bare && empty)
    }
}

/// The whole answer, as bytes.
fn written((status, body): (StatusCode, String)) -> Vec<u8> {
    let id = request_id::minted(random());
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nx-request-id: {}\r\n\r\n",
        body.len(),
        // Made of ASCII.
        id.to_str().unwrap_or_default(),
    );
    [head, body].concat().into_bytes()
}

/// A hasher's keys differ from one to the next, which is all that an id needs.
fn random() -> [u8; 10] {
    let keys = RandomState::new();
    let [low, high] = [0_u8, 1].map(|seed| {
        let mut hasher = keys.build_hasher();
        hasher.write_u8(seed);
        hasher.finish().to_le_bytes()
    });
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&low);
    bytes[8..].copy_from_slice(&high[..2]);
    bytes
}

/// An answer that is written in place of hyper's own.
#[derive(Debug)]
pub(super) struct Substitute {
    bytes: Vec<u8>,
    written: usize,
    /// Bytes of hyper's answer, which count as written once all of ours are.
    stands_for: usize,
}

impl Substitute {
    /// For what hyper is about to write, if that is a bare answer of its own.
    pub fn of(bufs: &[IoSlice<'_>], answer: AnswerUnreadable) -> Option<Self> {
        let first = bufs.iter().find(|buf| !buf.is_empty())?;
        let stands_for = bufs.iter().map(|buf| buf.len()).sum();
        let refusal = Unreadable::of_bare_answer(first).filter(|_| first.len() == stands_for)?;
        Some(Substitute { bytes: written(answer(refusal)), written: 0, stands_for })
    }

    /// What is still to be written.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// So much more of it is written. Once that is all, how much of hyper's answer is thereby done.
    pub fn wrote(&mut self, bytes: usize) -> Option<usize> {
        self.written += bytes;
        self.rest().is_empty().then_some(self.stands_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(bytes: &str) -> Option<Unreadable> {
        Unreadable::of_bare_answer(bytes.as_bytes())
    }

    #[test]
    fn only_an_answer_without_a_body_and_of_hypers_own_headers_is_bare() {
        let date = "date: Sat, 28 Nov 2026 23:49:32 GMT";
        let bare = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n{date}\r\n\r\n");
        assert_eq!(kind_of(&bare("400 Bad Request")), Some(Unreadable::Malformed));
        assert_eq!(kind_of(&bare("414 URI Too Long")), Some(Unreadable::TargetTooLong));
        assert_eq!(kind_of(&bare("431 Request Header Fields Too Large")), Some(Unreadable::HeadTooLarge));
        for other in [
            bare("404 Not Found"),
            bare("200 OK"),
            format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n{date}\r\n\r\n"),
            format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: a\r\n{date}\r\n\r\n"),
            format!("{}{{}}", bare("400 Bad Request")),
            bare("400 Bad Request").repeat(2),
            "HTTP/1.1 400 Bad Request\r\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(kind_of(&other), None, "{other}");
        }
    }

    #[test]
    fn the_substitute_counts_as_hypers_answer_once_it_is_written_whole() {
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let mut substitute =
            Substitute::of(&[IoSlice::new(b""), IoSlice::new(bare)], Unreadable::answer).expect("it is bare");
        assert!(Substitute::of(&[IoSlice::new(bare), IoSlice::new(b"more")], Unreadable::answer).is_none());
        let all = substitute.rest().len();
        assert_eq!(substitute.wrote(all - 1), None);
        assert_eq!(substitute.wrote(1), Some(bare.len()));
    }

    #[test]
    fn a_port_answers_in_words_of_its_own() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let own = |kind: Unreadable| (StatusCode::BAD_REQUEST, kind.label().to_owned());
        let substitute = Substitute::of(&[IoSlice::new(bare)], own).expect("it is bare");
        let text = String::from_utf8_lossy(substitute.rest()).into_owned();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(text.contains("\r\ncontent-length: 14\r\n") && text.ends_with("\r\n\r\nhead_too_large"), "{text}");
    }

    /// The page has a second table, whose rows begin with the status.
    #[test]
    fn the_page_says_what_the_code_does() {
        let page = include_str!("../../../../../docs/status-codes.md");
        for refusal in Unreadable::ALL {
            let row = format!(
                "| {} | `{}` | `{}` | {} |",
                refusal.status().as_u16(),
                refusal.label(),
                refusal.code(),
                refusal.message()
            );
            assert!(page.lines().any(|line| line == row), "the page should have: {row}");
        }
    }
}
