//! The tour of docs/tour.md, pasted into a plain POSIX shell on a machine whose `date` knows no fractions of a second.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_tests::clock::now_ms;
use tidegate_tests::process::Extra;
use tidegate_tests::target::Target;
use tidegate_tests::team::{Plan, Team};

use crate::BINARY;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tour.md");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// The first block of the section, without the lines that name what the first start prints.
fn tour() -> String {
    let page = fs::read_to_string(PAGE).expect("the page is read");
    let section = page.split_once("## The curl tour").expect("a tour").1;
    let block = section.split("```").nth(1).expect("a block of commands");
    let lines = block.lines().filter(|line| !line.starts_with("export "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The README's one request: the block that pings.
fn ping() -> String {
    let readme = fs::read_to_string(README).expect("the README is read");
    let block = readme.split("```").find(|block| block.contains("/v1/ping")).expect("a block that pings");
    block.trim().to_owned()
}

/// A `date` as macOS has it: a format with a width is printed as it stands, which is no number.
fn bsd_date(folder: &Path) {
    let path = folder.join("date");
    let text = "#!/bin/sh\ncase \"$*\" in *%[0-9]*) echo \"${*#+}\"; exit 0;; esac\nexec /bin/date \"$@\"\n";
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_runs_in_a_plain_shell_and_reads_back_its_run() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::Team).await;
    let token = team.token("demo").await;
    let tools = TempDir::new().expect("a folder");
    bsd_date(tools.path());
    let control = target.control.clone();
    let script = tour().replace("http://127.0.0.1:8080", target.ingest()).replace("http://127.0.0.1:8081", &control);
    let path = format!("{}:{}", tools.path().display(), std::env!("PATH"));
    let mut shell = Command::new("/bin/sh");
    shell.args(["-eu", "-c", &script]).env("PATH", path).env("KEY", &team.key).env("TOKEN", &token.token);
    let ended = tokio::task::block_in_place(|| shell.stdin(Stdio::null()).output()).expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{script}\n{out}\n{err}");
    // The answers follow one another without a line break; the last is the run.
    let answers: Vec<Value> =
        serde_json::Deserializer::from_str(out.strip_prefix("OK\n").expect("a ping's answer first"))
            .into_iter()
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{error}: {out}"));
    let run = answers.last().expect("an answer");
    assert_eq!((&run["status"], &run["agent"]), (&"success".into(), &"nightly".into()), "{out}");
    let born = run["id"].as_str().and_then(|id| i64::from_str_radix(id.get(7..19)?, 16).ok());
    assert!(born.is_some_and(|born| (now_ms() - born).abs() < 10 * 60_000), "born just now: {out}\n{err}");
    assert_eq!(run["events"].as_array().map(Vec::len), Some(1), "{out}");
    assert!(run["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "priced: {out}");
}

/// The README says that the answer is `OK`, and that the run is there within a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_ping_is_a_run() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::Team).await;
    let token = team.token("demo").await;
    let script = ping().replace("http://127.0.0.1:8080", target.ingest());
    assert!(script.starts_with("curl ") && script.lines().count() == 1, "{script}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-eu", "-c", &script]).env("TOKEN", &token.token);
    let ended = tokio::task::block_in_place(|| shell.stdin(Stdio::null()).output()).expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && out.trim() == "OK", "{script}\n{out}\n{err}");
    target.at_rest().await;
    let runs = team.listed("agent=demo").await;
    assert!(runs.len() == 1 && runs[0]["status"] == "success", "{runs:?}");
}
