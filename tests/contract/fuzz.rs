//! Random bytes and mutated bodies: never a fault of ours, and the server stays up.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tidegate_tests::{Answer, Team, wire};

use crate::team;

/// One strange request.
#[derive(Clone, Debug)]
enum Strange {
    /// A body that is anything.
    Bytes { to: usize, body: Vec<u8> },
    /// A valid body with some bytes replaced, removed or repeated.
    Mutated { to: usize, edits: Vec<(usize, Edit)> },
    /// A query string that is anything printable.
    Query(String),
    /// A credential that is anything printable.
    Credential(String),
}

#[derive(Clone, Debug)]
enum Edit {
    Replace(u8),
    Remove(usize),
    Repeat(usize),
    Insert(&'static str),
}

/// Pieces that parsers stumble over.
const PIECES: &[&str] = &[
    "\"",
    "{",
    "[",
    "}",
    "]",
    ",",
    ":",
    "null",
    "\\u0000",
    "\\ud800",
    "1e999",
    "-0",
    "18446744073709551616",
    "\u{feff}",
    "{\"a\":{\"a\":{\"a\":",
    "[[[[[[[[",
    "9999-99-99T99:99:99.999Z",
    "run_eu_",
    "éé",
];

fn strange() -> impl Strategy<Value = Strange> {
    let edit = prop_oneof![
        any::<u8>().prop_map(Edit::Replace),
        (1_usize..20).prop_map(Edit::Remove),
        (1_usize..40).prop_map(Edit::Repeat),
        proptest::sample::select(PIECES).prop_map(Edit::Insert),
    ];
    prop_oneof![
        2 => (0_usize..4, proptest::collection::vec(any::<u8>(), 0..400)).prop_map(|(to, body)| Strange::Bytes { to, body }),
        6 => (0_usize..4, proptest::collection::vec((any::<usize>(), edit), 1..6))
            .prop_map(|(to, edits)| Strange::Mutated { to, edits }),
        1 => "[ -~]{0,80}".prop_map(Strange::Query),
        1 => "[ -~]{0,60}".prop_map(Strange::Credential),
    ]
}

/// A valid request: path and body.
fn valid(team: &Team, to: usize) -> (String, String) {
    let run = team.run_id();
    let event = wire::llm_call(&team.event_id(), "acme", "m1", (100, 10, 5));
    let (path, body) = match to {
        0 => {
            let start = wire::with(wire::start(&run, "fuzz"), "metadata", json!({"k": "v"}));
            ("/v1/runs".to_owned(), wire::with(start, "idle_timeout_seconds", json!(900)))
        }
        1 => (format!("/v1/runs/{run}/events"), json!({"events": [event, wire::log_event(&team.event_id())]})),
        2 => {
            let finish = wire::with(wire::finish(), "scores", json!({"s": 0.5}));
            (format!("/v1/runs/{run}/finish"), wire::with(finish, "output", json!({"a": [1]})))
        }
        _ => ("/v1/heartbeats".to_owned(), json!({"id": run, "agent": "fuzz", "cost_usd": 0.084, "duration_ms": 5})),
    };
    (path, body.to_string())
}

fn mutate(body: &str, edits: &[(usize, Edit)]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for (at, edit) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = at % bytes.len();
        match edit {
            Edit::Replace(byte) => bytes[at] = *byte,
            Edit::Remove(count) => drop(bytes.drain(at..(at + count).min(bytes.len()))),
            Edit::Repeat(count) => {
                let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Edit::Insert(piece) => drop(bytes.splice(at..at, piece.bytes())),
        }
    }
    bytes
}

async fn send(team: &Team, strange: &Strange) -> Answer {
    let call = match strange {
        Strange::Bytes { to, body } => team.call("POST", &valid(team, *to).0).bytes(body.clone()),
        Strange::Mutated { to, edits } => {
            let (path, body) = valid(team, *to);
            team.call("POST", &path).bytes(mutate(&body, edits))
        }
        Strange::Query(query) => {
            // What a URL cannot hold never reaches a server.
            let query: String = query.chars().filter(|char| !" \"<>#`{}|\\^[]".contains(*char)).collect();
            team.bare("GET", &format!("/v1/ping?key={}&{query}", team.key))
        }
        Strange::Credential(credential) => {
            team.bare("POST", "/v1/heartbeats").bearer(credential).bytes(r#"{"agent":"a"}"#)
        }
    };
    call.send().await
}

/// AP-63: 300 random and mutated requests: 2xx or a refusal that is the caller's, in its form; and the server lives.
#[test]
fn strange_requests_are_the_callers_fault() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_target, team) = runtime.block_on(team());
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strange(), |strange| {
        let answer = runtime.block_on(send(&team, &strange));
        prop_assert!((200..300).contains(&answer.status) || (400..500).contains(&answer.status), "{}", answer);
        if answer.status >= 400
            && answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"))
        {
            prop_assert!(answer.json()["error"].is_string(), "{}", answer);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    runtime.block_on(async { team.heartbeat(&json!({"agent": "still-there"})).await.expect(202) });
}
