//! The same on the real stack, where more is kept in more places: records on topics, rows of tables, keys of the gate.

use serde_json::Value;
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, LogClient, Settings};
use tidegate_tests::{Target, Team, ids};

use crate::isolation::{self, Scene};
use crate::secrets::{Needles, find, sha256, untold};
use crate::traffic::{Sent, mixed};
use crate::{BINARY, team_of};

async fn loud_on_the_stack(format: &str) -> Target {
    let level = ("telemetry", "level", "\"trace\"".to_owned());
    let form = ("telemetry", "format", format!("\"{format}\""));
    Target::on_the_stack(BINARY, &Settings { more: vec![level, form], ..Settings::small() }).await
}

/// Two teams kept apart on every route, and no credential anywhere, on one deployment of separate roles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_is_told_or_kept_and_teams_are_apart() {
    let target = loud_on_the_stack("json").await;
    let team = team_of(&target).await;
    let sent = mixed(&target, &team).await;
    isolation::holds(&Scene::of(target.deployment(), &target).await).await;
    untold(&target, &sent).await;
    let needles = Needles::of(&sent.secrets);
    absent_on_topics(&target, &sent, &needles).await;
    absent_in_tables(&target, &sent, &needles).await;
    absent_in_the_gate(&target, &needles).await;
    unknown_regions_are_not_looked_up(&target, &team).await;
    assert!(target.stop().await);
    needles.absent_in("the whole log", target.log().as_bytes());
}

async fn absent_on_topics(target: &Target, sent: &Sent, needles: &Needles) {
    let settings = target.servers().settings();
    let mut told = false;
    for topic in [settings.records_topic(), settings.dead_letters_topic()] {
        for record in LogClient::connect(&Addresses::found(), &topic, &settings.group()).records().await.unwrap() {
            told |= find(&record.payload, sent.agent.as_bytes()).is_some();
            let headers = record.headers.values().flatten().copied();
            let whole: Vec<u8> = record.key.into_iter().flatten().chain(headers).chain(record.payload).collect();
            needles.absent_in(&topic, &whole);
        }
    }
    assert!(told, "the topic holds what was sent");
}

async fn absent_in_tables(target: &Target, sent: &Sent, needles: &Needles) {
    let keyspace = target.servers().settings().keyspace();
    let store = Rows::connect(&Addresses::found().cql).await.unwrap();
    let listed = format!("SELECT JSON table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}'");
    let tables = store.select(&listed).await.unwrap();
    assert!(tables.len() > 10, "the keyspace has its tables: {tables:?}");
    let mut all = String::new();
    for table in tables.iter().filter_map(|row| row["table_name"].as_str()) {
        for row in store.select(&format!("SELECT JSON * FROM {keyspace}.{table}")).await.unwrap() {
            all.push_str(&Value::to_string(&row));
            all.push('\n');
        }
    }
    let hash: String = sha256(&sent.secrets[0]).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(all.contains(&hash) && all.contains(&sent.agent), "the tables hold a key's SHA-256 and what was sent");
    needles.absent_in("a table", all.as_bytes());
}

/// Keys by name, and what they hold as far as it is text.
async fn absent_in_the_gate(target: &Target, needles: &Needles) {
    let prefix = target.servers().settings().prefix();
    let client = redis::Client::open(format!("redis://{}", Addresses::found().redis)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (mut cursor, mut held) = (0_u64, 0);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("*{prefix}*")).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await.unwrap();
        for key in keys {
            held += 1;
            needles.absent_in("a key of the gate", &key);
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
            let read = match kind.as_str() {
                "hash" => redis::cmd("HGETALL").arg(&key).to_owned(),
                "string" => redis::cmd("GET").arg(&key).to_owned(),
                "none" => continue,
                other => panic!("the gate keeps a {other} that is not looked into"),
            };
            let value: redis::Value = read.query_async(&mut connection).await.unwrap();
            needles.absent_in("the gate", format!("{value:?}").as_bytes());
            for bytes in texts(value) {
                needles.absent_in("the gate", &bytes);
            }
        }
        if next == 0 {
            break;
        }
        cursor = next;
    }
    assert!(held > 0, "the gate holds keys of this deployment");
}

fn texts(value: redis::Value) -> Vec<Vec<u8>> {
    match value {
        redis::Value::BulkString(bytes) => vec![bytes],
        redis::Value::Array(items) => items.into_iter().flat_map(texts).collect(),
        redis::Value::Map(pairs) => {
            pairs.into_iter().flat_map(|(key, value)| [texts(key), texts(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

/// The store is asked about credentials of this region only.
async fn unknown_regions_are_not_looked_up(target: &Target, team: &Team) {
    const EACH: u64 = 20;
    let asked = async || {
        let labels = [("kind", "credential")];
        target.metrics().await.sum("tidegate_cql_requests_total", &labels)
    };
    let present = async |region: &str| {
        for _ in 0..EACH {
            let call = team.bare("POST", "/v1/heartbeats").bearer(&ids::fresh("apk", region));
            let answer = call.json(&serde_json::json!({"agent": "a"})).send().await;
            assert!([400, 401].contains(&answer.status), "{answer}");
        }
    };
    let before = asked().await;
    present(target.other_region()).await;
    present("fr").await;
    assert_eq!(asked().await, before, "a credential of another region was looked up");
    present(&target.region).await;
    assert_eq!(asked().await, before + EACH, "the count tells of look-ups");
}
