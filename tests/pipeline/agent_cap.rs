//! A team nears the agents that its plan allows: said before it comes to refusals, once.

use serde_json::json;
use tidegate_tests::team::Agreed;
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::PROGRAM;

const WARNINGS: &str = "tidegate_agent_cap_warnings_total";
const LINE: &str = "a team nears the agents";

#[tokio::test]
async fn four_fifths_of_the_agents_are_warned_of_once() {
    let target = Target::own(PROGRAM).await;
    let agreed = Plan::Enterprise(Agreed { agents: Some(5), ..Agreed::default() });
    let (team, other) =
        (Team::create(target.deployment(), agreed).await, Team::create(target.deployment(), agreed).await);
    for number in 0..3 {
        team.heartbeat(&json!({"agent": format!("agent-{number}")})).await.expect(202);
    }
    // Another team's warning comes behind whatever the first three were to cause.
    for number in 0..5 {
        other.heartbeat(&json!({"agent": format!("agent-{number}")})).await.expect(202);
    }
    // Its line is written a moment after a warning is counted.
    let lines = || target.log().lines().filter(|line| line.contains(LINE)).count();
    let warned = async |count: usize| {
        eventually(READABLE, &format!("{count} warnings"), async || {
            let found = (target.metrics().await.sum(WARNINGS, &[]), lines());
            if found == (count as u64, count) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    };
    warned(1).await;
    let warned_of = |team: &Team| target.log().lines().any(|line| line.contains(LINE) && line.contains(&team.id));
    assert!(warned_of(&other) && !warned_of(&team), "three of five: {}", target.log());
    for number in 3..5 {
        team.heartbeat(&json!({"agent": format!("agent-{number}")})).await.expect(202);
    }
    team.heartbeat(&json!({"agent": "one-more"})).await.refused(400, "agent_limit", Some("agent"));
    warned(2).await;
    assert_eq!(lines(), 2, "{}", target.log());
}
