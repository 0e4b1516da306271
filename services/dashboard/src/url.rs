//! The dashboard's own URLs: texts of clients become one segment of a path, or one value of a query.

use std::fmt::Write as _;

/// A text as one segment of a path, or as a name or value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A path with a query of those values that are there.
pub(crate) fn with_query(path: &str, values: &[(&str, Option<&str>)]) -> String {
    let mut url = path.to_owned();
    let mut mark = '?';
    for (name, value) in values {
        if let Some(value) = value {
            let _ = write!(url, "{mark}{}={}", encoded(name), encoded(value));
            mark = '&';
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_one_segment() {
        for (text, segment) in [
            ("daily-summary", "daily-summary"),
            ("a/b c", "a%2Fb%20c"),
            ("é?#&=\"<", "%C3%A9%3F%23%26%3D%22%3C"),
            ("a..b", "a..b"),
        ] {
            assert_eq!(encoded(text), segment);
        }
    }

    #[test]
    fn only_values_that_are_there_are_in_a_query() {
        let values = [("agent", Some("a&b")), ("status", None), ("from", Some(""))];
        assert_eq!(with_query("/runs", &values), "/runs?agent=a%26b&from=");
        assert_eq!(with_query("/runs", &[("a", None)]), "/runs");
    }
}
