//! What `tidegate dev` prints for AgentGate and what docs/agentgate/README.md begins with, pasted into a shell; and the
//! worker that they start, with a real server.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_tests::external::without_own_variables;
use tidegate_tests::process::{Arguments, Extra, Process};
use tidegate_tests::{Client, Target, eventually};

use crate::{BINARY, PATIENCE};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/agentgate/README.md");

/// A command that ignores SIGTERM, as its child does. It writes its own process id and its child's.
const STUBBORN: &str = r#"trap '' TERM; sleep 1000 & echo "$$ $!" > "$DIR/$AGENTGATE_RUN_ID"; wait; sleep 1000"#;

/// From a client's cancel to the end of the run's command.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// A lease is renewed after a third of its length, so a worker learns of a cancel within four seconds.
const LEASE_S: (&str, &str) = ("TIDEGATE_AGENTGATE__LEASE_S", "12");

/// What the first start printed.
struct Banner {
    key: String,
    worker_key: String,
    /// The lines to paste.
    script: String,
}

/// What was printed from `begin` on, up to the banner's last line.
async fn printed(target: &Target, begin: &str) -> String {
    eventually(PATIENCE, "the banner is printed", async || {
        let log = target.log();
        let rest = log.split_once(begin).map(|(_, rest)| rest);
        let text = rest.and_then(|rest| rest.split_once("Ctrl-C stops it in order.")).map(|(text, _)| text.to_owned());
        text.ok_or(log)
    })
    .await
}

impl Banner {
    async fn of_the_first_start(target: &Target) -> Banner {
        let text = printed(target, "AgentGate has an organization").await;
        let (secrets, script) = text.split_once("# A work order\n").expect("lines to paste");
        let secret = |label: &str| {
            let found = secrets.lines().find_map(|line| line.trim().strip_prefix(label));
            found.unwrap_or_else(|| panic!("no {label}: {secrets}")).trim().to_owned()
        };
        Banner { key: secret("key "), worker_key: secret("worker's key "), script: script.to_owned() }
    }
}

/// The page's first commands, without the lines that name what the first start prints.
fn commands_of_the_page(url: &str) -> String {
    let page = fs::read_to_string(PAGE).expect("the page is read");
    let block = page.split("```").find(|block| block.contains("curl ")).expect("a block of commands");
    let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with("export ")).collect();
    let script = lines.join("\n").replace("http://127.0.0.1:8082", url).replace("target/release/tidegate", BINARY);
    assert!(script.contains(url) && script.contains(BINARY), "{script}");
    script
}

/// Runs these lines in a plain shell: what they wrote on standard output.
async fn pasted(script: &str, variables: &[(&str, &str)]) -> String {
    let mut shell = Command::new("/bin/sh");
    without_own_variables(&mut shell);
    shell.args(["-eu", "-c", script]).envs(variables.iter().copied()).stdin(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || shell.output()).await.expect("its thread ends").expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{script}\n{out}\n{err}");
    out.into_owned()
}

/// Calls AgentGate with one key.
struct Gate {
    url: String,
    key: String,
    client: Client,
}

impl Gate {
    async fn get(&self, path: &str) -> Value {
        self.client.get(&format!("{}{path}", self.url)).bearer(&self.key).send().await.expect(200).json()
    }

