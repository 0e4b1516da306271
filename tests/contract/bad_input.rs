//! Malformed bodies over all endpoints: each gets its documented refusal, and none leaves anything behind.

use serde_json::json;
use tidegate_tests::team::{events, text};
use tidegate_tests::{Answer, Team, ids, wire};

use crate::team;

/// Where a bad body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Runs,
    Events,
    Finish,
    Heartbeats,
    Ping,
}

use To::{Events, Finish, Heartbeats, Ping, Runs};

/// One malformed request: body (for ping: what follows the key), status, code, field. `RUN`, `EVT` and `AT` stand
/// for a fresh run id, a fresh event id and an instant.
type Case = (To, &'static str, u16, &'static str, Option<&'static str>);

/// The table. JSON form first, then each endpoint's members in the contract's order.
const CASES: &[Case] = &[
    (Runs, r#""#, 400, "invalid_json", None),
    (Runs, r#"{"id":"RUN""#, 400, "invalid_json", None),
    (Runs, r#"[{"id":"RUN","agent":"a","started_at":"AT"}]"#, 400, "invalid_json", None),
    (Runs, r#""RUN""#, 400, "invalid_json", None),
    (Runs, r#"null"#, 400, "invalid_json", None),
    (Runs, r#"true"#, 400, "invalid_json", None),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT"}}"#, 400, "invalid_json", None),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT",}"#, 400, "invalid_json", None),
    (Runs, r#"{"id":"RUN","agent":"\q","started_at":"AT"}"#, 400, "invalid_json", Some("agent")),
    (Runs, r#"{"id":"RUN","agent":"\ud800","started_at":"AT"}"#, 400, "invalid_json", Some("agent")),
    (
        Runs,
        r#"{"id":"RUN","agent":"a","started_at":"AT","metadata":{"n":01}}"#,
        400,
        "invalid_json",
        Some("metadata.n"),
    ),
    (
        Runs,
        r#"{"id":"RUN","agent":"a","started_at":"AT","metadata":{"n":NaN}}"#,
        400,
        "invalid_json",
        Some("metadata.n"),
    ),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT"} // done"#, 400, "invalid_json", None),
    (Runs, r#"id=RUN&agent=a"#, 400, "invalid_json", None),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","agnet":"a"}"#, 400, "unknown_field", Some("agnet")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","status":"running"}"#, 400, "unknown_field", Some("status")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","ID":"RUN"}"#, 400, "unknown_field", Some("ID")),
    (Runs, r#"{}"#, 400, "missing_field", Some("id")),
    (Runs, r#"{"agent":"a","started_at":"AT"}"#, 400, "missing_field", Some("id")),
    (Runs, r#"{"id":null,"agent":"a","started_at":"AT"}"#, 400, "missing_field", Some("id")),
    (Runs, r#"{"id":"","agent":"a","started_at":"AT"}"#, 400, "missing_field", Some("id")),
    (Runs, r#"{"id":"RUN","started_at":"AT"}"#, 400, "missing_field", Some("agent")),
    (Runs, r#"{"id":"RUN","agent":"","started_at":"AT"}"#, 400, "missing_field", Some("agent")),
    (Runs, r#"{"id":"RUN","agent":"a"}"#, 400, "missing_field", Some("started_at")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":null}"#, 400, "missing_field", Some("started_at")),
    (Runs, r#"{"id":"run_eu_1","agent":"a","started_at":"AT"}"#, 400, "invalid_id", Some("id")),
    (Runs, r#"{"id":"EVT","agent":"a","started_at":"AT"}"#, 400, "invalid_id", Some("id")),
    (Runs, r#"{"id":7,"agent":"a","started_at":"AT"}"#, 400, "invalid_field", Some("id")),
    (Runs, r#"{"id":{},"agent":"a","started_at":"AT"}"#, 400, "invalid_field", Some("id")),
    (Runs, r#"{"id":"RUN","agent":["a"],"started_at":"AT"}"#, 400, "invalid_field", Some("agent")),
    (Runs, r#"{"id":"RUN","agent":"a\u0000b","started_at":"AT"}"#, 400, "invalid_field", Some("agent")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"soon"}"#, 400, "invalid_field", Some("started_at")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":1747319521}"#, 400, "invalid_field", Some("started_at")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","customer_id":1}"#, 400, "invalid_field", Some("customer_id")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","feature":{}}"#, 400, "invalid_field", Some("feature")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","metadata":"x"}"#, 400, "invalid_field", Some("metadata")),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","metadata":[1]}"#, 400, "invalid_field", Some("metadata")),
    (
        Runs,
        r#"{"id":"RUN","agent":"a","started_at":"AT","parent_run_id":7}"#,
        400,
        "invalid_field",
        Some("parent_run_id"),
    ),
    (Runs, r#"{"id":"RUN","agent":"a","started_at":"AT","goal":true}"#, 400, "invalid_field", Some("goal")),
    (
        Runs,
        r#"{"id":"RUN","agent":"a","started_at":"AT","idle_timeout_seconds":59}"#,
        400,
        "invalid_field",
        Some("idle_timeout_seconds"),
    ),
    (
        Runs,
        r#"{"id":"RUN","agent":"a","started_at":"AT","idle_timeout_seconds":"60"}"#,
        400,
        "invalid_field",
        Some("idle_timeout_seconds"),
    ),
    (
        Runs,
        r#"{"id":"RUN","agent":"a","started_at":"AT","idle_timeout_seconds":60,"idle_timeout_status":"x"}"#,
        400,
        "invalid_field",
        Some("idle_timeout_status"),
    ),
    (Events, r#""#, 400, "invalid_json", None),
    (Events, r#"[]"#, 400, "invalid_json", None),
    (Events, r#"{"events":[}"#, 400, "invalid_json", Some("events[0]")),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":{"a":}}]}"#,
        400,
        "invalid_json",
        Some("events[0].data.a"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":{}}],"run_id":"RUN"}"#,
        400,
        "unknown_field",
        Some("run_id"),
    ),
    (Events, r#"{"event":[]}"#, 400, "unknown_field", Some("event")),
    (Events, r#"{}"#, 400, "missing_field", Some("events")),
    (Events, r#"{"events":null}"#, 400, "missing_field", Some("events")),
    (Events, r#"{"events":{}}"#, 400, "invalid_field", Some("events")),
    (Events, r#"{"events":[]}"#, 400, "invalid_field", Some("events")),
    (Events, r#"{"events":["EVT"]}"#, 400, "invalid_field", Some("events[0]")),
    (Events, r#"{"events":[null]}"#, 400, "invalid_field", Some("events[0]")),
    (Events, r#"{"events":[{}]}"#, 400, "missing_field", Some("events[0].external_id")),
    (Events, r#"{"events":[{"external_id":"EVT","ts":"AT","data":{}}]}"#, 400, "missing_field", Some("events[0].type")),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","data":{}}]}"#,
        400,
        "missing_field",
        Some("events[0].ts"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT"}]}"#,
        400,
        "missing_field",
        Some("events[0].data"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":null}]}"#,
        400,
        "missing_field",
        Some("events[0].data"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"RUN","type":"log","ts":"AT","data":{}}]}"#,
        400,
        "invalid_id",
        Some("events[0].external_id"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":7,"type":"log","ts":"AT","data":{}}]}"#,
        400,
        "invalid_field",
        Some("events[0].external_id"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"Log!","ts":"AT","data":{}}]}"#,
        400,
        "invalid_field",
        Some("events[0].type"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"never","data":{}}]}"#,
        400,
        "invalid_field",
        Some("events[0].ts"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":7}]}"#,
        400,
        "invalid_field",
        Some("events[0].data"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":[{}]}]}"#,
        400,
        "invalid_field",
        Some("events[0].data"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":{},"turn":"1"}]}"#,
        400,
        "invalid_field",
        Some("events[0].turn"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"log","ts":"AT","data":{},"run":"RUN"}]}"#,
        400,
        "unknown_field",
        Some("events[0].run"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"llm_call","ts":"AT","data":{"provider":"a","model":"m","input_tokens":-1}}]}"#,
        400,
        "invalid_field",
        Some("events[0].data.input_tokens"),
    ),
    (
        Events,
        r#"{"events":[{"external_id":"EVT","type":"llm_call","ts":"AT","data":{"provider":"a","model":"m","output_tokens":0.5}}]}"#,
        400,
        "invalid_field",
        Some("events[0].data.output_tokens"),
    ),
    (Finish, r#""#, 400, "invalid_json", None),
    (Finish, r#"{"status":"success""#, 400, "invalid_json", None),
    (Finish, r#"[]"#, 400, "invalid_json", None),
    (Finish, r#"{"status":"success","error":"x"}"#, 400, "unknown_field", Some("error")),
    (Finish, r#"{"id":"RUN","status":"success"}"#, 400, "unknown_field", Some("id")),
    (Finish, r#"{}"#, 400, "missing_field", Some("status")),
    (Finish, r#"{"status":null}"#, 400, "missing_field", Some("status")),
    (Finish, r#"{"status":"running"}"#, 400, "invalid_field", Some("status")),
    (Finish, r#"{"status":"done"}"#, 400, "invalid_field", Some("status")),
    (Finish, r#"{"status":{}}"#, 400, "invalid_field", Some("status")),
    (Finish, r#"{"status":"success","finished_at":"later"}"#, 400, "invalid_field", Some("finished_at")),
    (Finish, r#"{"status":"success","finished_at":12}"#, 400, "invalid_field", Some("finished_at")),
    (Finish, r#"{"status":"success","scores":"high"}"#, 400, "invalid_field", Some("scores")),
    (Finish, r#"{"status":"success","metadata":{"a":{}}}"#, 400, "invalid_field", Some("metadata")),
    (Heartbeats, r#""#, 400, "invalid_json", None),
    (Heartbeats, r#"{agent:"a"}"#, 400, "invalid_json", None),
    (Heartbeats, r#"["a"]"#, 400, "invalid_json", None),
    (Heartbeats, r#"{"agent":"a","key":"x"}"#, 400, "unknown_field", Some("key")),
    (Heartbeats, r#"{}"#, 400, "missing_field", Some("agent")),
    (Heartbeats, r#"{"agent":""}"#, 400, "missing_field", Some("agent")),
    (Heartbeats, r#"{"agent":7}"#, 400, "invalid_field", Some("agent")),
    (Heartbeats, r#"{"agent":"a","id":"x"}"#, 400, "invalid_id", Some("id")),
    (Heartbeats, r#"{"agent":"a","id":7}"#, 400, "invalid_field", Some("id")),
    (Heartbeats, r#"{"agent":"a","status":"bogus"}"#, 400, "invalid_field", Some("status")),
    (Heartbeats, r#"{"agent":"a","started_at":"x"}"#, 400, "invalid_field", Some("started_at")),
    (Heartbeats, r#"{"agent":"a","finished_at":[]}"#, 400, "invalid_field", Some("finished_at")),
    (Heartbeats, r#"{"agent":"a","cost_usd":-1}"#, 400, "invalid_field", Some("cost_usd")),
    (Heartbeats, r#"{"agent":"a","cost_usd":"1"}"#, 400, "invalid_field", Some("cost_usd")),
    (Heartbeats, r#"{"agent":"a","cost_usd":1000000001}"#, 400, "invalid_field", Some("cost_usd")),
    (Heartbeats, r#"{"agent":"a","duration_ms":-1}"#, 400, "invalid_field", Some("duration_ms")),
    (Heartbeats, r#"{"agent":"a","duration_ms":0.5}"#, 400, "invalid_field", Some("duration_ms")),
    (Heartbeats, r#"{"agent":"a","duration_ms":99999999999999999999}"#, 400, "invalid_field", Some("duration_ms")),
    (Heartbeats, r#"{"agent":"a","metadata":7}"#, 400, "invalid_field", Some("metadata")),
    (Heartbeats, r#"{"agent":"a","customer_id":{}}"#, 400, "invalid_field", Some("customer_id")),
    (Heartbeats, r#"{"agent":"a","feature":1}"#, 400, "invalid_field", Some("feature")),
    (Heartbeats, r#"{"agent":"a","input_tokens":-1}"#, 400, "invalid_field", Some("input_tokens")),
    (Heartbeats, r#"{"agent":"a","output_tokens":"1"}"#, 400, "invalid_field", Some("output_tokens")),
    (Ping, "", 400, "missing_field", None),
    (Ping, "&agent=", 400, "missing_field", None),
    (Ping, "&agent=a&status=up", 400, "invalid_field", None),
    (Ping, "&agent=a&cost_usd=free", 400, "invalid_field", None),
    (Ping, "&agent=a&cost_usd=-0.01", 400, "invalid_field", None),
    (Ping, "&agent=a&duration_ms=-1", 400, "invalid_field", None),
    (Ping, "&agent=a&duration_ms=1s", 400, "invalid_field", None),
    (Ping, "&agent=a&id=run_eu_1", 400, "invalid_id", None),
    (Ping, "&agent=a%00b", 400, "invalid_field", None),
];

/// Sends one case, on a run id of its own, and returns that id and the answer.
async fn send(team: &Team, case: &Case) -> (String, Answer) {
    let run = team.run_id();
    let body = case.1.replace("RUN", &run).replace("EVT", &team.event_id()).replace("AT", "2026-05-15T14:32:01.123Z");
    let post = |path: String| team.call("POST", &path).bytes(body.clone()).send();
    let answer = match case.0 {
        Runs => post("/v1/runs".to_owned()).await,
        Events => post(format!("/v1/runs/{run}/events")).await,
        Finish => post(format!("/v1/runs/{run}/finish")).await,
        Heartbeats => post("/v1/heartbeats".to_owned()).await,
        Ping => team.bare("GET", &format!("/v1/ping?key={}{body}", team.key)).send().await,
    };
    (run, answer)
}

/// AP-11, AP-17, AP-63: each of the table's requests gets its refusal, and nothing of it is stored or counted.
#[tokio::test]
async fn bad_bodies_are_refused_and_leave_nothing() {
    assert!(CASES.len() >= 80, "{} cases", CASES.len());
    let (_target, team) = team().await;
    let mut runs = Vec::new();
    for case in CASES {
        let (to, body, status, code, field) = *case;
        let (run, answer) = send(&team, case).await;
        let told = if to == Ping {
            (answer.status, answer.header("x-agentping-error").unwrap_or_default().to_owned(), None)
        } else {
            let said = answer.json();
            let field = said.get("field").map(|_| text(&said, "field"));
            (answer.status, text(&said, "error"), field)
        };
        let expected = (status, code.to_owned(), field.map(str::to_owned));
        assert_eq!(told, expected, "{to:?} {body}\n{answer}");
        if to != Ping {
            answer.refused(status, code, field);
        }
        if [Runs, Events, Finish].contains(&to) {
            runs.push(run);
        }
    }
    // The sentinels: had anything of a run been taken in, its start would be a repeat, or it would show.
    for run in &runs {
        let answer = team.start(&wire::start(run, "sentinel")).await.expect(202);
        assert_eq!(answer.json()["status"], "running", "a finish was taken: {answer}");
    }
    for run in &runs {
        let settled = team.settled(run).await;
        assert!(events(&settled).is_empty() && settled["status"] == "running", "{settled}");
    }
    team.lists_exactly(&runs).await;
    team.usage_is(2 * u64::try_from(runs.len()).unwrap()).await;
    team.agents_are(&["sentinel"]).await;
}

/// AP-63: a credential in any odd form is refused in order, and never echoed.
#[tokio::test]
async fn odd_credentials() {
    let (target, team) = team().await;
    let long = "a".repeat(4_000);
    let hex = &ids::fresh("apk", &target.region)[7..];
    let odd = [
        long.clone(),
        format!("apk_{}_{}", target.region, "g".repeat(32)),
        format!("apk__{hex}"),
        "\u{fffd}".to_owned(),
    ];
    for credential in &odd {
        let answer = team.bare("GET", &format!("/v1/ping?agent=a&key={}", tidegate_tests::client::encode(credential)));
        let answer = answer.send().await.expect(401);
        assert!(!answer.text().contains(credential.as_str()), "{answer}");
    }
    team.heartbeat(&json!({"agent": "a"})).await.expect(202);
    team.usage_is(1).await;
}
