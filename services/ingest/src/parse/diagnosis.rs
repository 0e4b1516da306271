//! What is wrong with a text that is no JSON, and where: found by a second reading, which only refused texts get.

use std::collections::HashSet;
use std::fmt::Write;

mod words;

use words::{foreign_value, shown};

/// As deep as the first reading goes.
const MAX_DEPTH: usize = 127;
/// How much of a path is shown.
const MAX_PATH_CHARS: usize = 256;

/// The first thing wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The innermost member or item that it is in, such as `events[36].data.score`; empty for the text itself.
    pub path: String,
    /// Completes "The body …".
    pub what: String,
    /// The byte at which it is.
    at: usize,
    /// A member is there twice.
    pub is_repeat: bool,
}

impl Diagnosis {
    /// Its place in its text, for people: ` (line 1, column 7)`.
    pub fn place(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        format!(" (line {}, column {})", before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// What is wrong with the grammar of a text; `None` for JSON.
pub fn of(text: &str) -> Option<Diagnosis> {
    diagnose(text, false)
}

/// What is wrong with free JSON: its grammar, a number that no 64-bit float holds, or a member that is there twice.
pub fn of_free(text: &str) -> Option<Diagnosis> {
    diagnose(text, true)
}

fn diagnose(text: &str, free: bool) -> Option<Diagnosis> {
    let mut walk = Walk { text, at: 0, path: Vec::new(), free };
    let Err(fault) = walk.whole() else { return None };
    let (what, is_repeat) = match fault {
        Wrong::Repeat => ("is there twice".to_owned(), true),
        Wrong::Text(what) => (what, false),
    };
    Some(Diagnosis { path: written(&walk.path), what, at: walk.at, is_repeat })
}

enum Step {
    Member(String),
    Item(usize),
}

enum Wrong {
    Text(String),
    Repeat,
}

type Walked<T = ()> = Result<T, Wrong>;

fn wrong<T>(what: impl Into<String>) -> Walked<T> {
    Err(Wrong::Text(what.into()))
}

/// The text and how far it was read. At the first fault it stays where it is, path and all.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    path: Vec<Step>,
    free: bool,
}

impl Walk<'_> {
    fn whole(&mut self) -> Walked {
        self.skip_space();
        match self.text[self.at..].split_once('=') {
            _ if self.rest().is_empty() => return wrong("is empty"),
            Some((name, _))
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                return wrong("is a form (name=value): send a JSON object, such as {\"agent\":\"nightly\"}");
            }
            _ => {}
        }
        self.value()?;
        self.skip_space();
        if self.rest().is_empty() {
            return Ok(());
        }
        wrong(format!("goes on after its end with '{}': send one JSON object", shown(self.rest())))
    }

