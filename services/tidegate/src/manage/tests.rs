//! The commands on a registry in memory: shapes of answers, names and ids, secrets shown once.

use std::io;
use std::sync::Mutex;

use serde_json::Value;
use tidegate_agentping_inproc::registry::MemoryRegistry;

use super::*;
use crate::cli::{Cli, Command as Top};
use clap::Parser;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Office(MemoryRegistry);

impl Office {
    async fn run(&self, line: &str) -> Result<String, Failure> {
        let command = match Cli::try_parse_from(format!("tidegate {line}").split_whitespace()).unwrap().command {
            Top::Teams(command) => Command::Teams(command),
            Top::Agents(command) => Command::Agents(command),
            Top::Keys(command) => Command::Keys(command),
            Top::Tokens(command) => Command::Tokens(command),
            Top::Rates(command) => Command::Rates(command),
            other => panic!("{other:?} manages nothing"),
        };
        plans::check(&command)?;
        let paper = Paper::default();
        let context = Context {
            registry: Arc::new(self.0.clone()),
            gate: None,
            ids: Arc::new(RandomIds),
            clock: Arc::new(SystemClock),
            region: Region::Eu,
            console: Console::to(paper.clone()),
            json: command.place().json,
        };
        dispatch(context, command).await?;
        Ok(String::from_utf8(paper.0.lock().unwrap().clone()).unwrap())
    }

    async fn json(&self, line: &str) -> Value {
        let text = self.run(&format!("{line} --json")).await.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(text.ends_with('\n') && text.lines().count() == 1, "one line and nothing else: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn refused(&self, line: &str) -> String {
        self.run(line).await.expect_err(line).to_string()
    }
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} is no text in {value}"))
}

#[tokio::test]
async fn a_team_is_made_listed_and_given_another_plan() {
    let office = Office::default();
    let made = office.json("teams create acme --plan starter").await;
    let id = text(&made, "team");
    assert!(id.starts_with("team_eu_") && text(&made, "id") == id, "{made}");
    assert_eq!((text(&made, "name"), text(&made, "plan")), ("acme", "starter"));
    for line in [format!("teams set-plan --team {id} --plan team"), "teams set-plan acme --plan team".to_owned()] {
        assert_eq!(text(&office.json(&line).await, "plan"), "team");
    }
    let enterprise = office
        .json("teams set-plan acme --plan enterprise --sustained-per-s 9 --burst 20 --events-per-month 7 --agents 3")
        .await;
    assert_eq!(enterprise["limits"]["burst"], 20);
    let listed = office.json("teams list").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    for member in ["id", "team", "name", "plan"] {
        assert_eq!(listed[0][member], enterprise[member], "{member}");
    }
    let refusal = office.refused("teams create x --plan team --agents 5").await;
    assert!(refusal.contains("--plan enterprise"), "{refusal}");
}

#[tokio::test]
async fn a_key_is_shown_once_listed_without_its_secret_and_revoked() {
    let office = Office::default();
    office.json("teams create acme --plan team").await;
    let made = office.json("keys create --team acme").await;
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    assert!(id.starts_with("key_eu_") && key.starts_with("apk_eu_") && text(&made, "team").starts_with("team_"));
    for line in ["keys list --team acme", "keys list"] {
        let listed = office.json(line).await;
        assert_eq!((text(&listed[0], "id"), &listed[0]["revoked_at"]), (id, &Value::Null));
        assert!(!listed.to_string().contains(key), "a list shows no secret");
    }
    assert_eq!(made["label"], Value::Null);
    let labelled = office.json("keys create --team acme --access read --label grafana").await;
    let listed = office.json("keys list").await;
    assert_eq!(text(&labelled, "label"), "grafana");
    for key in listed.as_array().unwrap() {
        assert_eq!(key["label"] == "grafana", key["id"] == labelled["id"], "{key}");
    }
    assert!(office.run("keys list").await.unwrap().contains("grafana"));
    let refusal = office.refused(&format!("keys revoke {key}")).await;
    assert!(refusal.contains("key_") && !refusal.contains(key), "{refusal}");
    assert_eq!(text(&office.json(&format!("keys revoke {id}")).await, "id"), id);
    // Of two keys of one millisecond either may be the first.
    for listed in office.json("keys list").await.as_array().unwrap() {
        assert_eq!(listed["revoked_at"].is_string(), listed["id"] == id, "{listed}");
    }
    let refusal = office.refused("keys revoke nonsense").await;
    assert!(refusal.contains("'nonsense'") && refusal.contains("keys list"), "{refusal}");
}

#[tokio::test]
async fn a_token_is_made_rotated_and_revoked() {
    let office = Office::default();
    let team = office.json("teams create acme --plan team").await;
    let made = office.json("tokens create --team acme --agent nightly").await;
    assert!(text(&made, "token").starts_with("ping_eu_"));
    assert_eq!((text(&made, "agent"), &made["team"]), ("nightly", &team["team"]));
    let rotated = office.json(&format!("tokens rotate {}", text(&made, "id"))).await;
    assert_eq!((&rotated["agent"], &rotated["team"]), (&made["agent"], &made["team"]));
    assert!(rotated["id"] != made["id"] && rotated["token"] != made["token"]);
    let listed = office.json("tokens list --team acme").await;
    let of = |id: &Value| listed.as_array().unwrap().iter().find(|row| row["id"] == *id).unwrap().clone();
    assert!(of(&made["id"])["expires_at"].is_string() && of(&rotated["id"])["expires_at"].is_null());
    office.json(&format!("tokens revoke {}", text(&rotated, "id"))).await;
    assert!(office.refused("tokens rotate tok_eu_00000000000000000000000000000000").await.contains("there is no"));
}

