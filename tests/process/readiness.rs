//! A log that takes no records is named by readiness, and by few lines.

use std::time::Instant;

use tidegate_tests::faults::disk::Disk;
use tidegate_tests::process::Extra;
use tidegate_tests::team::ping_path;
use tidegate_tests::{Answer, Plan, Target, Team, eventually};

use crate::{BINARY, PATIENCE};

/// Pings that are refused: enough to see that not each of them is a line.
const MANY: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_named_until_there_is_room_again() {
    let Some(disk) = Disk::mounted() else { return };
    let target = Target::dev_on(BINARY, &disk.path().join("data"), Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let path = ping_path(&team.key, &[("agent", "nightly")]);
    let ready = async || team.client.get(&format!("{}/readyz", target.ops[0])).send().await;
    assert_eq!(ready().await.status, 200);

    disk.fill();
    let (mut refused, filled) = (0, Instant::now());
    let unready: Answer = eventually(PATIENCE, "the log is named", async || {
        // Housekeeping may give a little room back.
        disk.fill();
        let ping = team.bare("GET", &path).send().await;
        refused += usize::from(ping.status == 503);
        let ready = ready().await;
        let is_ready = target.metrics().await.sum("tidegate_ready", &[]);
        let is_named = ready.status == 503 && is_ready == 0 && refused >= MANY;
        if is_named { Ok(ready) } else { Err(format!("{ping}, {ready}, and the metric is {is_ready}")) }
    })
    .await;
    assert!(unready.text().contains("log: no record was taken for"), "{unready}");
    let log = target.log();
    let warned = log.lines().filter(|line| line.contains("did not take a record")).count();
    // One in five seconds, and a few for what comes first.
    let most = MANY / 4 + usize::try_from(filled.elapsed().as_secs() / 5).unwrap();
    assert!((1..most).contains(&warned), "{warned} lines for {refused} pings:\n{log}");

    disk.empty();
    eventually(PATIENCE, "the log takes records again", async || match team.bare("GET", &path).send().await {
        ping if ping.status == 200 => Ok(()),
        ping => Err(ping.to_string()),
    })
    .await;
    assert_eq!(ready().await.status, 200);
    assert!(target.stop().await, "{}", target.log());
}
