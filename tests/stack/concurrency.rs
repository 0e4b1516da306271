//! One id, sent by a hundred clients at once through all front doors.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tidegate_tests::team::{events, text};
use tidegate_tests::{Answer, Client, Team, eventually, wire};

use crate::team;

const CLIENTS: usize = 100;
const ROUNDS: usize = 5;
/// How long a client retries while it is answered `503`.
const GOES_ON: Duration = Duration::from_secs(60);

/// A hundred clients of the team, each with connections of its own.
fn crowd(team: &Team) -> Vec<Team> {
    (0..CLIENTS).map(|_| Team { client: Client::default(), ..team.clone() }).collect()
}

/// Each client's post of a body to a path; the doors take turns.
async fn at_once(crowd: &[Team], path: &str, body: impl Fn(usize) -> Value) -> Vec<Answer> {
    join_all(crowd.iter().enumerate().map(|(n, team)| team.call("POST", path).json(&body(n)).send())).await
}

fn statuses(answers: &[Answer]) -> BTreeSet<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

/// When those of this status were received, as the answers say.
fn of_status(answers: &[Answer], status: u16) -> BTreeSet<String> {
    answers.iter().filter(|answer| answer.status == status).map(|answer| text(&answer.json(), "received_at")).collect()
}

#[track_caller]
fn only_accepted_or_repeated(answers: &[Answer]) {
    let found = statuses(answers);
    assert!(found.is_subset(&BTreeSet::from([200, 202])), "{found:?}, such as {}", odd(answers, &[200, 202]));
    assert!(found.contains(&202), "one client was first");
}

fn odd(answers: &[Answer], usual: &[u16]) -> String {
    answers.iter().find(|answer| !usual.contains(&answer.status)).map_or_else(String::new, Answer::to_string)
}

/// One content from every client: one run, and nothing but 200 and 202.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_from_a_hundred_clients_is_one_run() {
    let (_target, team) = team().await;
    let crowd = crowd(&team);
    let mut runs = Vec::new();
    for _ in 0..ROUNDS {
        let run = team.run_id();
        let (start, event, finish) = (wire::start(&run, "same"), wire::log_event(&team.event_id()), wire::finish());
        let started = at_once(&crowd, "/v1/runs", |_| start.clone()).await;
        only_accepted_or_repeated(&started);
        for answer in &started {
            assert_eq!((&answer.json()["id"], &answer.json()["agent"]), (&start["id"], &start["agent"]));
        }
        let batch = json!({"events": [event]});
        only_accepted_or_repeated(&at_once(&crowd, &format!("/v1/runs/{run}/events"), |_| batch.clone()).await);
        only_accepted_or_repeated(&at_once(&crowd, &format!("/v1/runs/{run}/finish"), |_| finish.clone()).await);
        let settled = team.settled(&run).await;
        assert_eq!(events(&settled).len(), 1, "{settled}");
        assert_eq!(
            (&settled["status"], &settled["finished_at"], &settled["started_at"]),
            (&json!("success"), &finish["finished_at"], &start["started_at"])
        );
        // Several may have been accepted before the first was known to be safe. Which of them is the run's is settled
        // by their order on the log; whatever is answered or stored is of one of them.
        let accepted: BTreeSet<String> = of_status(&started, 202);
        assert!(accepted.contains(&text(&settled, "received_at")), "{settled} is of none of {accepted:?}");
        let repeated = of_status(&started, 200);
        assert!(repeated.is_subset(&accepted) && repeated.len() <= 1, "{repeated:?} told, {accepted:?} accepted");
        // And later requests are answered that it is known.
        team.start(&start).await.expect(200);
        team.events(&run, &batch).await.expect(200);
        team.finish(&run, &finish).await.expect(200);
        runs.push(run);
    }
    team.lists_exactly(&runs).await;
    // A start, an event, a finish and the sentinel of each.
    team.usage_is(4 * u64::try_from(runs.len()).unwrap()).await;
}

/// Two contents under one id, half of the clients each: one wins, all of its clients are answered so, and all of the
/// other's are answered that it conflicts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_contents_exactly_one_wins() {
    let (_target, team) = team().await;
    let crowd = crowd(&team);
    let agents = ["left", "right"];
    let mut runs = Vec::new();
    for _ in 0..ROUNDS {
        let run = team.run_id();
        let bodies = agents.map(|agent| wire::start(&run, agent));
        let bodies = [bodies[0].clone(), wire::with(bodies[1].clone(), "started_at", bodies[0]["started_at"].clone())];
        let answers = join_all(crowd.iter().enumerate().map(|(n, team)| definite(team, &bodies[n / 2 % 2]))).await;
        let of = |side: usize| answers.iter().enumerate().filter(move |(n, _)| n / 2 % 2 == side).map(|(_, one)| one);
        let told: [BTreeSet<u16>; 2] = [0, 1].map(|side| of(side).map(|answer| answer.status).collect());
        let winner = usize::from(!told[0].contains(&202));
        assert!(told[winner].contains(&202), "{told:?}: one client was first");
        assert!(told[winner].is_subset(&BTreeSet::from([200, 202])), "{told:?}: all of one side are right");
        assert_eq!(told[1 - winner], BTreeSet::from([409]), "{told:?}: and none of the other");
        for refused in of(1 - winner) {
            refused.clone().refused(409, "id_conflict", Some("agent"));
        }
        let stored = team.settled(&run).await;
        assert_eq!(text(&stored, "agent"), agents[winner]);
        runs.push(run);
    }
    team.lists_exactly(&runs).await;
}

/// One client's answer. `503` is no answer yet: while the other side's record is in flight, the outcome is not known.
async fn definite(team: &Team, body: &Value) -> Answer {
    eventually(GOES_ON, "a definite answer", async || match team.start(body).await {
        answer if answer.status == 503 => {
            assert!(answer.retry_after_s() >= 1, "{answer}");
            Err(answer.to_string())
        }
        answer => Ok(answer),
    })
    .await
}