#[tokio::test]
async fn rates_are_exact() {
    let office = Office::default();
    office.json("teams create acme --plan team").await;
    let line = "rates set --team acme --provider openai --model gpt-x --input 1.25 --cached 0.125 --output 10";
    let made = office.run(&format!("{line} --json")).await.unwrap();
    for part in [r#""input":1.25"#, r#""cached":0.125"#, r#""output":10"#, r#""batch_multiplier":0.5"#] {
        assert!(made.contains(part), "{part} is not in {made}");
    }
    let listed = office.json("rates list").await;
    assert_eq!((text(&listed[0], "id"), text(&listed[0], "model")), ("openai/gpt-x", "gpt-x"));
    let refusal = office.refused("rates set --team acme --provider p --model m --input 10001 --output 1").await;
    assert!(refusal.contains("--input") && refusal.contains("10000"), "{refusal}");
}

#[tokio::test]
async fn a_name_is_one_teams_and_asking_again_is_no_mistake() {
    let office = Office::default();
    let one = office.json("teams create acme --plan team").await;
    let refusal = office.refused("teams create acme --plan team").await;
    assert!(refusal.contains("'acme' is taken") && refusal.contains(text(&one, "id")), "{refusal}");
    // The plan stays: what a script repeats must not take back what an operator has agreed since.
    assert_eq!(office.json("teams create acme --plan business --if-missing").await, one);
    let other = office.json("teams create other --plan team --if-missing").await;
    assert_ne!(other["id"], one["id"]);
    assert_eq!(office.json("teams list").await.as_array().map(Vec::len), Some(2));

    let refusal = office.refused("teams rename other acme").await;
    assert!(refusal.contains("'acme' is taken") && refusal.contains("teams rename"), "{refusal}");
    assert_eq!(text(&office.json("teams rename other another").await, "name"), "another");
    assert_eq!(office.json("keys create --team another").await["team"], other["id"]);
    let refusal = office.refused("tokens create --team other --agent a").await;
    assert!(refusal.contains("'other'") && refusal.contains("teams list"), "{refusal}");
    assert!(office.refused(&format!("teams create {} --plan team", text(&one, "id"))).await.contains("form of"));
    assert!(office.refused(&format!("teams rename acme {}", text(&one, "id"))).await.contains("form of"));
}

#[tokio::test]
async fn an_archived_team_is_hidden_gets_no_credentials_and_comes_back() {
    let office = Office::default();
    let team = office.json("teams create acme --plan team").await;
    assert_eq!(team["archived_at"], Value::Null);
    let archived = office.json("teams archive acme").await;
    assert!(archived["archived_at"].is_string() && archived["id"] == team["id"], "{archived}");
    assert_eq!(office.json("teams list").await, serde_json::json!([]));
    assert_eq!(office.json("teams list --archived").await, serde_json::json!([archived]));
    assert!(office.run("teams list --archived").await.unwrap().contains("archived 20"));
    for line in
        ["keys create --team acme", "tokens create --team acme --agent a", "teams create acme --plan team --if-missing"]
    {
        let refusal = office.refused(line).await;
        assert!(refusal.contains("archived") && refusal.contains("teams restore"), "{line}: {refusal}");
    }
    assert!(office.refused("teams create acme --plan team").await.contains("is taken"));
    assert_eq!(office.json("teams restore acme").await, team);
    office.json("keys create --team acme").await;
}

#[tokio::test]
async fn agents_are_listed_and_archived() {
    let office = Office::default();
    let team = office.json("teams create acme --plan enterprise --agents 2").await;
    for agent in ["nightly", "nigthly"] {
        office.json(&format!("tokens create --team acme --agent {agent}")).await;
    }
    let listed = office.json("agents list --team acme").await;
    assert_eq!((text(&listed[0], "agent"), &listed[0]["team"]), ("nightly", &team["id"]));
    assert!(listed[0]["id"].as_str().is_some_and(|id| id.starts_with("agt_eu_")), "{listed}");
    for member in ["last_seen", "archived_at"] {
        assert_eq!(listed[0][member], Value::Null, "{member}");
    }
    assert!(office.run("agents list --team acme").await.unwrap().contains("2 agents take a slot (of 2,"));
    let refusal = office.refused("agents archive --team acme nigthly nobody").await;
    assert!(refusal.contains("no agent 'nobody'") && refusal.contains("agents list"), "{refusal}");
    assert_eq!(office.json("agents list --team acme").await.as_array().map(Vec::len), Some(2), "all or none");

    assert!(office.refused("tokens create --team acme --agent hourly").await.contains("2 agents"));
    let archived = office.json("agents archive --team acme nigthly").await;
    assert!(archived[0]["archived_at"].is_string() && text(&archived[0], "agent") == "nigthly", "{archived}");
    office.json("tokens create --team acme --agent hourly").await;
    let agents = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| text(row, "agent").to_owned()).collect()
    };
    assert_eq!(agents(&office.json("agents list --team acme").await), ["hourly", "nightly"]);
    assert_eq!(agents(&office.json("agents list --team acme --archived").await), ["hourly", "nightly", "nigthly"]);
}

#[tokio::test]
async fn people_get_lines() {
    let office = Office::default();
    let made = office.run("teams create acme --plan team").await.unwrap();
    assert!(made.contains("name    acme") && made.contains("500 requests per second, 1000 at once"), "{made}");
    let key = office.run("keys create --team acme").await.unwrap();
    assert!(key.contains("shown this once"), "{key}");
    let listed = office.run("keys list").await.unwrap();
    assert!(listed.starts_with("ID") && listed.contains("active"), "{listed}");
}
