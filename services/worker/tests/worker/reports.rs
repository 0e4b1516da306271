//! What reaches the server of what a command does.

use serde_json::json;

use crate::server::Server;
use crate::worker::Worker;

#[tokio::test]
async fn progress_and_result_reach_the_server() {
    let server = Server::start().await;
    let command = r#"
        echo '{"iterations":1,"verification":{"level":"L0","passed":false,"failures":["x"]}}'
        until [ -e "$DIR/go" ]; do sleep 0.02; done
        echo '{"status":"failed","iterations":4,"prUrl":"https://example.com/1","error":{"code":"MAX_ITERATIONS_REACHED","message":"enough"}}'
    "#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({"taskPrompt": "x"}));
    server.until("progress", |seen| !seen.progress.is_empty()).await;
    let verification = json!({"level": "L0", "passed": false, "failures": ["x"]});
    let progress = json!({"token": 1, "iterations": 1, "verification": verification});
    assert_eq!(server.seen().progress, [("run_1".to_owned(), progress)]);
    worker.allow("go");
    let error = json!({"code": "MAX_ITERATIONS_REACHED", "message": "enough"});
    let expected =
        json!({"token": 1, "status": "failed", "iterations": 4, "prUrl": "https://example.com/1", "error": error});
    assert_eq!(server.finish_of("run_1").await, expected);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_result_the_exit_code_decides() {
    let server = Server::start().await;
    // The work order says how to end.
    let worker = Worker::start(&server, r#"read -r how; eval "$(echo "$how" | tr -d '"')""#);
    let error = |code: i32| {
        json!({"code": "VERIFICATION_FAILED", "message": format!("the command ended with exit code {code}"),
            "details": {"exitCode": code}})
    };
    for (run, how, expected) in [
        ("run_0", "exit 0", json!({"token": 1, "status": "succeeded", "iterations": 1})),
        ("run_3", "exit 3", json!({"token": 1, "status": "failed", "iterations": 1, "error": error(3)})),
        ("run_9", "kill -9 $$", json!({"token": 1, "status": "failed", "iterations": 1, "error": error(137)})),
    ] {
        server.submit(run, json!(how));
        assert_eq!(server.finish_of(run).await, expected, "{how}");
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn much_progress_is_sent_as_its_latest() {
    let server = Server::start().await;
    let worker = Worker::start(&server, r#"for i in $(seq 500); do echo "{\"iterations\":$i}"; done"#);
    server.submit("run_1", json!({}));
    assert_eq!(server.finish_of("run_1").await["iterations"], 500);
    let sent: Vec<u64> = server.seen().progress.iter().map(|(_, body)| body["iterations"].as_u64().unwrap()).collect();
    assert!(sent.is_sorted() && sent.len() < 500, "{sent:?}");
    assert_eq!(sent.last(), Some(&500), "the last progress is sent before the end");
    worker.stop().await.unwrap();
}

/// Each has webhooks that follow from it.
#[tokio::test]
async fn every_verification_is_sent_in_its_order() {
    let server = Server::start().await;
    let command = r#"
        for i in 0 1 2 3; do echo "{\"iterations\":$i,\"verification\":{\"level\":\"L$i\",\"passed\":true}}"; done
        echo '{"iterations":7}'
    "#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    assert_eq!(server.finish_of("run_1").await["iterations"], 7);
    let progress = server.seen().progress.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>();
    let verified: Vec<_> = progress.iter().filter(|body| !body["verification"].is_null()).collect();
    let expected: Vec<_> = (0..4)
        .map(|i| json!({"token": 1, "iterations": i, "verification": {"level": format!("L{i}"), "passed": true}}))
        .collect();
    assert_eq!(verified, expected.iter().collect::<Vec<_>>());
    assert_eq!(progress.last(), Some(&json!({"token": 1, "iterations": 7})), "{progress:?}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_stated_failure_is_one_whatever_else_it_says() {
    let server = Server::start().await;
    let command = r#"
        for i in 1 2; do echo '{"status":"failed","reason":"x","prUrl":"https://example.com/1"}'; done
    "#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    let finish = server.finish_of("run_1").await;
    assert_eq!((&finish["status"], &finish["prUrl"]), (&json!("failed"), &json!("https://example.com/1")));
    let noted = worker.lines("they are ignored: reason");
    assert_eq!(noted.len(), 1, "it is noted once: {noted:?}");
    worker.stop().await.unwrap();
}

/// Each as a run that ends with exit code 0 and as one that does not.
#[tokio::test]
async fn a_line_of_a_log_with_a_status_is_not_how_a_run_ended() {
    let server = Server::start().await;
    let command = r#"
        case "$AGENTGATE_RUN_ID" in
            success_*) echo '{"level":"info","status":"succeeded","step":"lint"}' ;;
            failure_*) echo '{"level":"warn","status":"failed","step":"lint","error":"style"}' ;;
        esac
        case "$AGENTGATE_RUN_ID" in *_then_text_*) echo done ;; esac
        exit "${AGENTGATE_RUN_ID##*_}"
    "#;
    let worker = Worker::start(&server, command);
    let (exited, stated) = (json!("the command ended with exit code 1"), json!("style"));
    for (run, status, message) in [
        ("success_0", "succeeded", None),
        ("success_1", "failed", Some(&exited)),
        ("failure_0", "failed", Some(&stated)),
        ("failure_1", "failed", Some(&stated)),
        ("failure_then_text_0", "succeeded", None),
        ("failure_then_text_1", "failed", Some(&stated)),
    ] {
        server.submit(run, json!({}));
        let finish = server.finish_of(run).await;
        assert_eq!((&finish["status"], finish.pointer("/error/message")), (&json!(status), message), "{run}");
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_lease_is_renewed_while_a_command_is_silent() {
    let server = Server::start().await;
    server.set(|seen| seen.lease_s = 1);
    let worker = Worker::start(&server, r#"until [ -e "$DIR/go" ]; do sleep 0.02; done"#);
    server.submit("run_1", json!({}));
    server.until("renewals", |seen| seen.progress.len() >= 3).await;
    worker.allow("go");
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    assert!(server.seen().progress.iter().all(|(_, body)| *body == json!({"token": 1, "iterations": 0})));
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_result_that_the_server_refuses_becomes_a_failure() {
    let server = Server::start().await;
    server.set(|seen| seen.refused_status = Some("succeeded"));
    let worker = Worker::start(&server, r#"echo '{"status":"succeeded","prUrl":"no URL"}'"#);
    server.submit("run_1", json!({}));
    let finish = server.finish_of("run_1").await;
    assert_eq!((&finish["status"], &finish["error"]["code"]), (&json!("failed"), &json!("VERIFICATION_FAILED")));
    worker.stop().await.unwrap();
}
