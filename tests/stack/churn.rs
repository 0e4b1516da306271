//! Persisters join and leave under load, by both group protocols, in order and by `kill -9`. Then the whole log is
//! read again into an empty keyspace, and the two are compared.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::{Random, verdict};
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, GroupProtocol, Settings};
use tidegate_tests::team::text;
use tidegate_tests::{Plan, Target, Team, eventually};
use tokio::time::interval;

use crate::BINARY;
use crate::watch::Watch;

/// How often a persister joins or leaves, and how often in all.
const EVERY: Duration = Duration::from_secs(2);
const CHANGES: usize = 12;
const CLIENTS: u64 = 4;
/// Persisters there are, and as many as may be up at once.
const PERSISTERS: usize = 4;
const CATCHES_UP: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_of_the_classic_protocol_come_and_go() {
    come_and_go(GroupProtocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_of_the_new_protocol_come_and_go() {
    come_and_go(GroupProtocol::Consumer).await;
}

#[expect(clippy::print_stdout, reason = "the test runner keeps it and shows it with a failure")]
async fn come_and_go(protocol: GroupProtocol) {
    let settings = Settings { protocol, persisters: 2, spare_persisters: PERSISTERS - 2, ..Settings::default() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let watch = Watch::begin(&settings);
    let clients = Clients::begin(team, CLIENTS);
    change_members(&target, &clients).await;
    let load = clients.end().await;
    println!("{protocol:?}: {}", verdict::check(&load.team, &load.book.all()).await);
    eventually(CATCHES_UP, "the group has committed everything", async || match watch.log().behind().await {
        Ok(0) => Ok(()),
        other => Err(format!("{other:?} records behind")),
    })
    .await;
    target.at_rest().await;
    let readings = watch.end().await;
    assert!(readings > 10, "{readings} readings are no watch");
    the_log_gives_the_same_store(&target, &settings).await;
}

/// Every two seconds one joins, leaves in order, or is killed; at least one stays.
async fn change_members(target: &Target, clients: &Clients) {
    let mut random = Random::seeded();
    let persisters: Vec<_> = (0..PERSISTERS).map(|n| target.servers().named(&format!("persist-{n}"))).collect();
    let (mut joined, mut left, mut killed) = (0, 0, 0);
    let mut ticks = interval(EVERY);
    ticks.tick().await;
    for change in 0..CHANGES {
        ticks.tick().await;
        clients.still_going();
        let (up, down): (Vec<_>, Vec<_>) = persisters.iter().partition(|server| server.is_started());
        let pick = |of: &[&&tidegate_tests::servers::Server], random: &mut Random| {
            let at = random.within(0..u64::try_from(of.len()).unwrap());
            (*of[usize::try_from(at).unwrap()]).clone()
        };
        // Alternately, so that both happen as often; at the edges as is possible.
        if down.is_empty() || up.len() > 1 && change % 2 == 0 {
            let leaving = pick(&up, &mut random);
            if change % 4 == 0 {
                leaving.kill();
                killed += 1;
            } else {
                // It may report that the group did not release it in time: then the others take over a little later.
                let _ = leaving.stop().await;
                left += 1;
            }
        } else {
            pick(&down, &mut random).begin();
            joined += 1;
        }
    }
    assert!(joined >= 4 && left >= 2 && killed >= 2, "{joined} joined, {left} left, {killed} were killed");
}

/// Reads the log again into another keyspace and holds it against the live one; then changes one cell of it.
async fn the_log_gives_the_same_store(target: &Target, settings: &Settings) {
    let again = format!("{}_again", settings.keyspace());
    let rebuilt = target.command(&["rebuild", "--into", &again]).await;
    assert!(rebuilt.status.success(), "{}{}", read(&rebuilt.stdout), read(&rebuilt.stderr));
    let (equal, told) = compare(target, &again).await;
    assert!(equal, "the log read again gives another store: {told}");
    assert_eq!(told["equal"], true);
    let rows = |table: &str| -> Value {
        let tables = told["tables"].as_array().expect("a list of tables");
        tables.iter().find(|one| one["table"] == table).unwrap_or_else(|| panic!("no {table} in {told}"))["rows"]
            .clone()
    };
    assert!(rows("runs")[0].as_u64().is_some_and(|count| count > 0), "nothing was compared: {told}");

    let store = Rows::connect(&Addresses::found().cql).await.unwrap();
    let one = store.select(&format!("SELECT JSON team, run, event, body FROM {again}.runs LIMIT 20")).await.unwrap();
    let event = one.iter().find(|row| row["body"].is_string()).expect("some run has an event");
    let (team, run, event) = (text(event, "team"), text(event, "run"), text(event, "event"));
    let at = format!("WHERE team = '{team}' AND run = '{run}' AND event = '{event}'");
    store.execute(&format!("UPDATE {again}.runs SET body = 'altered' {at}")).await.unwrap();
    let (equal, told) = compare(target, &again).await;
    assert!(!equal && told["equal"] == false, "one cell was altered, and compare does not see it: {told}");
    let found = told["first_differences"].as_array().expect("a list of differences");
    let named: BTreeSet<&str> = found.iter().filter_map(|one| one["column"].as_str()).collect();
    assert!(named == BTreeSet::from(["body"]) && found[0]["table"] == "runs, events", "{told}");
    let key = text(&found[0], "key");
    assert!(key.contains(&team) && key.contains(&run) && key.contains(&event), "{told}");
    assert!(found[0]["values"][1].as_str().unwrap().contains("altered"), "{told}");

    // A row that only one of them has is a difference, too.
    store.execute(&format!("DELETE FROM {again}.runs WHERE team = '{team}' AND run = '{run}'")).await.unwrap();
    let (equal, told) = compare(target, &again).await;
    assert!(!equal, "a run was removed, and compare does not see it: {told}");
}

/// Whether the live keyspace and this one are equal by the exit code, and what was printed.
async fn compare(target: &Target, with: &str) -> (bool, Value) {
    let compared = target.command(&["compare", "--with", with, "--json"]).await;
    let (out, err) = (read(&compared.stdout), read(&compared.stderr));
    let told = serde_json::from_str(&out).unwrap_or_else(|error| panic!("no JSON ({error}): {out}{err}"));
    assert!(matches!(compared.status.code(), Some(0 | 1)), "{:?}: {out}{err}", compared.status);
    (compared.status.success(), told)
}

fn read(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
