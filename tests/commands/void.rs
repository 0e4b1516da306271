//! `void`: a command that no release can decide halts its partition, and is set aside by its place. A replay and a rebuild
//! pass over it.

use serde_json::{Value, json};
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, Settings};
use tidegate_tests::{Target, eventually};

use crate::place::{Place, run};
use crate::{BINARY, PATIENCE, foreign};

/// AgentGate's, as it is by default.
const PARTITIONS: i32 = 16;

/// The places that a refused `void` says partitions are halted at.
async fn halted(target: &Target) -> Vec<String> {
    let words = ["void", "1/0/987654321", "--api", "agentgate", "--reason", "to be refused"];
    let (done, _, err) = target.try_manage(&words).await;
    assert!(!done && err.contains("no partition is halted at 1/0/987654321"), "{err}");
    let places = err.trim_end().split_once("partitions are halted at ").map_or("", |(_, places)| places);
    places.split(", ").filter(|place| !place.is_empty()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_be_decided_halts_its_partition_until_it_is_set_aside() {
    let settings = Settings::of_agentgate();
    let topic = settings.commands_topic();
    let target = Target::on_the_stack(BINARY, &settings).await;
    let org = target.manage(&["agentgate", "orgs", "create", "halted"]).await;
    let org = org["organization"].as_str().unwrap();
    for partition in 0..PARTITIONS {
        // One that no release reads, and one that each release must say of itself that it cannot decide.
        let unknown = br#"{"v":1,"rules":1,"owner":"fleet","received_at_ms":0,"body":{"haggle":{}}}"#;
        let record: &[u8] = if partition % 2 == 0 { b"no command" } else { unknown };
        foreign::append(&topic, partition, b"fleet", &[], record);
    }
    let places = eventually(PATIENCE, "every partition is halted", async || match halted(&target).await {
        places if places.len() == PARTITIONS as usize => Ok(places),
        places => Err(format!("{places:?}")),
    })
    .await;
    for place in &places {
        // The same again answers the same.
        for _ in 0..2 {
            let void = target.manage(&["void", place, "--api", "agentgate", "--reason", "sent by a test"]).await;
            assert_eq!(void["void"], place.as_str());
        }
    }
    let decided = async || {
        let (done, out, err) = target.try_manage(&["agentgate", "orgs", "credit", org, "--cents", "700"]).await;
        if done { Ok(out) } else { Err(err) }
    };
    let shown = eventually(PATIENCE, "commands are decided behind it", decided).await;
    assert!(shown.contains(r#""purchasedCents":700"#), "{shown}");
    eventually(PATIENCE, "no partition is halted", async || match halted(&target).await {
        places if places.is_empty() => Ok(()),
        places => Err(format!("{places:?}")),
    })
    .await;
    passed_over_by_a_replay_and_a_rebuild(&target, &settings, org).await;
}

async fn passed_over_by_a_replay_and_a_rebuild(target: &Target, settings: &Settings, org: &str) {
    let folder = tempfile::tempdir().unwrap();
    let progress = folder.path().join("progress.json").display().to_string();
    let everything = ["replay", "--api", "agentgate", "--from", "2026-01-01T00:00:00Z"];
    let told = target.manage(&[&everything[..], &["--dry-run"]].concat()).await;
    assert_eq!((&told["passed_over"]["void"], &told["cannot_be_decoded"]), (&json!(PARTITIONS), &json!(0)), "{told}");
    let (appended, void) = (told["chosen"]["total"].as_u64().unwrap(), told["passed_over"]["void"].as_u64().unwrap());
    assert!(appended >= 2 && told["would_change_nothing"] == appended, "{told}");
    let told = target.manage(&[&everything[..], &["--progress", &progress]].concat()).await;
    assert_eq!((&told["appended"]["total"], &told["whole"]), (&json!(appended), &json!(true)), "{told}");
    assert_eq!(told["passed_over"]["void"], void, "{told}");
    // Also where its place is named, and in one organization's commands.
    let named = ["replay", "--api", "agentgate", "--offsets", "0:0-", "--org", org, "--dry-run"];
    assert!(target.manage(&named).await["passed_over"]["void"].as_u64().unwrap() >= 1);
    decided(target).await;
    assert!(halted(target).await.is_empty(), "a void command was appended again");
    let shown = target.manage(&["agentgate", "orgs", "show", org]).await;
    assert_eq!(shown["purchasedCents"], 700, "credited once: {shown}");

    let again = format!("{}_again", settings.keyspace());
    let rebuilt = target.command(&["rebuild", "--api", "agentgate", "--into", &again]).await;
    assert!(rebuilt.status.success(), "{}{}", text(&rebuilt.stdout), text(&rebuilt.stderr));
    let told = target.manage(&["compare", "--api", "agentgate", "--with", &again]).await;
    assert_eq!(told["equal"], true, "{told}");
    // What no log has is there, too, and comes again.
    let rows = Rows::connect(&Addresses::found().cql).await.unwrap();
    let of = async |table: &str| {
        let (mut both, keyspaces) = (Vec::new(), [settings.commands_keyspace(), again.clone()]);
        for keyspace in keyspaces {
            both.push(rows.select(&format!("SELECT JSON * FROM {keyspace}.{table}")).await.unwrap());
        }
        (both.remove(0), both.remove(0))
    };
    let ((keys, copied_keys), (voids, copied_voids)) = (of("owner_keys").await, of("voids").await);
    assert!(!keys.is_empty() && keys == copied_keys, "{keys:?} {copied_keys:?}");
    assert!(voids.len() == PARTITIONS as usize && voids == copied_voids, "{voids:?} {copied_voids:?}");
    let full = target.command(&["rebuild", "--api", "agentgate", "--into", &again]).await;
    assert!(!full.status.success() && text(&full.stderr).contains("holds something already"), "{}", text(&full.stderr));
    let keys = target.command(&["rebuild", "--api", "agentgate", "--into", &again, "--only-keys"]).await;
    assert!(keys.status.success() && text(&keys.stdout).contains("void places"), "{}", text(&keys.stderr));

    // A book that was altered is seen, and named.
    rows.execute(&format!("UPDATE {again}.books SET doc = 0x7b7d WHERE owner = '{org}'")).await.unwrap();
    let (equal, out, _) = target.try_manage(&["compare", "--api", "agentgate", "--with", &again]).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    let first = &told["first_differences"][0];
    assert!(!equal && told["equal"] == false && first["table"] == "books" && first["column"] == "doc", "{told}");
    for (live, told) in
        [(settings.commands_keyspace(), "is the live keyspace"), (settings.keyspace(), "is AgentPing's")]
    {
        let refused = target.command(&["rebuild", "--api", "agentgate", "--into", &live]).await;
        assert!(!refused.status.success() && text(&refused.stderr).contains(told), "{}", text(&refused.stderr));
    }
}

/// Waits until deciders are at the end of the log, as `lag` tells it.
async fn decided(target: &Target) {
    eventually(PATIENCE, "all is decided", async || match target.manage(&["lag", "--api", "agentgate"]).await {
        lag if lag["records"] == 0 => Ok(()),
        lag => Err(lag.to_string()),
    })
    .await;
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_another_api_says_so() {
    let place = Place::new();
    for (words, told) in [
        (&["dead-letters", "list", "--api", "agentgate"][..], "AgentGate has no dead letters"),
        (&["rebuild", "--into", "a", "--only-keys"], "AgentPing has none of"),
    ] {
        let ended = place.run(words).await;
        assert!(ended.code == Some(1) && ended.err.contains(told), "{words:?}: {ended:?}");
    }
    // Without a folder of AgentGate there is nothing to look at.
    let data = place.data();
    run(&["teams", "create", "acme", "--plan", "team", "--data", &data], &[]).await;
    for words in [&["lag"][..], &["replay", "--offsets", "0:0-"]] {
        let ended = run(&[words, &["--api", "agentgate", "--data", &data]].concat(), &[]).await;
        assert!(ended.code == Some(1) && ended.err.contains("there is no organization in"), "{words:?}: {ended:?}");
    }
}
