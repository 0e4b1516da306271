//! The steps of docs/distributed.md for a deployment on one machine, as they stand there, on the real stack: the same
//! commands and the same file, with addresses, names and ports replaced, because others use this machine too.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tidegate_tests::external::without_own_variables;
use tidegate_tests::process::{Arguments, Process, free_ports};
use tidegate_tests::stack::{Addresses, Leftovers, Settings};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Client, eventually, ids, wire};

use crate::compose::read;
use crate::ready;

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
const STARTS: Duration = Duration::from_secs(300);
const FILE: &str = "deploy/tidegate-local.toml";

/// The command lines of the section's first block, without comments.
fn steps() -> Vec<Vec<String>> {
    let page = read("docs/distributed.md");
    let section = page.split("## Start it").nth(1).expect("the page has that section");
    let block = section.split("```").nth(1).expect("it has a block of commands");
    let words = |line: &str| -> Vec<String> {
        let typed = line.split(" # ").next().unwrap_or_default();
        typed.split_whitespace().map(str::to_owned).collect()
    };
    block.lines().map(words).filter(|words| !words.is_empty()).collect()
}

/// The file's listeners by their keys. What shares a port in the file shares one here.
fn with_free_ports(text: &str) -> (String, BTreeMap<String, u16>) {
    let table: toml::Table = text.parse().expect("TOML");
    let (mut replaced, mut ports) = (text.to_owned(), BTreeMap::new());
    let mut by_address: BTreeMap<String, u16> = BTreeMap::new();
    let mut free = free_ports::<8>().into_iter();
    for (section, key) in [("ingest", "listen"), ("control", "listen"), ("ops", "listen")]
        .into_iter()
        .chain(["ingest", "persister", "control", "pulse"].map(|section| (section, "ops_listen")))
    {
        let Some(address) = table.get(section).and_then(|section| section.get(key)).and_then(|value| value.as_str())
        else {
            continue;
        };
        let port = *by_address.entry(address.to_owned()).or_insert_with(|| free.next().expect("a free port"));
        replaced = replaced.replace(&format!("\"{address}\""), &format!("\"127.0.0.1:{port}\""));
        ports.insert(format!("{section}.{key}"), port);
    }
    (replaced, ports)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_of_the_page_take_in_a_run_and_show_it() {
    let (stack, settings) = (Addresses::found(), Settings::small());
    let _leftovers = Leftovers::watched(Path::new(BINARY), &settings, &stack);
    let folder = tempfile::tempdir().expect("a folder");
    let (mut text, ports) = with_free_ports(&read(FILE));
    for (usual, here) in
        [("127.0.0.1:19092", &stack.kafka), ("127.0.0.1:19042", &stack.cql), ("127.0.0.1:16379", &stack.redis)]
    {
        assert!(text.contains(usual), "{FILE} does not name {usual}, where `make stack-up` starts a server");
        text = text.replace(usual, here);
    }
    let file = folder.path().join("local.toml");
    std::fs::write(&file, text).expect("written");
    let environment = vec![
        ("TIDEGATE_CONFIG".to_owned(), file.display().to_string()),
        ("TIDEGATE_KAFKA__TOPIC_PREFIX".to_owned(), settings.name.clone()),
        ("TIDEGATE_SCYLLA__KEYSPACE".to_owned(), settings.keyspace()),
    ];

    let (mut running, mut key, mut exported) = (Vec::new(), None, Vec::new());
    for step in steps() {
        let words: Vec<&str> = step.iter().map(String::as_str).collect();
        match words.as_slice() {
            // The stack is there already, and the program is the one under test.
            ["make", "stack-up"] => {}
            ["export", exports] => exported.push((*exports).to_owned()),
            ["tidegate", role @ ("ingest" | "persist" | "control" | "pulse")] => {
                let arguments = Arguments {
                    args: vec![(*role).to_owned()],
                    environment: environment.clone(),
                    ..Arguments::default()
                };
                let mut process = Process::new(role, Path::new(BINARY), folder.path(), arguments);
                process.start();
                let section = if *role == "persist" { "persister" } else { role };
                let ops = ports[&format!("{section}.ops_listen")];
                eventually(STARTS, &format!("{role} is ready"), async || {
                    assert!(!process.has_ended(), "{role} ended at its start:\n{}", process.log());
                    if ready::says_yes(ops) { Ok(()) } else { Err(process.log()) }
                })
                .await;
                running.push(process);
            }
            ["tidegate", words @ ..] => {
                let mut command = Command::new(BINARY);
                without_own_variables(&mut command);
                let output = command.args(words).envs(environment.clone()).output().expect("it runs");
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{words:?}: {told}");
                let printed = String::from_utf8_lossy(&output.stdout).into_owned();
                let shown = printed.split_whitespace().find(|word| word.starts_with("apk_")).map(str::to_owned);
                key = key.or(shown);
            }
            other => panic!("docs/distributed.md: not a step that this test knows: {other:?}"),
        }
    }
    assert!(exported.contains(&format!("TIDEGATE_CONFIG={FILE}")), "{exported:?}");
    assert_eq!(running.len(), 4, "the page starts each role");

    let key = key.expect("the page makes a key");
    let client = Client::default();
    let run = ids::fresh("run", "eu");
    let at = |section: &str, path: &str| format!("http://127.0.0.1:{}{path}", ports[&format!("{section}.listen")]);
    client.post(&at("ingest", "/v1/runs")).bearer(&key).json(&wire::start(&run, "nightly")).send().await.expect(202);
    eventually(READABLE, "the run is stored", async || {
        let answer = client.get(&at("control", &format!("/v1/runs/{run}"))).bearer(&key).send().await;
        if answer.status == 200 { Ok(()) } else { Err(answer.to_string()) }
    })
    .await;
    for mut process in running {
        assert!(process.stop(), "it did not end well:\n{}", process.log());
    }
}
