//! AgentGate's topic read or appended a second time, under load and after it: nothing is bought, charged or refused anew,
//! and a store that is built from the topic is the same, cell by cell.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tidegate_tests::process::Extra;
use tidegate_tests::stack::{Addresses, rows::Rows};
use tidegate_tests::stack::{LogClient, Settings, foreign};
use tidegate_tests::{Target, eventually};

use crate::BINARY;
use crate::agentgate::{judge, load};

/// Until deciders are at the end of the log.
const SOON: Duration = Duration::from_secs(180);
const REFUSED: usize = 5;
/// Those of the load, and the one without credits.
const ORGANIZATIONS: usize = 5;

/// An organization without credits, whose submissions are refused.
struct Penniless {
    org: String,
    key: String,
}

impl Penniless {
    async fn refused(target: &Target) -> Self {
        let org = target.manage(&["agentgate", "orgs", "create", "penniless", "--included-cents", "0"]).await;
        let org = org["organization"].as_str().unwrap().to_owned();
        let key = target.manage(&["agentgate", "keys", "create", "--org", &org, "--scopes", "*"]).await;
        let key = key["key"].as_str().unwrap().to_owned();
        let order = json!({
            "taskPrompt": "Add a health check.",
            "workspaceSource": { "type": "git", "repository": "https://github.com/example/app" },
        });
        for number in 0..REFUSED {
            let url = format!("{}/v1/work-orders", target.agentgate());
            let request = Client::new().post(url).bearer_auth(&key).header("idempotency-key", format!("key-{number}"));
            let answer = request.json(&order).send().await.unwrap();
            assert_eq!(answer.status(), 402);
        }
        Penniless { org, key }
    }

    /// A refusal has no trace but its fact: no run, no charge, no hold.
    async fn has_nothing(&self, target: &Target) {
        for list in ["/v1/runs?limit=1", "/v1/credits/usage?limit=1"] {
            let url = format!("{}{list}", target.agentgate());
            let answer = Client::new().get(url).bearer_auth(&self.key).send().await.unwrap();
            let listed: Value = answer.json().await.unwrap();
            assert_eq!(listed["total"], 0, "{list}: {listed}");
        }
        let shown = target.manage(&["agentgate", "orgs", "show", &self.org]).await;
        let cents = ["includedCents", "purchasedCents", "heldCents", "availableCents", "openRuns"];
        assert!(cents.iter().all(|member| shown[member] == 0), "{shown}");
    }
}

/// Appends the whole topic again: how many commands that were.
async fn replayed(target: &Target) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let progress = folder.path().join("progress.json").display().to_string();
    let words = ["replay", "--api", "agentgate", "--from", "2026-01-01T00:00:00Z", "--progress", &progress];
    let told = target.manage(&words).await;
    assert_eq!(told["whole"], true, "{told}");
    let kinds = &told["appended"];
    assert!(kinds["submit"].as_u64() > Some(0) && kinds["key_put"].as_u64() > Some(0), "{told}");
    kinds["total"].as_u64().unwrap()
}

async fn decided(target: &Target) {
    eventually(SOON, "all is decided", async || match target.manage(&["lag", "--api", "agentgate"]).await {
        lag if lag["records"] == 0 => Ok(()),
        lag => Err(lag.to_string()),
    })
    .await;
}

async fn stop_deciders(target: &Target) {
    for decider in ["decide-0", "decide-1"] {
        let server = target.servers().named(decider);
        assert!(server.stop().await, "{}", server.log());
    }
}

async fn start_deciders(target: &Target) {
    for decider in ["decide-0", "decide-1"] {
        target.servers().named(decider).start().await;
    }
}

/// Sets the group of the deciders, which has no members, back to the beginning.
async fn lose_offsets(settings: &Settings) {
    let (topic, group) = (settings.commands_topic(), settings.deciders_group());
    let log = LogClient::connect(&Addresses::found(), &topic, &group);
    let partitions = log.partitions().await.unwrap();
    let losing = move || (0..partitions).for_each(|partition| foreign::commit(&group, &topic, partition, 0));
    tokio::task::spawn_blocking(losing).await.unwrap();
    assert!(log.committed().await.unwrap().iter().all(|committed| *committed == Some(0)));
}

