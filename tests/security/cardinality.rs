//! However many teams, agents and ids there are, metrics have the same series.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;
use tidegate_tests::wait::{READABLE, eventually};
use tidegate_tests::{Plan, Target, Team, ids, wire};

use crate::{loud, team_of};

const AGENTS: usize = 1_500;
const TEAMS: usize = 8;
const AT_ONCE: usize = 24;

/// Published by jobs on a clock of their own.
const SELDOM: [&str; 3] = ["tidegate_disk_free_bytes", "tidegate_conservation_difference", "tidegate_lag_records"];

/// Names with labels, without values. Partitions count as one: there are as many as the log was made with, and each
/// shows when it has its first record.
async fn series(target: &Target) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for ops in &target.ops {
        let page = tidegate_tests::Client::default().get(&format!("{ops}/metrics")).send().await.expect(200).text();
        let lines = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        all.extend(lines.filter_map(|line| Some(without_partition(line.rsplit_once(' ')?.0))));
    }
    assert!(all.len() > 50, "the page lost its series: {all:?}");
    all
}

fn without_partition(series: &str) -> String {
    const LABEL: &str = "partition=\"";
    let Some((before, rest)) = series.split_once(LABEL) else { return series.to_owned() };
    let after = rest.split_once('"').map_or("", |(_, after)| after);
    format!("{before}{LABEL}\"{after}")
}

/// One of each kind of request, taken and refused.
async fn each_kind(team: &Team, agent: &str) {
    let (run, event) = (team.run_id(), team.event_id());
    team.start(&wire::start(&run, agent)).await.expect(202);
    team.batch(&run, &[wire::llm_call(&event, "acme", agent, (5, 0, 5))]).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
    team.heartbeat(&json!({"agent": agent})).await.expect(202);
    team.ping(&[("agent", agent)]).await.expect(200);
    team.start(&wire::start(&run, agent)).await;
    team.start(&wire::start(&run, &format!("{agent}-other"))).await.expect(409);
    team.bare("GET", &format!("/v1/{agent}/{run}")).send().await.expect(404);
    team.call("BREW", "/v1/runs").send().await.expect(405);
    team.bare("POST", "/v1/heartbeats").bearer(&ids::fresh("apk", "eu")).send().await.expect(401);
    team.closed_run(&run).await;
    for path in ["/v1/runs".to_owned(), format!("/v1/runs/{run}"), format!("/v1/{agent}"), "/v1/agents".to_owned()] {
        team.read(&path).await;
    }
}

/// The series that are there after a few requests are all that ever are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_clients_make_no_series() {
    // Its clock is not moved and it is asked often: a log of everything would be most of the work.
    let target = Target::dev_with(crate::BINARY, tidegate_tests::process::Extra::default()).await;
    let team = team_of(&target).await;
    let nonce = ids::nonce();
    for n in 0..3 {
        each_kind(&team, &format!("{nonce}-first-{n}")).await;
    }
    let before = eventually(READABLE, "what is measured now and then was measured once", async || {
        let before = series(&target).await;
        let missing = SELDOM.iter().find(|name| !before.iter().any(|one| one.starts_with(*name)));
        missing.map_or(Ok(before.clone()), |name| Err(format!("no {name}")))
    });
    let before = before.await;
    for n in 0..TEAMS {
        let other = Team::create(target.deployment(), Plan::UNLIMITED).await;
        each_kind(&other, &format!("{nonce}-team-{n}")).await;
    }
    let beats = stream::iter(0..AGENTS).map(|n| {
        let team = team.clone();
        let agent = format!("{nonce}-agent-{n}");
        async move { team.heartbeat(&json!({"agent": agent, "customer_id": agent, "feature": agent})).await.expect(202) }
    });
    beats.buffer_unordered(AT_ONCE).for_each(|_| async {}).await;
    target.at_rest().await;
    let after = series(&target).await;
    let new: Vec<&String> = after.difference(&before).collect();
    assert!(new.is_empty(), "{AGENTS} agents and {TEAMS} teams made new series: {new:#?}");
    let told = after.iter().find(|one| one.contains(&nonce) || one.contains("team_eu_") || one.contains("run_eu_"));
    assert_eq!(told, None, "a label holds a client's text");
}

/// At the loudest, too: a level of logs adds no series.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_are_words_of_ours() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    each_kind(&team, "labels").await;
    for one in series(&target).await {
        let values = one.split('"').skip(1).step_by(2);
        for value in values {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+/".contains(&byte);
            assert!(value.len() <= 48 && value.bytes().all(plain), "{one} has a label that is no word");
        }
    }
}
