//! The server goes away and comes back.

use serde_json::json;
use tokio::net::TcpSocket;

use crate::server::Server;
use crate::worker::{Worker, until};

#[tokio::test]
async fn a_worker_that_starts_before_the_server_waits_for_it() {
    // The port is reserved, and nothing listens on it yet.
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = reserved.local_addr().unwrap();
    let worker = Worker::with(&format!("http://{address}"), "true", |_| {});
    until("the outage is logged", || !worker.lines("is away").is_empty()).await;
    let server = Server::listen(reserved.listen(16).unwrap());
    server.submit("run_1", json!({}));
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    assert_eq!((worker.lines("is away").len(), worker.lines("answers again").len()), (1, 1));
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_run_outlasts_an_outage_and_is_reported_after_it() {
    let server = Server::start().await;
    let command = r#"echo started > "$DIR/started"; until [ -e "$DIR/go" ]; do sleep 0.02; done"#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    worker.file("started").await;
    server.set(|seen| seen.is_busy = true);
    worker.allow("go");
    server.until("the report is refused more than once", |seen| seen.shed >= 3).await;
    server.set(|seen| seen.is_busy = false);
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    until("it is logged", || worker.lines("answers again").len() == 1).await;
    assert_eq!(worker.lines("is away").len(), 1);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn verifications_that_do_not_reach_the_server_are_counted_in_the_log() {
    let server = Server::start().await;
    let command = r#"
        echo started > "$DIR/started"
        until [ -e "$DIR/go" ]; do sleep 0.02; done
        for i in 1 2 3; do echo "{\"iterations\":$i,\"verification\":{\"level\":\"L$i\",\"passed\":true}}"; done
    "#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    worker.file("started").await;
    server.set(|seen| seen.is_busy = true);
    worker.allow("go");
    until("it is logged", || !worker.lines("run_1 3 verifications were not sent").is_empty()).await;
    server.set(|seen| seen.is_busy = false);
    assert_eq!(server.finish_of("run_1").await["iterations"], 3);
    assert_eq!(worker.lines("verifications were not sent").len(), 1);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_server_that_is_away() {
    let server = Server::start().await;
    let worker = Worker::start(&server, r#"echo '{"status":"succeeded"}'; echo started > "$DIR/started"; sleep 1000"#);
    server.submit("run_1", json!({}));
    worker.file("started").await;
    server.set(|seen| seen.is_busy = true);
    worker.stop().await.unwrap();
    assert!(server.seen().finishes.is_empty());
}

#[tokio::test]
async fn a_key_may_be_unknown_for_a_moment() {
    let server = Server::start().await;
    server.set(|seen| seen.refuses_key = true);
    let worker = Worker::start(&server, "true");
    until("the refusal is logged", || worker.lines("refuses the worker key").len() == 1).await;
    server.set(|seen| seen.refuses_key = false);
    server.submit("run_1", json!({}));
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    worker.stop().await.unwrap();
}
