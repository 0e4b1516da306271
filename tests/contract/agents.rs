//! Agents: made by the first call that names them, capped by plan.

use serde_json::json;
use tidegate_tests::team::Agreed;
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Plan, Team, eventually, wire};

use crate::{team, team_on};

/// AP-54: a run, a heartbeat or a ping with a new slug makes an agent of the credential's team.
#[tokio::test]
async fn a_new_slug_makes_an_agent() {
    let (target, team) = team().await;
    team.agents_are(&[]).await;
    team.start(&wire::start(&team.run_id(), "a-run")).await.expect(202);
    team.heartbeat(&json!({"agent": "b-heartbeat"})).await.expect(202);
    team.ping(&[("agent", "c-ping")]).await.expect(200);
    team.agents_are(&["a-run", "b-heartbeat", "c-ping"]).await;
    let answer = team.read("/v1/agents").await.expect(200).json();
    for agent in answer["agents"].as_array().unwrap() {
        let id = agent["id"].as_str().unwrap();
        assert!(id.starts_with(&format!("agt_{}_", target.region)) && id.len() == 39, "{id}");
    }
}

/// AP-54: the same slug in two teams is two agents.
#[tokio::test]
async fn a_slug_belongs_to_its_team() {
    let (target, one) = team().await;
    let two = Team::create(target.deployment(), Plan::UNLIMITED).await;
    for team in [&one, &two] {
        team.heartbeat(&json!({"agent": "same"})).await.expect(202);
        team.agents_are(&["same"]).await;
    }
    let id = async |team: &Team| team.read("/v1/agents").await.json()["agents"][0]["id"].clone();
    assert_ne!(id(&one).await, id(&two).await);
}

/// AP-54: events and a finish name no agent: nothing appears until the start does (our choice).
#[tokio::test]
async fn an_orphan_makes_no_agent() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.batch(&run, &[wire::log_event(&team.event_id())]).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
    assert_eq!(team.agents().await, Vec::<String>::new());
    team.start(&wire::start(&run, "late")).await.expect(202);
    team.agents_are(&["late"]).await;
}

/// AP-55: past the cap of the plan (10, 50, 100) a new agent is refused, and the old ones keep working.
#[tokio::test]
async fn the_cap_of_the_plan() {
    for (plan, cap) in [(Plan::Starter, 10), (Plan::Team, 50), (Plan::Business, 100)] {
        let (_target, team) = team_on(plan).await;
        for n in 0..cap {
            // Half of them by runs, half by heartbeats.
            if n % 2 == 0 {
                team.heartbeat(&json!({"agent": format!("agent-{n}")})).await.expect(202);
            } else {
                team.start(&wire::start(&team.run_id(), &format!("agent-{n}"))).await.expect(202);
            }
        }
        let one_more = json!({"agent": "one-more"});
        team.heartbeat(&one_more).await.refused(400, "agent_limit", Some("agent"));
        let start = wire::start(&team.run_id(), "one-more");
        team.start(&start).await.refused(400, "agent_limit", Some("agent"));
        let ping = team.ping(&[("agent", "one-more")]).await.expect(400);
        assert!(ping.text().starts_with("agent_limit "), "{ping}");
        for n in 0..cap {
            team.heartbeat(&json!({"agent": format!("agent-{n}")})).await.expect(202);
        }
        team.usage_is(2 * cap).await;
        eventually(READABLE, "as many agents are listed", async || match team.agents().await.len() as u64 {
            listed if listed == cap => Ok(()),
            listed => Err(format!("{listed} of {cap}")),
        })
        .await;
    }
}

/// AP-55: an enterprise team's cap is the agreed one; raising it holds within seconds.
#[tokio::test]
async fn an_agreed_cap() {
    let agreed = |agents| Plan::Enterprise(Agreed { agents: Some(agents), ..Agreed::default() });
    let (_target, team) = team_on(agreed(2)).await;
    for agent in ["a", "b"] {
        team.heartbeat(&json!({"agent": agent})).await.expect(202);
    }
    team.heartbeat(&json!({"agent": "c"})).await.refused(400, "agent_limit", Some("agent"));
    team.set_plan(agreed(3)).await;
    eventually(READABLE, "the raised cap holds", async || {
        let answer = team.heartbeat(&json!({"agent": "c"})).await;
        if answer.status == 202 { Ok(()) } else { Err(answer.to_string()) }
    })
    .await;
    team.heartbeat(&json!({"agent": "d"})).await.refused(400, "agent_limit", Some("agent"));
}

