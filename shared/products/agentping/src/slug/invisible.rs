//! Detects invisible characters. With one of them in its name an agent would look the same as another.

/// The first character of the text that is invisible or changes the writing direction of others.
pub fn first(text: &str) -> Option<char> {
    if text.is_ascii() {
        return text.chars().find(char::is_ascii_control);
    }
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if is_invisible(char) && !shapes(char, before, chars.peek().copied()) {
            return Some(char);
        }
        before = Some(char);
    }
    None
}

/// Controls, separators of lines and paragraphs, Unicode's `Default_Ignorable_Code_Point` (of which all controls of
/// direction are), and the marks of interlinear annotation.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the character changes the shape of its neighbours, as in an emoji (`⚙️`, `👩‍💻`) and in scripts with joined
/// letters.
fn shapes(char: char, before: Option<char>, after: Option<char>) -> bool {
    const KEYCAP: char = '\u{20e3}';
    match char {
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(is_picture) || after == Some(KEYCAP),
        '\u{200c}' | '\u{200d}' => before.is_some_and(joins) && after.is_some_and(joins),
        _ => false,
    }
}

fn is_picture(char: char) -> bool {
    matches!(char, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether the character is a picture, also a styled one, or a letter from Arabic to Sinhala, Myanmar, Khmer or
/// Mongolian.
fn joins(char: char) -> bool {
    let letter = matches!(char, '\u{600}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}');
    letter && !is_invisible(char) || char == '\u{fe0f}' || is_picture(char) && !is_invisible(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_found() {
        for (text, found) in [
            ("nig\u{200b}htly", '\u{200b}'),
            ("\u{202e}x", '\u{202e}'),
            ("\u{feff}nightly", '\u{feff}'),
            ("night\u{ad}ly", '\u{ad}'),
            ("nightly\u{2060}", '\u{2060}'),
            ("a\u{200d}b", '\u{200d}'),
            ("é\u{200d}é", '\u{200d}'),
            ("👩\u{200d}\u{200d}💻", '\u{200d}'),
            ("a\u{fe0f}", '\u{fe0f}'),
            ("a\u{2066}b\u{2069}", '\u{2066}'),
            ("a\u{3164}", '\u{3164}'),
            ("a\u{2028}b", '\u{2028}'),
            ("a\u{e0041}", '\u{e0041}'),
            ("bell\u{7}", '\u{7}'),
            ("é\u{85}x", '\u{85}'),
        ] {
            assert_eq!(first(text), Some(found), "{text:?}");
        }
    }

    #[test]
    fn what_is_seen_passes() {
        for text in [
            "nightly job",
            "größe",
            "夜間　処理",
            "⚙\u{fe0f} nightly",
            "👩\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "e\u{301}",
        ] {
            assert_eq!(first(text), None, "{text:?}");
        }
    }
}
