//! `tidegate config`: a team's settings as a file, over the management API.

mod import;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_outbound::{Message, Networks, Outbound, PortRule, ReceiverAnswer, SendLimits, TargetPolicy, Trust};

use crate::cli::{ConfigCommand, ConfigFileArgs, ControlServer};
use crate::console::Console;
use crate::failure::Failure;
use crate::process::no_runtime;

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 8 << 20;
/// The exit code of a comparison that found differences.
const DIFFERENT: u8 = 2;

/// What a file changes.
#[derive(Serialize, Deserialize)]
struct Outcome {
    changes: Vec<Change>,
    applied: bool,
}

#[derive(Serialize, Deserialize)]
struct Change {
    op: String,
    what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
}

#[derive(Deserialize)]
struct Exported {
    yaml: String,
}

/// A refusal of the API.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    message: String,
    #[serde(default)]
    faults: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    line: usize,
    message: String,
}

/// Runs one of the commands.
///
/// # Errors
/// The file cannot be read, or the API does not take it. Faults of the file are printed, each with its line.
pub fn run(command: ConfigCommand) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
    runtime.block_on(async {
        match command {
            ConfigCommand::Diff { file, prune } => {
                let wanted = Wanted { path: "/v1/config/diff", method: Method::POST, prune, dry_run: true };
                let outcome = send(&file, &wanted).await?;
                Ok(ExitCode::from(outcome.map_or(1, |outcome| if outcome.changes.is_empty() { 0 } else { DIFFERENT })))
            }
            ConfigCommand::Apply { file, prune, dry_run } => {
                let wanted = Wanted { path: "/v1/config", method: Method::PUT, prune, dry_run };
                let outcome = send(&file, &wanted).await?;
                Ok(outcome.map_or(ExitCode::FAILURE, |_| ExitCode::SUCCESS))
            }
            ConfigCommand::Import { kind, file, output, timezone, system } => {
                import::run(kind, (&file, output.as_deref()), &timezone, system)
            }
            ConfigCommand::Export { server } => {
                let answer = ask(&server, &Method::GET, "/v1/config", Vec::new()).await?;
                let exported: Exported = read(&answer)?;
                Console::output().text(&exported.yaml);
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

struct Wanted {
    path: &'static str,
    method: Method,
    prune: bool,
    dry_run: bool,
}

/// Prints what has changed. `None`: the file has faults, which were printed.
async fn send(args: &ConfigFileArgs, wanted: &Wanted) -> Result<Option<Outcome>, Failure> {
    let text = text_of(&args.file)?;
    let variables: BTreeMap<&str, String> =
        names(&text).into_iter().filter_map(|name| Some((name, variable(name)?))).collect();
    let body = json!({"yaml": text, "env": variables, "prune": wanted.prune, "dry_run": wanted.dry_run});
    let answer = ask(&args.server, &wanted.method, wanted.path, body.to_string().into_bytes()).await?;
    if let Some(refusal) = refusal(&answer).filter(|refusal| !refusal.faults.is_empty()) {
        let mut errors = Console::errors();
        for Fault { line, message } in refusal.faults {
            errors.line(format_args!("{}:{line}: {message}", args.file.display()));
        }
        return Ok(None);
    }
    let outcome: Outcome = read(&answer)?;
    let mut output = Console::output();
    if args.json {
        output.json(&outcome);
        return Ok(Some(outcome));
    }
    for change in &outcome.changes {
        output.line(format_args!("{}", line_of(change)));
    }
    let count = outcome.changes.len();
    match (outcome.applied, count) {
        (_, 0) => output.line(format_args!("nothing differs")),
        (true, _) => output.line(format_args!("{count} changes are applied")),
        (false, _) => output.line(format_args!("{count} changes would be applied")),
    }
    Ok(Some(outcome))
}

fn line_of(change: &Change) -> String {
    let Change { op, what, field, from, to } = change;
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "unset".to_owned(), Value::to_string);
    match field {
        Some(field) => format!("{op} {what} {field}: {} -> {}", shown(from), shown(to)),
        None => format!("{op} {what}"),
    }
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let unread =
        |error: std::io::Error| Failure::config(format!("{} cannot be read: {error}", path.display())).caused_by(error);
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(unread)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(unread)
}

/// The names in `${NAME}`.
fn names(text: &str) -> Vec<&str> {
    let is_name =
        |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(is_name).collect()
}

#[expect(clippy::disallowed_methods, reason = "a file names the variables that hold its secrets")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn ask(server: &ControlServer, method: &Method, path: &str, body: Vec<u8>) -> Result<ReceiverAnswer, Failure> {
    let ControlServer { url, key } = server;
    // The URL is the user's own, and often an address of this machine.
    let networks = Networks::parse(["0.0.0.0/0", "::/0"]).unwrap_or_default();
    let policy = TargetPolicy { allow_http: true, networks, ports: PortRule::Any };
    let limits = SendLimits { whole: WHOLE, connect: CONNECT, body_bytes: ANSWER_BYTES };
    let client = Outbound::new(policy, limits, Trust::public())
        .map_err(|error| Failure::unavailable(format!("no client can be made: {error}")).caused_by(error))?;
    let headers = [
        ("authorization", format!("Bearer {key}")),
        ("content-type", "application/json".to_owned()),
        ("user-agent", format!("tidegate/{}", crate::VERSION)),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let message = Message { url: format!("{}{path}", url.trim_end_matches('/')), headers, body: body.into() };
    client.ask(method, &message).await.map_err(|error| {
        Failure::unavailable(format!("{url} does not answer: {error}"))
            .or_else("--url names the management API")
            .caused_by(error)
    })
}

/// # Errors
/// What the API refused it for.
fn read<T: for<'de> Deserialize<'de>>(answer: &ReceiverAnswer) -> Result<T, Failure> {
    if !answer.is_success() {
        return Err(match refusal(answer) {
            Some(Refusal { error, message, .. }) => Failure::refused(format!("{message} ({error})")),
            None => Failure::unavailable(format!("the answer has status {} and no reason", answer.status)),
        });
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::broken(format!("the answer cannot be read: {error}")).caused_by(error))
}

fn refusal(answer: &ReceiverAnswer) -> Option<Refusal> {
    Some(answer).filter(|answer| !answer.is_success()).and_then(|answer| serde_json::from_slice(&answer.body).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_file_are_found() {
        let text = "a: \"${OPS_URL}\"\nb: [${A1}, ${}, ${x y}, $B, ${C\n";
        assert_eq!(names(text), ["OPS_URL", "A1"]);
    }

    #[test]
    fn a_change_is_a_line() {
        let change = |field: Option<&str>, from: Option<Value>| Change {
            op: "update".to_owned(),
            what: "agents.a".to_owned(),
            field: field.map(str::to_owned),
            from,
            to: Some(json!(["x"])),
        };
        assert_eq!(line_of(&change(Some("tags"), None)), "update agents.a tags: unset -> [\"x\"]");
        assert_eq!(line_of(&change(None, None)), "update agents.a");
    }
}