/// AP-55: a ping token's agent exists already, so it never meets the cap.
#[tokio::test]
async fn a_tokens_agent_exists() {
    let plan = Plan::Enterprise(Agreed { agents: Some(1), ..Agreed::default() });
    let (_target, team) = team_on(plan).await;
    let token = team.token("has-token").await;
    let call = team.bare("POST", "/v1/heartbeats").bearer(&token.token).json(&json!({"agent": "has-token"}));
    call.send().await.expect(202);
    team.heartbeat(&json!({"agent": "another"})).await.refused(400, "agent_limit", Some("agent"));
}

/// Our choice: misspelt agents hold slots; archived, they free them within seconds, and take one again when they report again. The
/// refusal names what is near and what is not used.
#[tokio::test]
async fn an_archived_agent_frees_its_slot() {
    let (_target, team) = team_on(Plan::Enterprise(Agreed { agents: Some(2), ..Agreed::default() })).await;
    for agent in ["nightly", "nigthly"] {
        team.heartbeat(&json!({"agent": agent})).await.expect(202);
    }
    team.agents_are(&["nightly", "nigthly"]).await;
    let answer = team.heartbeat(&json!({"agent": "nihgtly"})).await;
    let refused = answer.refused(400, "agent_limit", Some("agent"));
    for told in ["Near it: 'nightly', 'nigthly'.", "Longest unseen: 'nightly' (", "tidegate agents archive"] {
        assert!(refused.text().contains(told), "'{told}' is not in {refused}");
    }
    let counted = async || -> Vec<String> {
        let rows = team.deployment.manage(&["agents", "list", "--team", &team.id]).await;
        rows.as_array().unwrap().iter().map(|row| row["agent"].as_str().unwrap().to_owned()).collect()
    };
    let archive = async |agent: &str| {
        // Only what is stored can be archived.
        eventually(READABLE, &format!("{agent} is stored"), async || {
            let agents = counted().await;
            if agents.iter().any(|stored| stored == agent) { Ok(()) } else { Err(format!("{agents:?}")) }
        })
        .await;
        team.deployment.manage(&["agents", "archive", "--team", &team.id, agent]).await;
    };
    let is_taken = async |agent: &str| {
        eventually(READABLE, &format!("{agent} is taken"), async || {
            let answer = team.heartbeat(&json!({"agent": agent})).await;
            if answer.status == 202 { Ok(()) } else { Err(answer.to_string()) }
        })
        .await;
    };
    archive("nigthly").await;
    is_taken("hourly").await;
    team.heartbeat(&json!({"agent": "nigthly"})).await.refused(400, "agent_limit", Some("agent"));
    archive("hourly").await;
    is_taken("nigthly").await;
    team.heartbeat(&json!({"agent": "hourly"})).await.refused(400, "agent_limit", Some("agent"));
    eventually(READABLE, "the store counts the same", async || {
        let agents = counted().await;
        if agents == ["nightly", "nigthly"] { Ok(()) } else { Err(format!("{agents:?}")) }
    })
    .await;
}

/// Our choice: credentials of an archived team stop working within seconds, and work again when it is restored; its data stays.
#[tokio::test]
async fn an_archived_team_is_nobody_until_it_is_restored() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.start(&wire::start(&run, "nightly")).await.expect(202);
    team.agents_are(&["nightly"]).await;
    let answers = async |status: u16, what: &str| {
        eventually(READABLE, what, async || {
            let answer = team.heartbeat(&json!({"agent": "nightly"})).await;
            if answer.status == status { Ok(()) } else { Err(answer.to_string()) }
        })
        .await;
    };
    team.deployment.manage(&["teams", "archive", &team.id]).await;
    answers(401, "the key is refused").await;
    team.deployment.manage(&["teams", "restore", &team.id]).await;
    answers(202, "the key works again").await;
    team.read(&format!("/v1/runs/{run}")).await.expect(200);
}