/// Builds a store from the topic, and compares it with the live one.
async fn rebuilt_equal(target: &Target, settings: &Settings, name: &str) -> Value {
    let again = format!("{}_{name}", settings.keyspace());
    let rebuilt = target.command(&["rebuild", "--api", "agentgate", "--into", &again]).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(rebuilt.status.success(), "{}{}", text(&rebuilt.stdout), text(&rebuilt.stderr));
    let told = target.manage(&["compare", "--api", "agentgate", "--with", &again]).await;
    assert_eq!(told["equal"], true, "{name}: {told}");
    for table in told["tables"].as_array().unwrap() {
        let rows = &table["rows"];
        assert!(rows[0] == rows[1] && rows[0].as_u64() > Some(0), "{name}: {table}");
    }
    told
}

/// The topic is appended again while orders are submitted and worked on, and once more when all is over; then the group of
/// the deciders loses its offsets. Each time a rebuild is equal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_comes_again_changes_nothing_and_a_rebuild_is_equal() {
    let settings = Settings::of_agentgate();
    let target = Target::on_the_stack(BINARY, &settings).await;
    let load = load(&target).await;
    let organization = load.organization();
    let penniless = Penniless::refused(&target).await;
    let hook = json!({ "url": "https://receiver.invalid/hook", "events": ["run.completed"] });
    organization.insist(&organization.key, "/v1/webhooks", None, &hook).await.expect(201);
    load.accepts(30).await;
    let first = replayed(&target).await;
    load.accepts(30).await;
    // Offsets are lost while commands wait.
    stop_deciders(&target).await;
    lose_offsets(&settings).await;
    start_deciders(&target).await;
    load.accepts(30).await;
    judge(load).await;
    penniless.has_nothing(&target).await;
    decided(&target).await;
    rebuilt_equal(&target, &settings, "after_load").await;

    let (shown, runs) = (organization.shown().await, organization.get("/v1/runs?limit=100").await);
    let unchanged = async |what: &str| {
        decided(&target).await;
        assert_eq!(organization.shown().await, shown, "{what}");
        assert_eq!(organization.get("/v1/runs?limit=100").await, runs, "{what}");
        penniless.has_nothing(&target).await;
    };
    let second = replayed(&target).await;
    assert!(second > first, "what came in between: {second} after {first}");
    unchanged("after a replay").await;
    stop_deciders(&target).await;
    lose_offsets(&settings).await;
    start_deciders(&target).await;
    unchanged("after the group lost its offsets").await;
    rebuilt_equal(&target, &settings, "after_all").await;

    // A refused attempt has its fact, and no other row.
    let rows = Rows::connect(&Addresses::found().cql).await.unwrap();
    let facts = format!("SELECT JSON owner FROM {}.facts", settings.commands_keyspace());
    let of_penniless = rows.select(&facts).await.unwrap();
    let of_penniless = of_penniless.iter().filter(|row| row["owner"] == penniless.org.as_str()).count();
    // Its making, its key, and each attempt once; no key of a refusal.
    assert_eq!(of_penniless, 2 + REFUSED);
    all_is_accounted_for(&target, &settings, first + second).await;
    a_cent_that_is_made_is_seen(&target, &settings, &rows, &penniless.org).await;
}

/// What the operations port of a decider shows of AgentGate.
async fn conservation(target: &Target) -> Result<Value, String> {
    let url = format!("{}/v1/conservation", target.servers().named("decide-0").ops());
    let view: Value = tidegate_tests::Client::default().get(&url).try_send().await?.expect(200).json();
    Ok(view["agentgate"].clone())
}

