//! `void`: a command that no release can decide halts its partition, and is set aside by its place.

use tidegate_tests::stack::Settings;
use tidegate_tests::{Target, eventually};

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
    let topic = format!("{}.agentgate.{}.records.g1", settings.name, settings.region);
    let target = Target::on_the_stack(BINARY, &settings).await;
    let org = target.manage(&["agentgate", "orgs", "create", "halted"]).await;
    let org = org["organization"].as_str().unwrap();
    (0..PARTITIONS).for_each(|partition| foreign::append(&topic, partition, b"fleet", &[], b"no command"));
    let places = eventually(PATIENCE, "every partition is halted", async || match halted(&target).await {
        places if places.len() == PARTITIONS as usize => Ok(places),
        places => Err(format!("{places:?}")),
    })
    .await;
    for place in &places {
        let void = target.manage(&["void", place, "--api", "agentgate", "--reason", "sent by a test"]).await;
        assert_eq!(void["void"], place.as_str());
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
}
