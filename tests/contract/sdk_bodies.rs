//! The bodies that AgentPing's two SDKs send, member for member, with their headers.

use serde_json::{Value, json};
use tidegate_tests::{Answer, Team};

use crate::team;

/// An SDK: what it calls itself.
#[derive(Clone, Copy)]
struct Sdk(&'static str);

const TYPESCRIPT: Sdk = Sdk("agentping-ts/0.1");
const LARAVEL: Sdk = Sdk("agentping-laravel/0.1.0");

impl Sdk {
    async fn post(self, team: &Team, path: &str, body: &str) -> Answer {
        team.call("POST", path)
            .header("User-Agent", self.0)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .bytes(body)
            .send()
            .await
    }
}

/// AP-68: a run as the TypeScript SDK sends it: start, a batch, finish.
#[tokio::test]
async fn the_typescript_sdk() {
    let (_target, team) = team().await;
    let (run, parent) = (team.run_id(), team.run_id());
    let start = format!(
        r#"{{"id":"{run}","agent":"support-bot","started_at":"2026-05-15T14:32:01.123Z","customer_id":"cus_1","feature":"chat","metadata":{{"plan":"pro"}},"parent_run_id":"{parent}","goal":"Resolve the ticket","idle_timeout_seconds":900,"idle_timeout_status":"success"}}"#
    );
    TYPESCRIPT.post(&team, "/v1/runs", &start).await.expect(202);
    let [call, tool, log, step, error, empty] = std::array::from_fn(|_| team.event_id());
    let events = format!(
        concat!(
            r#"{{"events":[{{"external_id":"{}","type":"llm_call","ts":"2026-05-15T14:32:02.000Z","data":{{"provider":"anthropic","model":"claude-sonnet-4-5","input_tokens":1200,"output_tokens":80,"cached_input_tokens":400,"cache_creation_input_tokens":100,"reasoning_tokens":20,"latency_ms":812,"finish_reason":"end_turn","tool_calls":1,"stream":true,"mode":"batch"}},"turn":1}},"#,
            r#"{{"external_id":"{}","type":"tool_call","ts":"2026-05-15T14:32:03.000Z","data":{{"tool":"search","status":"success","tool_invocation_id":"toolu_1","latency_ms":40,"input":"{{\"q\":\"refund\"}}","output":"[1,2]..."}}}},"#,
            r#"{{"external_id":"{}","type":"log","ts":"2026-05-15T14:32:04.000Z","data":{{"message":"looked it up"}}}},"#,
            r#"{{"external_id":"{}","type":"step","ts":"2026-05-15T14:32:05.000Z","data":{{"kind":"handoff","from":"triage","to":"billing"}}}},"#,
            r#"{{"external_id":"{}","type":"error","ts":"2026-05-15T14:32:06.000Z","data":{{"message":"socket hang up","exception":"Error"}}}},"#,
            r#"{{"external_id":"{}","type":"decision","ts":"2026-05-15T14:32:07.000Z","data":{{}}}}]}}"#
        ),
        call, tool, log, step, error, empty
    );
    let path = format!("/v1/runs/{run}/events");
    TYPESCRIPT.post(&team, &path, &events).await.expect(202);
    TYPESCRIPT.post(&team, &path, &events).await.expect(200);
    let finish = r#"{"status":"success","finished_at":"2026-05-15T14:32:13.300Z","output":{"answer":"done"},"scores":{"helpfulness":0.9},"metadata":{"turns":1}}"#;
    TYPESCRIPT.post(&team, &format!("/v1/runs/{run}/finish"), finish).await.expect(202);
    let stored = team.closed_run(&run).await;
    assert_eq!(stored["events"].as_array().unwrap().len(), 6);
    assert_eq!((&stored["status"], &stored["duration_ms"]), (&json!("success"), &json!(12_177)));
    assert_eq!(stored["metadata"], json!({"plan": "pro", "turns": 1}));
}

/// AP-68: a run as the Laravel SDK sends it: empty maps are `[]`, one event a call, `error` as a finish.
#[tokio::test]
async fn the_laravel_sdk() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = format!(
        r#"{{"id":"{run}","agent":"ai-agent","started_at":"2026-05-15T14:32:01.123Z","customer_id":null,"feature":null,"metadata":[],"parent_run_id":null}}"#
    );
    LARAVEL.post(&team, "/v1/runs", &start).await.expect(202);
    let datas = [
        (
            "llm_call",
            r#"{"provider":"openai","model":"gpt-4o-mini","input_tokens":100,"output_tokens":10,"latency_ms":300,"kind":"embedding","step":1,"final":true}"#,
        ),
        (
            "llm_call",
            r#"{"provider":"openai","model":"gpt-4o-mini","status":"error","error":"rate limited","exception":"RateLimitedException"}"#,
        ),
        (
            "tool_call",
            r#"{"tool":"App\\Tools\\Search","status":"error","error":"no route","exception":"RuntimeException","latency_ms":3}"#,
        ),
        (
            "step",
            r#"{"kind":"provider_failover","provider":"openai","model":"gpt-4o","reason":"overloaded","exception":"OverloadedException"}"#,
        ),
        ("step", r#"{"kind":"agent","agent":"App\\Agents\\Writer","latency_ms":1200}"#),
        ("error", r#"{"error":"gave up","exception":"Exception","latency_ms":5}"#),
        ("log", "[]"),
    ];
    let path = format!("/v1/runs/{run}/events");
    for (kind, data) in datas {
        let id = team.event_id();
        let body = format!(
            r#"{{"events":[{{"external_id":"{id}","type":"{kind}","ts":"2026-05-15T14:32:02.000Z","data":{data}}}]}}"#
        );
        LARAVEL.post(&team, &path, &body).await.expect(202);
    }
    let finish = r#"{"status":"error","finished_at":"2026-05-15T14:32:13.300Z","output":[],"scores":[]}"#;
    LARAVEL.post(&team, &format!("/v1/runs/{run}/finish"), finish).await.expect(202);
    let stored = team.closed_run(&run).await;
    assert_eq!(stored["events"].as_array().unwrap().len(), datas.len());
    assert_eq!((&stored["status"], &stored["errored"]), (&json!("failed"), &json!(true)));
}

/// AP-68: the heartbeat helpers of both: always id and both times, never a duration; `failed` for `fail`.
#[tokio::test]
async fn the_heartbeat_helpers() {
    let (_target, team) = team().await;
    for (sdk, status, echoed) in [(TYPESCRIPT, "failed", "fail"), (LARAVEL, "fail", "fail"), (TYPESCRIPT, "ok", "ok")] {
        let run = team.run_id();
        let body = format!(
            r#"{{"id":"{run}","agent":"nightly","status":"{status}","started_at":"2026-05-15T14:32:01.000Z","finished_at":"2026-05-15T14:32:13.300Z","cost_usd":0.084,"customer_id":"cus_1","feature":"digest","input_tokens":1200,"output_tokens":80,"metadata":{{"rows":7}}}}"#
        );
        let answer = sdk.post(&team, "/v1/heartbeats", &body).await.expect(202);
        let said: Value = answer.json();
        assert_eq!((&said["status"], &said["duration_ms"]), (&json!(echoed), &json!(12_300)));
        assert_eq!(answer.raw("cost_usd").as_deref(), Some("0.084"));
        sdk.post(&team, "/v1/heartbeats", &body).await.expect(200);
    }
}

/// AP-68: the published curl lines: a ping with a key in the URL, a heartbeat with a Bearer header.
#[tokio::test]
async fn the_curl_lines() {
    let (_target, team) = team().await;
    let token = team.token("daily-summary").await;
    let line = format!("/v1/ping?key={}&agent=daily-summary&cost_usd=0.084&duration_ms=12300", token.token);
    let answer = team.bare("GET", &line).header("User-Agent", "curl/8.7.1").header("Accept", "*/*").send().await;
    assert_eq!(answer.expect(200).text(), "OK\n");
    let call = team.bare("POST", "/v1/heartbeats").bearer(&token.token).header("User-Agent", "curl/8.7.1");
    let body = r#"{"agent":"daily-summary","status":"ok","cost_usd":0.084,"duration_ms":12300}"#;
    call.header("Content-Type", "application/json").bytes(body).send().await.expect(202);
}
