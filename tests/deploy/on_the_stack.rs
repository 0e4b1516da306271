//! The compose file's services, started as it says, on the real stack: the same commands and the same variables, with
//! addresses and names replaced, because here they share one machine with others.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_tests::external::without_own_variables;
use tidegate_tests::process::{Arguments, Process, free_ports};
use tidegate_tests::stack::{Addresses, Leftovers, Settings};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Client, eventually, ids, wire};

use crate::compose::{Compose, SECRET_FILE, Service};
use crate::ready;

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
const STARTS: Duration = Duration::from_secs(300);

/// One machine's stack in the place of the compose file's servers.
struct Here {
    stack: Addresses,
    settings: Settings,
    folder: TempDir,
}

/// A service that keeps running, and the port of its own that is not the operations port.
struct Running {
    process: Process,
    port: u16,
}

impl Here {
    /// The service's variables; ports are its listener's and the operations port.
    fn environment(&self, service: &Service, [port, ops]: [u16; 2]) -> Vec<(String, String)> {
        let local = |port: u16| format!("127.0.0.1:{port}");
        let replaced = [
            ("TIDEGATE_KAFKA__BROKERS", self.stack.kafka.clone()),
            ("TIDEGATE_REDIS__URLS", format!("redis://{}", self.stack.redis)),
            ("TIDEGATE_SCYLLA__NODES", self.stack.cql.clone()),
            ("TIDEGATE_INGEST__LISTEN", local(port)),
            ("TIDEGATE_CONTROL__LISTEN", local(port)),
            ("TIDEGATE_AGENTGATE__LISTEN", local(port)),
            ("TIDEGATE_OPS__LISTEN", local(ops)),
        ];
        let mut environment = service.environment.clone();
        for (name, value) in replaced {
            let before = environment.insert(name.to_owned(), value);
            assert!(before.is_some(), "the compose file does not set {name}");
        }
        // A repeat is known as one by Redis, which this machine may hold up for a while.
        for (name, ms) in [
            ("TIDEGATE_REDIS__RESPONSE_TIMEOUT_MS", "15000"),
            ("TIDEGATE_ADMISSION__GATE_TIMEOUT_MS", "15100"),
            ("TIDEGATE_INGEST__DRAIN_MS", "45000"),
        ] {
            environment.insert(name.to_owned(), ms.to_owned());
        }
        environment.insert("TIDEGATE_KAFKA__TOPIC_PREFIX".to_owned(), self.settings.name.clone());
        environment.insert("TIDEGATE_SCYLLA__KEYSPACE".to_owned(), self.settings.keyspace());
        if environment.contains_key(SECRET_FILE) {
            environment.insert(SECRET_FILE.to_owned(), self.secret().display().to_string());
        }
        environment.into_iter().collect()
    }

    /// The file with AgentGate's secret.
    fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// Runs a command to its end, as in that service's container.
    fn run(&self, service: &Service, words: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        without_own_variables(&mut command);
        // Both ports are never opened, but must differ.
        command.args(words).envs(self.environment(service, free_ports()));
        command.output().unwrap_or_else(|error| panic!("{BINARY}: {error}"))
    }

    /// What a command prints as JSON.
    fn run_for_json(&self, service: &Service, words: &[&str]) -> Value {
        let output = self.run(service, words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {told}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {told}"))
    }

    /// Starts a service, and waits until the image's own check finds it ready.
    async fn start(&self, name: &str, service: &Service) -> Running {
        let [port, ops] = free_ports();
        let arguments = Arguments {
            args: service.command.clone(),
            environment: self.environment(service, [port, ops]),
            ..Arguments::default()
        };
        let mut process = Process::new(name, Path::new(BINARY), self.folder.path(), arguments);
        process.start();
        eventually(STARTS, &format!("{name} is ready"), async || {
            assert!(!process.has_ended(), "{name} ended at its start:\n{}", process.log());
            if ready::says_yes(ops) { Ok(()) } else { Err(process.log()) }
        })
        .await;
        Running { process, port }
    }
}

#[tokio::test]
async fn what_the_compose_file_starts_takes_in_a_run_and_shows_it() {
    let compose = Compose::read();
    let (stack, settings) = (Addresses::found(), Settings::small());
    let _leftovers = Leftovers::watched(Path::new(BINARY), &settings, &stack);
    let here = Here { stack, settings, folder: tempfile::tempdir().expect("a folder") };
    std::fs::write(here.secret(), "0f".repeat(32)).expect("written");

    // Each `up` runs these again, on what is there already.
    for _ in 0..2 {
        for (name, service) in compose.ours().into_iter().filter(|(_, service)| service.runs_once()) {
            let words: Vec<&str> = service.command.iter().map(String::as_str).collect();
            let output = here.run(service, &words);
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let mut running = std::collections::BTreeMap::new();
    for (name, service) in compose.ours().into_iter().filter(|(_, service)| !service.runs_once()) {
        running.insert(name, here.start(name, service).await);
    }

    let control = compose.service("control");
    let plan = ["teams", "create", "acme", "--plan", "business", "--json"];
    let team = here.run_for_json(control, &plan)["team"].as_str().expect("an id").to_owned();
    let key = here.run_for_json(control, &["keys", "create", "--team", &team, "--json"]);
    let key = key["key"].as_str().expect("a key");

    let client = Client::default();
    let at = |name: &str, path: &str| format!("http://127.0.0.1:{}{path}", running[name].port);
    let run = ids::fresh("run", "eu");
    let body = wire::start(&run, "nightly-report");
    // The same run through both doors: the second one has it from the first one's claim.
    for (door, status) in [("ingest-1", 202), ("ingest-2", 200)] {
        client.post(&at(door, "/v1/runs")).bearer(key).json(&body).send().await.expect(status);
    }
    eventually(READABLE, "the run is stored", async || {
        let answer = client.get(&at("control", &format!("/v1/runs/{run}"))).bearer(key).send().await;
        if answer.status == 200 { Ok(()) } else { Err(answer.to_string()) }
    })
    .await;

    // One secret: a key made with one front door's settings opens both.
    let door = compose.service("agentgate-1");
    let org = here.run_for_json(door, &["agentgate", "orgs", "create", "acme", "--json"])["organization"].clone();
    let org = org.as_str().expect("an id");
    let key = ["agentgate", "keys", "create", "--org", org, "--scopes", "credits:read", "--json"];
    let key = here.run_for_json(door, &key)["key"].as_str().expect("a key").to_owned();
    for door in ["agentgate-1", "agentgate-2"] {
        client.get(&at(door, "/v1/credits")).bearer(&key).send().await.expect(200);
    }

    for (name, mut service) in running {
        assert!(service.process.stop(), "{name} did not end well:\n{}", service.process.log());
    }
}