/// Each command of the topic is decided, a duplicate, refused or void, and a sample of them is in the store.
async fn all_is_accounted_for(target: &Target, settings: &Settings, replayed: u64) {
    let log = LogClient::connect(&Addresses::found(), &settings.commands_topic(), &settings.deciders_group());
    let ends: i64 = log.ends().await.unwrap().iter().sum();
    let view = eventually(SOON, "commands and credits were looked at", async || match conservation(target).await? {
        view if view["sample"]["looked_up"].as_u64() > Some(0)
            && view["credits"]["organizations_in_last_round"] == ORGANIZATIONS =>
        {
            Ok(view)
        }
        view => Err(view.to_string()),
    })
    .await;
    let total = &view["total"];
    assert_eq!((&total["accepted"], &total["in_flight"], &total["difference"]), (&json!(ends), &json!(0), &json!(0)));
    assert!(total["duplicate"].as_u64() >= Some(replayed), "{replayed} were appended again: {view}");
    assert!(total["conflict"].as_u64() >= Some(REFUSED as u64) && total["dead"] == 0, "{view}");
    assert_eq!((&view["sample"]["missing"], &view["credits"]["off"]), (&json!([]), &json!([])), "{view}");
    assert_eq!(view["adds_up"], true, "{view}");
}

/// A book is altered in the store: its credits do not add up any more, and the metric says so.
async fn a_cent_that_is_made_is_seen(target: &Target, settings: &Settings, rows: &Rows, org: &str) {
    let books = format!("{}.books", settings.commands_keyspace());
    let found = rows.select(&format!("SELECT JSON doc FROM {books} WHERE owner = '{org}'")).await.unwrap();
    let hex = found[0]["doc"].as_str().unwrap().trim_start_matches("0x").to_owned();
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
    let altered = String::from_utf8(bytes).unwrap().replace("\"granted_cents\":0", "\"granted_cents\":1");
    assert!(altered.contains("\"granted_cents\":1"), "{altered}");
    let hex: String = altered.bytes().map(|byte| format!("{byte:02x}")).collect();
    rows.execute(&format!("UPDATE {books} SET doc = 0x{hex} WHERE owner = '{org}'")).await.unwrap();
    let off = json!([{ "organization": org, "why": "1 cents were granted, 0 are left and 0 were charged" }]);
    eventually(SOON, "the loss is told", async || match conservation(target).await? {
        view if view["credits"]["off"] == off && view["adds_up"] == false => Ok(()),
        view => Err(view.to_string()),
    })
    .await;
    let metrics = eventually(SOON, "the metric says so, too", async || {
        let metrics = tidegate_tests::deployment::metrics_of(target.servers().named("decide-0").ops()).await;
        match metrics.sum("tidegate_agentgate_credits_off", &[]) {
            1 => Ok(metrics),
            off => Err(format!("{off} are off")),
        }
    })
    .await;
    assert!(metrics.sum("tidegate_agentgate_credits_checked_total", &[]) > 0);
    assert_eq!(metrics.sum("tidegate_commands_conservation_missing", &[("api", "agentgate")]), 0);
}

/// The same in a folder: the process is stopped for a replay, since only one may own the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folders_commands_that_come_again_change_nothing() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let load = load(&target).await;
    let organization = load.organization();
    let penniless = Penniless::refused(&target).await;
    let busy = target.command(&["replay", "--api", "agentgate", "--offsets", "0:0-"]).await;
    assert!(!busy.status.success(), "a process is running on the folder");
    for _ in 0..2 {
        load.accepts(20).await;
        target.kill().await;
        replayed(&target).await;
        target.start().await;
    }
    judge(load).await;
    let shown = organization.shown().await;
    assert!(target.stop().await, "{}", target.log());
    replayed(&target).await;
    let lag = target.manage(&["lag", "--api", "agentgate"]).await;
    assert_eq!((&lag["records"], &lag["group"]), (&json!(0), &json!("decider")), "{lag}");
    target.start().await;
    assert_eq!(organization.shown().await, shown);
    penniless.has_nothing(&target).await;
    // The one process shows both APIs in one object.
    let url = format!("{}/v1/conservation", target.ops[0]);
    let whole = async || {
        let view: Value = tidegate_tests::Client::default().get(&url).try_send().await?.expect(200).json();
        let gate = &view["agentgate"];
        let is_whole = view["adds_up"] == true && gate["adds_up"] == true && gate["total"]["in_flight"] == 0;
        let is_looked_at = gate["sample"]["looked_up"].as_u64() > Some(0);
        if is_whole && is_looked_at && gate["total"]["duplicate"].as_u64() > Some(0) {
            Ok(())
        } else {
            Err(view.to_string())
        }
    };
    eventually(SOON, "all is accounted for", whole).await;
}
