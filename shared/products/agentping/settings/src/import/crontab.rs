//! A crontab: each line that runs a command is an agent.

use super::draft::{Draft, Drafts, When};

/// Programs that run another one, which the job is named after.
const WRAPPERS: &[&str] = &[
    "sudo", "nice", "ionice", "nohup", "time", "env", "exec", "chronic", "cronic", "command", "timeout", "flock",
    "setsid", "bash", "sh", "dash", "zsh", "ksh", "python", "python3", "perl", "ruby", "php", "node", "java",
];
const FIELDS: usize = 5;

/// Reads the lines.
pub fn read(text: &str, is_system: bool, timezone: &str, drafts: &mut Drafts) {
    let mut timezone = timezone.to_owned();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let whence = format!("line {number}");
        if let Some((name, value)) = variable(line) {
            if name == "CRON_TZ" {
                value.clone_into(&mut timezone);
            }
            continue;
        }
        let Some((cron, rest)) = schedule(line) else {
            drafts.note(format!("{whence}: it is no line of a crontab"));
            continue;
        };
        let command =
            if is_system { rest.split_once(char::is_whitespace).map_or("", |(_, command)| command) } else { rest };
        if cron == "@reboot" {
            drafts.note(format!("{whence}: @reboot is no time that can be expected; it is left out"));
            continue;
        }
        let name = name_of(command);
        let when = Some(When::Cron { cron, timezone: timezone.clone() });
        drafts.add(Draft { name, when, ..Draft::default() }, &whence);
    }
}

/// `NAME=value`, with or without quotes.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    let value = value.trim();
    let bare = value.strip_prefix(['"', '\'']).and_then(|value| value.strip_suffix(['"', '\'']));
    is_name.then_some((name, bare.unwrap_or(value)))
}

/// The expression and what follows it. `@yearly` and the like become five fields where we have no word for them.
fn schedule(line: &str) -> Option<(String, &str)> {
    if line.starts_with('@') {
        let (word, rest) = line.split_once(char::is_whitespace)?;
        let cron = match word {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@midnight" => "@daily",
            other => other,
        };
        return Some((cron.to_owned(), rest.trim_start()));
    }
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..FIELDS {
        let (field, after) = rest.split_once(char::is_whitespace)?;
        fields.push(field);
        rest = after.trim_start();
    }
    (!rest.is_empty()).then(|| (fields.join(" "), rest))
}

/// What the job is called: the agent that `tidegate exec` names, or the program that runs.
fn name_of(command: &str) -> String {
    let last = command.rsplit("&&").next().unwrap_or(command);
    let words = words(last);
    let agent = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--agent") {
        Some("") => words.get(at + 1).map(String::as_str),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    if let Some(agent) = agent {
        return agent.to_owned();
    }
    let is_program = |word: &&String| {
        let is_option = word.starts_with('-') || word.contains('=') || word.bytes().all(|byte| byte.is_ascii_digit());
        !is_option && !WRAPPERS.contains(&file_name(word))
    };
    words.iter().find(is_program).map_or_else(|| "job".to_owned(), |word| stem(file_name(word)).to_owned())
}

/// The words of a command; what is in quotes is one.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut is_new) = (None, true);
    for char in command.chars() {
        match quote {
            Some(open) if char == open => quote = None,
            None if char == '"' || char == '\'' => quote = Some(char),
            None if char.is_whitespace() => is_new = true,
            _ => {
                if std::mem::take(&mut is_new) {
                    words.push(String::new());
                }
                if let Some(last) = words.last_mut() {
                    last.push(char);
                }
            }
        }
    }
    words
}

fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}
