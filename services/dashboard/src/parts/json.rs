//! JSON of clients as text: indented where it is an object or a list, and cut where it is long.

use maud::{Markup, html};
use tidegate_kernel::FreeJson;

/// Bytes of one value that a page shows at most. The whole of it is in the JSON of the run.
const SHOWN_BYTES: usize = 32 << 10;
/// Nesting that is indented; what is deeper stays on its line.
const INDENTED_DEPTH: usize = 40;

/// A value, as it was sent.
pub(crate) fn json(value: &FreeJson) -> Markup {
    let text = indented(value.as_str());
    text_block(&text)
}

/// A text in lines.
pub(crate) fn text_block(text: &str) -> Markup {
    let shown = cut(text, SHOWN_BYTES);
    html! {
        pre.data tabindex="0" { (shown) }
        @if shown.len() < text.len() {
            p.hint { "The first " (shown.len() / 1024) " KiB of " (text.len() / 1024) ". The JSON of the run has all of it." }
        }
    }
}

/// At most so many bytes of a text, whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Valid JSON with line breaks and indentation; numbers and strings stay as they are written.
fn indented(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len() + raw.len() / 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut chars = raw.chars().peekable();
    let line = |text: &mut String, depth: usize| {
        if depth <= INDENTED_DEPTH {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
    };
    while let Some(char) = chars.next() {
        if in_string {
            text.push(char);
            in_string = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        match char {
            '"' => {
                in_string = true;
                text.push(char);
            }
            '{' | '[' => {
                text.push(char);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => text.push(end),
                    None => {
                        depth += 1;
                        line(&mut text, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut text, depth);
                text.push(char);
            }
            ',' => {
                text.push(char);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            blank if blank.is_ascii_whitespace() => {}
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_not_changed() {
        for (raw, shown) in [
            (
                r#"{"a":1.50,"b":[true, null],"c":{}}"#,
                "{\n  \"a\": 1.50,\n  \"b\": [\n    true,\n    null\n  ],\n  \"c\": {}\n}",
            ),
            (r#""a, {b}: \"c\" \\""#, r#""a, {b}: \"c\" \\""#),
            ("[ ]", "[]"),
            ("1e400", "1e400"),
        ] {
            assert_eq!(indented(raw), shown);
        }
    }

    #[test]
    fn deep_nesting_does_not_grow_without_bound() {
        let raw = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(indented(&raw).len() < raw.len() * 2);
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(cut("aéb", 2), "a");
        assert_eq!(cut("aéb", 3), "aé");
        assert_eq!(cut("ab", 9), "ab");
    }
}
