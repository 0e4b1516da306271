//! Bytes of clients as text without control characters, safe for a terminal.

/// Text as it is but for control characters; bytes that are no text as escapes.
pub fn line(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// The same, at most so many characters.
pub fn short(text: &str, characters: usize) -> String {
    let text = line(text.as_bytes());
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_obeyed_by_a_terminal() {
        assert_eq!(line("plain é {\"a\":1}".as_bytes()), "plain é {\"a\":1}");
        assert_eq!(line(b"\x1b[2J\r\n\x00"), "\\u{1b}[2J\\r\\n\\u{0}");
        assert_eq!(line(b"a\xff\xfeb\xc3"), "a\\xff\\xfeb\\xc3");
        assert_eq!(line("\u{9b}".as_bytes()), "\\u{9b}", "control characters beyond ASCII too");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(short("ééé", 3), "ééé");
        assert_eq!(short("éééé", 3), "ééé…");
    }
}
