//! A Redis that hangs, dies, refuses or is not there: the gate says it is down, at once when that is known, and
//! comes back by itself.

use std::task::{Context, Waker};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::{Gate, GateDown, Seed, Verdict};
use tidegate_redis::{RedisGate, RedisOptions, metrics as names};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::asking::{admitted, ask, ask_seeding, at_once, gate, new_team, outcome, run_born};
use crate::server::{DEADLINE, OwnRedis, options, wait_until};

/// Options of a gate that gives up soon.
fn impatient(url: String) -> RedisOptions {
    let soon = Duration::from_millis(100);
    RedisOptions { connect_timeout: soon, response_timeout: soon, ..options(url) }
}

async fn cause(gate: &RedisGate, team: TeamId) -> Option<String> {
    let answer = timeout(DEADLINE, ask_seeding(gate, ask(team, vec![]))).await;
    answer.expect("a hang is an error").err().map(|GateDown(cause)| cause.to_string())
}

async fn await_down(gate: &RedisGate, team: TeamId, said: &str) {
    wait_until(said, async || cause(gate, team).await.is_some_and(|cause| cause.contains(said))).await;
}

async fn await_up(gate: &RedisGate, team: TeamId) {
    wait_until("the gate is up", async || cause(gate, team).await.is_none()).await;
}

/// Known to be down: no question waits.
async fn await_refused_at_once(gate: &RedisGate, team: TeamId) {
    wait_until("the gate knows that it is down", async || {
        matches!(at_once(gate.admit(ask(team, vec![]))), Some(Err(_)))
    })
    .await;
}

/// A server of its own, a gate on it that is up, and a team that it knows.
async fn up(options: fn(String) -> RedisOptions) -> (OwnRedis, RedisGate, TeamId) {
    let redis = OwnRedis::start(&[]).await;
    let gate = gate(&options(redis.url()));
    let team = new_team();
    await_up(&gate, team).await;
    (redis, gate, team)
}

/// A server that takes connections and never says a word.
async fn silent_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    // It ends with the test's runtime.
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_never_answers_is_down() {
    let gate = gate(&impatient(silent_server().await));
    let team = new_team();
    let down = cause(&gate, team).await.unwrap();
    assert!(down.contains(" ms") || down.contains("timed out"), "{down}");
    await_refused_at_once(&gate, team).await;
}

#[tokio::test]
async fn only_so_many_wait_for_a_server() {
    const MOST: usize = 16_384;
    let gate = gate(&options(silent_server().await));
    let team = new_team();
    let mut waiting: Vec<_> = (0..=MOST).map(|_| gate.admit(ask(team, vec![]))).collect();
    let mut context = Context::from_waker(Waker::noop());
    let beyond = waiting.pop().unwrap();
    for question in &mut waiting {
        assert!(question.as_mut().poll(&mut context).is_pending(), "the first connection is under way");
    }
    let Some(Err(GateDown(cause))) = at_once(beyond) else { panic!("there is no room for it") };
    assert!(cause.contains("16384"), "{cause}");
}

#[tokio::test]
async fn a_confirmation_that_cannot_be_sent_is_dropped_and_counted() {
    let mut redis = OwnRedis::start(&[]).await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let gate = metrics::with_local_recorder(&recorder, || gate(&impatient(redis.url())));
    let team = new_team();
    // An answer may come too late for a gate that gives up so soon.
    let mut held = None;
    wait_until("a claim is held", async || {
        let claims = vec![crate::asking::claim(run_born(crate::asking::now()), 1)];
        held = ask_seeding(&gate, ask(team, claims)).await.ok().map(admitted);
        held.is_some()
    })
    .await;
    let (_, ticket) = held.unwrap();
    redis.kill();
    await_refused_at_once(&gate, team).await;
    gate.confirm(ticket).await;
    let counted = format!("{} 1", names::CONFIRMS_DROPPED);
    assert!(handle.render().lines().any(|line| line == counted), "{}", handle.render());
}

#[tokio::test]
async fn a_redis_that_hangs_is_down_until_it_goes_on() {
    let (redis, gate, team) = up(impatient).await;
    redis.pause();
    assert!(cause(&gate, team).await.is_some());
    await_refused_at_once(&gate, team).await;
    redis.resume();
    await_up(&gate, team).await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_found_out_without_a_question() {
    let (redis, gate, team) = up(impatient).await;
    redis.pause();
    await_refused_at_once(&gate, team).await;
    redis.resume();
    await_up(&gate, team).await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_at_the_start_is_found_when_it_comes() {
    let mut redis = OwnRedis::stopped(&[]);
    let gate = gate(&impatient(redis.url()));
    let team = new_team();
    assert!(cause(&gate, team).await.is_some());
    await_refused_at_once(&gate, team).await;
    redis.launch().await;
    await_up(&gate, team).await;
}

#[tokio::test]
async fn a_lost_connection_is_mended() {
    let (redis, gate, team) = up(options).await;
    redis.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    await_up(&gate, team).await;
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_left_until_it_takes_writes() {
    let (redis, gate, team) = up(options).await;
    // That port has no listener: the server stays without a master and refuses writes.
    redis.tell(&["REPLICAOF", "127.0.0.1", "1"]).await;
    await_down(&gate, team, "READONLY").await;
    await_refused_at_once(&gate, team).await;
    redis.tell(&["REPLICAOF", "NO", "ONE"]).await;
    await_up(&gate, team).await;
}

#[tokio::test]
async fn a_full_server_refuses_whole_calls_and_goes_on_when_there_is_room() {
    let (redis, gate, team) = up(options).await;
    redis.tell(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let run = run_born(crate::asking::now());
    let claiming = || ask(team, vec![crate::asking::claim(run, 1)]);
    let down = gate.admit(claiming()).await.unwrap_err();
    assert!(down.0.contains("OOM"), "{down}");
    redis.tell(&["CONFIG", "SET", "maxmemory", "0"]).await;
    await_up(&gate, team).await;
    let after = outcome(ask_seeding(&gate, claiming()).await.unwrap());
    assert_eq!(
        after,
        tidegate_agentping_ports::ClaimOutcome::New { store: tidegate_agentping_ports::StoreRead::NotNeeded },
        "nothing of it was taken"
    );
}

#[tokio::test]
async fn a_server_that_lost_the_script_is_given_it_again() {
    let (redis, gate, team) = up(options).await;
    redis.tell(&["SCRIPT", "FLUSH"]).await;
    let verdict = gate.admit(ask(team, vec![])).await;
    assert!(matches!(verdict, Ok(Verdict::Admitted { .. })), "{verdict:?}");
}

#[tokio::test]
async fn passwords_open_and_never_show() {
    let redis = OwnRedis::start(&["--requirepass", "s3cret"]).await;
    let with = |password: Option<&str>| {
        let mut options = impatient(redis.url());
        options.response_timeout = DEADLINE;
        options.connect_timeout = DEADLINE;
        options.password = password.map(str::to_owned);
        options
    };
    let team = new_team();
    let right = gate(&with(Some("s3cret")));
    right.seed(team, Seed::default()).await.unwrap();
    let in_url = RedisOptions { urls: vec![redis.url().replace("://", "://:s3cret@")], ..with(None) };
    gate(&in_url).seed(team, Seed::default()).await.unwrap();
    for wrong in [None, Some("wr0ng")] {
        let down = cause(&gate(&with(wrong)), team).await.expect("it is closed");
        assert!(!down.contains("s3cret") && !down.contains("wr0ng"), "{down}");
    }
}
