//! Clients that close their sending side, or the whole connection, while their request is in progress.

use super::*;

/// Tells on drop.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A round trip on another connection: what was sent before it has arrived by then.
async fn round_trip(port: &Port) {
    let answer = read_to_close(port.send("GET /other HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn held_beside_another(entered: &Arc<Notify>, gate: &Arc<Notify>) -> Router {
    held(entered, gate).route("/other", get(|| async { "" }))
}

#[tokio::test]
async fn a_client_with_no_more_to_send_gets_its_answer() {
    for request in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let port = Port::open(held_beside_another(&entered, &gate), ServeOptions::default()).await;
        let mut stream = port.send(request).await;
        stream.shutdown().await.unwrap();
        entered.notified().await;
        round_trip(&port).await;
        gate.notify_one();
        let answer = read_to_close(stream).await;
        assert!(answer.contains(" 200 OK\r\n") && answer.ends_with("late but whole"), "{answer}");
        assert!(port.stop().await.is_clean());
    }
}

#[tokio::test]
async fn all_requests_sent_before_the_end_are_answered() {
    let echo = Router::new().route("/", post(|body: Bytes| async move { body }));
    let port = Port::open(echo, ServeOptions::default()).await;
    let request = |body: &str| format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut stream = port.send(&[request("one"), request("two"), request("three")].concat()).await;
    stream.shutdown().await.unwrap();
    let answers = read_to_close(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert!(answers.contains("one") && answers.contains("two") && answers.ends_with("three"), "{answers}");
    assert!(port.stop().await.is_clean());
}

#[tokio::test]
async fn a_body_that_ends_before_its_end_is_no_body() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counting = reached.clone();
    let handler = move |_: Bytes| async move {
        counting.fetch_add(1, Ordering::SeqCst);
    };
    let port = Port::open(Router::new().route("/", post(handler)), ServeOptions::default()).await;
    let mut stream = port.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc").await;
    stream.shutdown().await.unwrap();
    let answer = read_to_close(stream).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    port.stop().await;
}

#[tokio::test]
async fn a_client_that_resets_its_connection_is_not_worked_for_any_more() {
    let (entered, left) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (entering, leaving) = (entered.clone(), left.clone());
    let handler = move || {
        let (entering, leaving) = (entering.clone(), OnDrop(leaving.clone()));
        async move {
            entering.notify_one();
            std::future::pending::<()>().await;
            drop(leaving);
        }
    };
    let port = Port::open(Router::new().route("/", get(handler)), ServeOptions::default()).await;
    let stream = port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    entered.notified().await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    left.notified().await;
    // Had it been noticed at the drain deadline only, it would be counted.
    assert!(port.stop().await.is_clean());
}
