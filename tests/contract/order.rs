//! Any order, any repetition, one state.

use serde_json::{Value, json};
use tidegate_tests::{Team, wire};

use crate::team;

/// The four calls of a run.
#[derive(Clone)]
struct Story {
    run: String,
    calls: Vec<(&'static str, Value)>,
}

fn story(team: &Team) -> Story {
    let run = team.run_id();
    let event = |n: u64, data: Value| json!({"external_id": team.event_id(), "type": "log", "ts": format!("2026-05-15T14:32:0{n}.000Z"), "data": data});
    let call = json!({"external_id": team.event_id(), "type": "llm_call", "ts": "2026-05-15T14:32:04.000Z",
        "data": {"provider": "acme", "model": "m1", "input_tokens": 1_000_000}});
    let start = json!({
        "id": run, "agent": "any-order", "started_at": "2026-05-15T14:32:01.000Z", "customer_id": "c", "feature": "f",
        "metadata": {"from": "start", "kept": 1},
    });
    let finish = json!({
        "status": "failed", "finished_at": "2026-05-15T14:32:09.000Z", "output": {"n": 1}, "scores": {"s": 0.5},
        "metadata": {"from": "finish"},
    });
    let calls = vec![
        ("start", start),
        ("events", json!({"events": [event(2, json!({"n": 1})), event(3, json!({"status": "error"}))]})),
        ("events", json!({"events": [call]})),
        ("finish", finish),
    ];
    Story { run, calls }
}

async fn send(team: &Team, story: &Story, call: usize) -> u16 {
    let (kind, body) = &story.calls[call];
    let answer = match *kind {
        "start" => team.start(body).await,
        "events" => team.events(&story.run, body).await,
        _ => team.finish(&story.run, body).await,
    };
    answer.status
}

/// How the run ends up, without what differs from run to run: ids and receive times.
async fn outcome(team: &Team, story: &Story) -> Value {
    let mut stored = team.settled(&story.run).await;
    let members = stored.as_object_mut().unwrap();
    for varies in ["id", "received_at"] {
        members.remove(varies);
    }
    for event in stored["events"].as_array_mut().unwrap() {
        let members = event.as_object_mut().unwrap();
        members.remove("external_id");
        members.remove("received_at");
    }
    stored
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.len() <= 1 {
        return vec![items.to_vec()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(at);
        all.extend(permutations(&rest).into_iter().map(|rest| [&[*first][..], &rest].concat()));
    }
    all
}

/// AP-29: start, two batches and finish in each of their 24 orders end in one identical state.
#[tokio::test]
async fn every_order_ends_the_same() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    let mut first: Option<Value> = None;
    for order in permutations(&[0, 1, 2, 3]) {
        let story = story(&team);
        for call in &order {
            assert_eq!(send(&team, &story, *call).await, 202, "call {call} of {order:?}");
        }
        let ended = outcome(&team, &story).await;
        assert_eq!(
            (&ended["status"], &ended["cost_usd"], &ended["errored"]),
            (&json!("failed"), &json!(3), &json!(true))
        );
        assert_eq!(ended["metadata"], json!({"from": "finish", "kept": 1}));
        assert_eq!(first.get_or_insert_with(|| ended.clone()), &ended, "{order:?}");
    }
}

/// AP-29: repeats anywhere in between change nothing, and answer 200.
#[tokio::test]
async fn repeats_change_nothing() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    let mut first: Option<Value> = None;
    for order in permutations(&[0, 1, 2, 3]).into_iter().step_by(3) {
        let story = story(&team);
        let mut sent: Vec<usize> = Vec::new();
        for call in order {
            assert_eq!(send(&team, &story, call).await, 202);
            sent.push(call);
            for repeat in &sent {
                assert_eq!(send(&team, &story, *repeat).await, 200, "repeat of {repeat} after {sent:?}");
            }
        }
        let ended = outcome(&team, &story).await;
        assert_eq!(first.get_or_insert_with(|| ended.clone()), &ended, "{sent:?}");
    }
}

/// AP-29: a batch that is split and put together differently on retry ends the same.
#[tokio::test]
async fn rebatching_changes_nothing() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.start(&wire::start(&run, "any-order")).await.expect(202);
    let sent: Vec<Value> = (0..12).map(|_| wire::log_event(&team.event_id())).collect();
    for (from, to, status) in [(0, 4, 202), (2, 8, 202), (0, 8, 200), (7, 12, 202), (3, 5, 200), (0, 12, 200)] {
        let answer = team.batch(&run, &sent[from..to]).await;
        assert_eq!(answer.status, status, "{from}..{to}: {answer}");
    }
    let reversed: Vec<Value> = sent.iter().rev().cloned().collect();
    team.batch(&run, &reversed).await.expect(200);
    let settled = team.settled(&run).await;
    let mut stored: Vec<&str> =
        settled["events"].as_array().unwrap().iter().map(|event| event["external_id"].as_str().unwrap()).collect();
    let mut expected: Vec<&str> = sent.iter().map(|event| event["external_id"].as_str().unwrap()).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
    team.usage_is(14).await;
}

/// AP-29: the same calls at the same time from many clients end in one run, and each new thing counts once.
#[tokio::test]
async fn racing_clients_end_the_same() {
    let (_target, team) = team().await;
    let story = story(&team);
    let all = (0..8).flat_map(|_| 0..story.calls.len()).map(|call| send(&team, &story, call));
    let statuses = futures_util::future::join_all(all).await;
    assert!(statuses.iter().all(|status| [200, 202].contains(status)), "{statuses:?}");
    let ended = outcome(&team, &story).await;
    assert_eq!((&ended["status"], ended["events"].as_array().unwrap().len()), (&json!("failed"), 3));
    team.usage_is(6).await;
}
