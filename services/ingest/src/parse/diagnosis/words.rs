//! Values of other notations, and what JSON has instead.

/// How much of what was sent is shown back.
const SHOWN_CHARS: usize = 24;

/// What was found in the place of a JSON value. Completes "The body ".
pub fn foreign_value(rest: &str) -> String {
    let word: String =
        rest.chars().take_while(|char| !matches!(char, ',' | ']' | '}' | ' ' | '\n' | '\r' | '\t')).collect();
    let lower = word.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let shown_word = shown(&word);
    match (lower.as_str(), rest.chars().next()) {
        ("nan" | "inf" | "infinity", _) => {
            format!("is {shown_word}, which JSON does not know: send null, or text")
        }
        ("undefined" | "none" | "nil" | "null", _) => format!("is {shown_word}, which JSON writes as null"),
        ("true" | "false", _) => format!("is {shown_word}, which JSON writes as {lower}"),
        (_, Some('\'')) => "has a text in single quotes: JSON takes double quotes only".to_owned(),
        (_, Some('“' | '”' | '„' | '‘' | '’' | '«')) => {
            "has a text in typographic quotes: JSON takes \" only".to_owned()
        }
        (_, Some('/' | '#')) => "has a comment, which JSON does not know".to_owned(),
        (_, Some(char @ (',' | ']' | '}' | ':'))) => format!("has no value before '{char}'"),
        (_, Some('\u{feff}')) => "has a byte order mark in its midst".to_owned(),
        (_, Some('$' | '%')) => format!("has '{shown_word}' where a value must stand: was a variable not expanded?"),
        (_, Some('+' | '-' | '.' | '0'..='9')) => {
            format!("is {shown_word}, which is no number in JSON (no leading zero, plus sign or bare point)")
        }
        _ => format!("has '{shown_word}' where a value must stand: text stands in double quotes"),
    }
}

/// The beginning of what was sent, without control characters.
pub fn shown(text: &str) -> String {
    let mut chars = text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char });
    let mut kept: String = chars.by_ref().take(SHOWN_CHARS).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept
}
