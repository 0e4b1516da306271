//! All connections are taken, and another client comes.

use std::time::Instant;

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A port of so many connections, of which none ends by itself.
fn patient(max_connections: usize) -> ServeOptions {
    let (header_read_timeout, keep_alive, idle) = (ENDLESS, ENDLESS, ENDLESS);
    ServeOptions { max_connections, header_read_timeout, keep_alive, idle, ..ServeOptions::default() }
}

#[tokio::test]
async fn who_waits_for_a_request_for_longest_gives_way_and_no_request_under_way_does() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let service = held(&entered, &gate).route("/quick", get(|| async { "quick" }));
    let port = Port::open(service, patient(3)).await;
    let busy = port.send(GET).await;
    entered.notified().await;
    let silent = TcpStream::connect(port.at).await.unwrap();
    let quick = GET.replace("/ ", "/quick ");
    let mut kept = port.send(&quick).await;
    assert!(read_head(&mut kept).await.starts_with("HTTP/1.1 200"));
    // The silent one is accepted by now. Who has waited for longer is known by the millisecond.
    let accepted = Instant::now();
    while accepted.elapsed() < Duration::from_millis(5) {
        tokio::task::yield_now().await;
    }
    kept.write_all(quick.as_bytes()).await.unwrap();
    assert!(read_head(&mut kept).await.contains("HTTP/1.1 200"));
    // There is no place for it, and it is served.
    let another = port.send("GET /quick HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(read_to_close(another).await.ends_with("quick"));
    assert_eq!(read_to_close(silent).await, "");
    gate.notify_one();
    let mut busy = busy;
    assert!(read_head(&mut busy).await.starts_with("HTTP/1.1 200"));
    let report = port.stop().await;
    assert_eq!((report.connections, report.gave_way, report.is_clean()), (4, 1, true));
}

#[tokio::test]
async fn a_header_that_is_never_finished_gives_way_too() {
    let port = Port::open(hello(), patient(1)).await;
    let half = port.send("GET / HTTP/1.1\r\nhost").await;
    let another = port.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(read_to_close(another).await.starts_with("HTTP/1.1 200"));
    assert_eq!(read_to_close(half).await, "");
    assert_eq!(port.stop().await.gave_way, 1);
}

#[tokio::test]
async fn where_nobody_waits_a_new_client_does() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let port = Port::open(held(&entered, &gate), ServeOptions { max_connections: 1, ..ServeOptions::default() }).await;
    let first = port.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    entered.notified().await;
    let second = port.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    gate.notify_one();
    assert!(read_to_close(first).await.ends_with("late but whole"));
    entered.notified().await;
    gate.notify_one();
    assert!(read_to_close(second).await.ends_with("late but whole"));
    assert_eq!(port.stop().await.gave_way, 0);
}