    fn value(&mut self) -> Walked {
        self.skip_space();
        if self.path.len() > MAX_DEPTH {
            return wrong(format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        match self.peek() {
            None => self.cut_off(),
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"') => self.string().map(drop),
            Some('-' | '0'..='9') => self.number(),
            Some(_) => {
                let word = self.run(|char| char.is_alphanumeric() || char == '_');
                if !matches!(word, "true" | "false" | "null") {
                    return wrong(foreign_value(self.rest()));
                }
                self.at += word.len();
                Ok(())
            }
        }
    }

    fn object(&mut self) -> Walked {
        self.at += 1;
        let mut names = HashSet::new();
        let mut first = true;
        loop {
            self.skip_space();
            match self.peek() {
                None => return self.cut_off(),
                Some('}') if first => break,
                Some('}') => return wrong("has a comma before '}': leave it out"),
                Some('"') => {}
                Some('\'') => return wrong("has a name in single quotes: JSON takes double quotes only"),
                Some(_) => {
                    return wrong(format!("has '{}' where a name in double quotes must stand", shown(self.rest())));
                }
            }
            let begun_at = self.at;
            let name = self.string()?;
            let is_new = !self.free || names.insert(name.clone());
            self.path.push(Step::Member(name));
            if !is_new {
                self.at = begun_at;
                return Err(Wrong::Repeat);
            }
            self.skip_space();
            match self.peek() {
                None => return self.cut_off(),
                Some(':') => self.at += 1,
                Some(_) => return wrong("has no ':' after its name"),
            }
            self.value()?;
            self.path.pop();
            if self.ends('}')? {
                break;
            }
            first = false;
        }
        self.at += 1;
        Ok(())
    }

    fn list(&mut self) -> Walked {
        self.at += 1;
        let mut index = 0;
        loop {
            self.skip_space();
            match self.peek() {
                Some(']') if index == 0 => break,
                Some(']') => return wrong("has a comma before ']': leave it out"),
                _ => {}
            }
            self.path.push(Step::Item(index));
            self.value()?;
            self.path.pop();
            if self.ends(']')? {
                break;
            }
            index += 1;
        }
        self.at += 1;
        Ok(())
    }

    /// After an item: whether the bracket follows. A comma is passed.
    fn ends(&mut self, bracket: char) -> Walked<bool> {
        self.skip_space();
        match self.peek() {
            None => self.cut_off(),
            Some(',') => {
                self.at += 1;
                Ok(false)
            }
            Some(char) if char == bracket => Ok(true),
            Some(_) => wrong(format!("has '{}' where ',' or '{bracket}' must stand", shown(self.rest()))),
        }
    }

    /// A string, decoded.
    fn string(&mut self) -> Walked<String> {
        let quoted_at = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.cut_off(),
                Some('"') => break self.at += 1,
                Some('\\') => self.escape()?,
                Some(char) if char < ' ' => {
                    let code = u32::from(char);
                    return wrong(format!(
                        "has the control character U+{code:04X} in a string: write it as \\u{code:04x}"
                    ));
                }
                Some(char) => self.at += char.len_utf8(),
            }
        }
        // It was just read through.
        Ok(serde_json::from_str(&self.text[quoted_at..self.at]).unwrap_or_default())
    }

    fn escape(&mut self) -> Walked {
        let rest = &self.text.as_bytes()[self.at + 1..];
        match rest.first() {
            None => {
                self.at = self.text.len();
                self.cut_off()
            }
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            Some(_) => wrong(format!("has the escape '{}', which JSON does not know", shown_escape(self.rest(), 2))),
        }
    }

    fn unicode_escape(&mut self) -> Walked {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
        };
        let Some(first) = unit(self.at) else {
            return wrong(format!("has the escape '{}', which needs four hex digits", shown_escape(self.rest(), 6)));
        };
        let is_pair =
            (0xd800..0xdc00).contains(&first) && unit(self.at + 6).is_some_and(|low| (0xdc00..0xe000).contains(&low));
        if (0xd800..0xe000).contains(&first) && !is_pair {
            return wrong(format!("has half a surrogate pair, '\\u{first:04x}', which stands for no character"));
        }
        self.at += if is_pair { 12 } else { 6 };
        Ok(())
    }

    fn number(&mut self) -> Walked {
        let token = self.run(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.' | '_'));
        if !is_number(token) {
            return wrong(foreign_value(self.rest()));
        }
        if self.free && token.parse::<f64>().is_ok_and(f64::is_infinite) {
            return wrong(format!("is {}, which is beyond a 64-bit float: send it as text", shown(token)));
        }
        self.at += token.len();
        Ok(())
    }

    fn cut_off<T>(&self) -> Walked<T> {
        wrong("ends too early: it was cut off, or a quote or bracket is missing")
    }

    fn run(&self, belongs: impl Fn(char) -> bool) -> &str {
        let rest = self.rest();
        &rest[..rest.find(|char| !belongs(char)).unwrap_or(rest.len())]
    }

    fn skip_space(&mut self) {
        self.at += self.run(|char| matches!(char, ' ' | '\n' | '\t' | '\r')).len();
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
}

/// JSON's grammar of numbers.
fn is_number(token: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

fn shown_escape(rest: &str, chars: usize) -> String {
    let escape: String = rest.chars().take(chars).collect();
    shown(&escape)
}

fn written(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        // Writing to a String cannot fail.
        let _ = match step {
            Step::Member(name) if text.is_empty() => write!(text, "{name}"),
            Step::Member(name) => write!(text, ".{name}"),
            Step::Item(index) => write!(text, "[{index}]"),
        };
    }
    text.chars().take(MAX_PATH_CHARS).collect()
}

#[cfg(test)]
mod tests;
