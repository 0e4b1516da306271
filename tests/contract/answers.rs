//! What a caller gets for what it sends, in the words it reads: the table `answers.txt`, row by row. The table's head says
//! how it is read.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate_tests::team::Token;
use tidegate_tests::{Answer, Team, ids};

use crate::team;

const TABLE: &str = include_str!("answers.txt");

/// One row: a request and the answer expected.
#[derive(Default)]
struct Row<'t> {
    method: &'t str,
    path: &'t str,
    headers: Vec<(&'t str, &'t str)>,
    /// Its form (empty for plain text) and its text.
    body: Option<(&'t str, &'t str)>,
    answer: &'t str,
}

fn rows() -> Vec<Row<'static>> {
    let blocks = TABLE.split("\n\n").map(|block| block.lines().filter(|line| !line.starts_with('#')));
    let mut rows = Vec::new();
    for lines in blocks {
        let mut row = Row::default();
        for line in lines.filter(|line| !line.is_empty()) {
            if let Some(answer) = line.strip_prefix("= ") {
                row.answer = answer;
            } else if row.path.is_empty() {
                (row.method, row.path) = line.split_once(' ').unwrap();
            } else if let Some((form, text)) = line.split_once("> ").filter(|(form, _)| !form.contains(' ')) {
                row.body = Some((form, text));
            } else {
                row.headers.push(line.split_once(": ").unwrap());
            }
        }
        if !row.path.is_empty() {
            rows.push(row);
        }
    }
    rows
}

/// The words in braces, and what they stand for.
struct Words {
    pairs: Vec<(&'static str, String)>,
}

impl Words {
    fn of(team: &Team, token: &Token) -> Self {
        let event = || {
            let id = team.event_id();
            format!(r#"{{"external_id":"{id}","type":"log","ts":"2026-05-15T14:32:01.123Z","data":{{}}}}"#)
        };
        let many = |count| (0..count).map(|_| event()).collect::<Vec<_>>().join(",");
        let head = format!(r#""external_id":"{}","type":"log","ts":"2026-05-15T14:32:01.123Z""#, team.event_id());
        let pairs = vec![
            ("{key}", team.key.clone()),
            ("{KEY}", team.key.to_uppercase()),
            ("{short key}", team.key[..team.key.len() - 1].to_owned()),
            ("{unknown key}", ids::fresh("apk", "eu")),
            ("{us key}", ids::fresh("apk", "us")),
            ("{fr key}", ids::fresh("apk", "fr")),
            ("{key id}", ids::fresh("key", "eu")),
            ("{token}", token.token.clone()),
            ("{run}", team.run_id()),
            ("{36 events}", many(36)),
            ("{51 events}", many(51)),
            ("{event}", head),
        ];
        Words { pairs }
    }

    fn filled(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (word, meaning)| text.replace(word, meaning))
    }

    /// The other way round, for what an answer repeats.
    fn blanked(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (word, meaning)| text.replace(meaning.as_str(), word))
    }
}

fn bytes(form: &str, text: &str) -> Vec<u8> {
    match form {
        "" => text.as_bytes().to_vec(),
        "empty" => Vec::new(),
        "bom" => ["\u{feff}", text].concat().into_bytes(),
        "latin-1" => text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16" => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        "utf-32" => text.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect(),
        "lines" => text.replace("\\n", "\n").into_bytes(),
        form => {
            let inner = form.strip_prefix("gzip").unwrap_or_else(|| panic!("no form '{form}'"));
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes(inner.trim_start_matches('+'), text)).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// Status, then for a refusal its code, the field in brackets and the message; for what was taken in what it says of it.
fn written(answer: &Answer) -> String {
    let status = answer.status;
    if answer.header("content-type").is_none_or(|kind| !kind.starts_with("application/json")) {
        let ignored = answer.header("x-tidegate-ignored").map(|names| format!(" (ignored: {names})"));
        return format!("{status} {}{}", answer.text().trim_end().replace('\n', " / "), ignored.unwrap_or_default());
    }
    let said = answer.json();
    let member = |name: &str| said.get(name).and_then(|value| value.as_str());
    match (member("error"), member("field")) {
        (Some(code), Some(field)) => format!("{status} {code} [{field}] {}", answer.message()),
        (Some(code), None) => format!("{status} {code} {}", answer.message()),
        _ => {
            let shown = ["agent", "status"].into_iter().filter_map(|name| Some(format!(" {name}={}", member(name)?)));
            format!("{status}{}", shown.collect::<String>())
        }
    }
}

/// AP-42, AP-48, AP-63: each request of the table gets its answer, to the letter.
#[tokio::test]
async fn every_request_of_the_table_gets_its_answer() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    let (_target, team) = team().await;
    let token = team.token("nightly").await;
    let mut wrong = Vec::new();
    for row in &rows {
        let words = Words::of(&team, &token);
        let mut call = team.bare(row.method, &words.filled(row.path));
        for (name, value) in &row.headers {
            call = call.header(name, &words.filled(value));
        }
        if let Some((form, text)) = row.body {
            call = call.bytes(bytes(form, &words.filled(text)));
        }
        let answer = words.blanked(&written(&call.send().await));
        if answer != row.answer {
            wrong.push(format!("{} {} {:?}\n= {}\n  {answer}", row.method, row.path, row.body, row.answer));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n\n"));
}
