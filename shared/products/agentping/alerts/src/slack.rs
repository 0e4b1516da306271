//! A message as Slack takes it.

use serde_json::{Value, json};

use crate::body::MessageBody;
use crate::wording::Wording;

const HEADER_CHARS: usize = 150;
const SECTION_CHARS: usize = 3_000;
const FIELD_CHARS: usize = 2_000;
const FIELDS: usize = 10;
/// Sections of a list at most; with the others far below Slack's 50 blocks.
const LIST_SECTIONS: usize = 4;
const TEXT_CHARS: usize = 3_000;

/// The body. `text` is always there: notifications show it.
pub fn slack_body(body: &MessageBody) -> String {
    let Wording { title, facts, list } = Wording::of(body);
    let header = json!({"type": "plain_text", "text": header(&title), "emoji": false});
    let mut blocks = vec![json!({"type": "header", "text": header})];
    for some in facts.chunks(FIELDS) {
        let field = |(label, value): &(&str, String)| {
            let text = format!("*{label}*\n{}", escaped(&shortened(value, FIELD_CHARS / 8)));
            json!({"type": "mrkdwn", "text": shortened(&text, FIELD_CHARS), "verbatim": true})
        };
        blocks.push(json!({"type": "section", "fields": some.iter().map(field).collect::<Vec<_>>()}));
    }
    blocks.extend(
        sections(&list)
            .into_iter()
            .map(|text| json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})),
    );
    if let Some(url) = &body.url {
        let text = format!("<{}|Open>", escaped(url).replace('|', "%7C"));
        if text.chars().count() <= SECTION_CHARS {
            blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}));
        }
    }
    let text = escaped(&shortened(&title, TEXT_CHARS / 8));
    Value::to_string(&json!({"text": text, "blocks": blocks}))
}

/// The lines of a list in as few sections as they take.
fn sections(list: &[String]) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in list {
        let line = escaped(&shortened(line, 200));
        let fits = |last: &&mut String| last.chars().count() + line.chars().count() < SECTION_CHARS;
        if let Some(last) = sections.last_mut().filter(fits) {
            last.push('\n');
            last.push_str(&line);
        } else if sections.len() < LIST_SECTIONS {
            sections.push(line);
        }
    }
    sections
}

/// A title as a header: plain text, in which Slack reads no marks.
fn header(title: &str) -> String {
    let fitting = (1..=HEADER_CHARS).rev().step_by(10);
    let headers = fitting.map(|chars| entities(&shortened(title, chars)));
    headers.into_iter().find(|header| header.chars().count() <= HEADER_CHARS).unwrap_or_default()
}

fn entities(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A foreign text in a text with marks: it can neither mention, nor link, nor format. Slack has escapes for three
/// characters and none for its marks: one that is not within a word gets a character in front of it that is not seen
/// (U+034F, as Healthchecks does it for the asterisks of cron expressions).
pub fn escaped(text: &str) -> String {
    let text = entities(text);
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut is_after_word = false;
    while let Some(letter) = letters.next() {
        let is_within = is_after_word && letters.peek().is_some_and(|next| next.is_alphanumeric());
        if matches!(letter, '*' | '_' | '~' | '`') && !is_within {
            escaped.push('\u{34f}');
        }
        escaped.push(letter);
        is_after_word = letter.is_alphanumeric();
    }
    escaped
}

/// The first characters, and a mark where there are more.
pub(crate) fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars - 1).chain(['…']).collect(),
    }
}