    async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let call = self.client.post(&format!("{}{path}", self.url)).bearer(&self.key).json(body);
        call.send().await.expect(status).json()
    }

    /// The three commands make a run that has succeeded: the answers to a work order and to a list are its output.
    async fn made_a_run(&self, out: &str) {
        let answers: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(out).into_iter().collect();
        let answers = answers.unwrap_or_else(|error| panic!("{error}: {out}"));
        let [order, list] = answers.as_slice() else { panic!("two answers: {out}") };
        assert_eq!(order["status"], "pending", "{out}");
        assert!(order["workOrderId"].as_str().is_some_and(|id| id.starts_with("wo_")), "{out}");
        let mut runs = list["data"].as_array().expect("a list of runs").iter();
        let run = runs.find(|run| run["id"] == order["runId"]).unwrap_or_else(|| panic!("it is not listed: {out}"));
        assert_eq!(run["status"], "succeeded", "{out}");
        let run = self.get(&format!("/v1/runs/{}", order["runId"].as_str().expect("an id"))).await;
        assert_eq!((&run["cost"]["credits"], &run["iterations"]), (&json!(50), &json!(1)), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_for_agentgate_works() {
    let environment = vec![(LEASE_S.0.to_owned(), LEASE_S.1.to_owned())];
    let target = Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await;
    let banner = Banner::of_the_first_start(&target).await;
    let gate = Gate { url: target.agentgate().to_owned(), key: banner.key.clone(), client: Client::default() };

    gate.made_a_run(&pasted(&banner.script, &[]).await).await;
    let variables = [("KEY", banner.key.as_str()), ("WORKER_KEY", banner.worker_key.as_str())];
    gate.made_a_run(&pasted(&commands_of_the_page(&gate.url), &variables).await).await;
    assert_eq!(gate.get("/v1/credits").await["totalCreditsCents"], 10_000 - 2 * 50);

    a_cancel_ends_commands_that_ignore_a_signal(&gate, &banner.worker_key).await;

    // A later start prints no secret, but how to make new keys.
    target.kill().await;
    target.start().await;
    let script = printed(&target, "AgentGate's keys were shown when they were made. For new ones:\n\n").await;
    let made = pasted(&script, &[]).await;
    assert!(made.contains("org_live_") && made.contains("agw_live_"), "{made}");
}

/// A worker with two runs at a time, whose commands ignore SIGTERM: a client's cancel ends both.
async fn a_cancel_ends_commands_that_ignore_a_signal(gate: &Gate, worker_key: &str) {
    let order = json!({ "taskPrompt": "Wait", "workspaceSource": { "type": "git", "repository": "r" } });
    let mut runs = Vec::new();
    for _ in 0..2 {
        let made = gate.post("/v1/work-orders", &order, 201).await;
        runs.push(made["runId"].as_str().expect("an id").to_owned());
    }
    let folder = TempDir::new().expect("a folder");
    let at = folder.path().to_str().expect("temporary folders have plain names").to_owned();
    let words = ["agentgate", "worker", "--url", &gate.url, "--key", worker_key, "--parallel", "2", "--exec", STUBBORN];
    let (args, environment) = (words.map(str::to_owned).into(), vec![("DIR".to_owned(), at)]);
    let arguments = Arguments { args, environment, ..Arguments::default() };
    let mut worker = Process::new("worker", Path::new(BINARY), folder.path(), arguments);
    worker.start();

    // Both at once: each of them ends by its cancel only.
    let mut processes = Vec::new();
    for run in &runs {
        let begun = eventually(PATIENCE, "the run's command has begun", async || {
            let file = fs::read_to_string(folder.path().join(run)).unwrap_or_default();
            file.strip_suffix('\n').map(str::to_owned).ok_or_else(|| worker.log())
        });
        let pids: Vec<String> = begun.await.split(' ').map(str::to_owned).collect();
        assert_eq!(pids.len(), 2, "a shell and its child: {pids:?}");
        processes.extend(pids);
        assert_eq!(gate.get(&format!("/v1/runs/{run}")).await["status"], "running");
    }
    assert!(processes.iter().all(|pid| is_running(pid)), "{}", worker.log());
    for run in &runs {
        let cancelled = gate.post(&format!("/v1/runs/{run}/cancel"), &json!({}), 200).await;
        assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
    }
    eventually(ENDED_WITHIN, "the commands have ended", async || {
        if processes.iter().any(|pid| is_running(pid)) { Err(worker.log()) } else { Ok(()) }
    })
    .await;
    let ended_well = tokio::task::block_in_place(|| worker.stop());
    assert!(ended_well, "{}", worker.log());
    for run in &runs {
        assert!(worker.log().contains(&format!("{run}: cancelled")), "{}", worker.log());
        let run = gate.get(&format!("/v1/runs/{run}")).await;
        assert_eq!((&run["status"], &run["error"]["code"]), (&json!("cancelled"), &json!("CANCELLED")), "{run}");
    }
}

/// Whether a process has not ended.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which stands in parentheses.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
