//! Serving, seen from raw sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::{ServeOptions, ServeReport, serve};

mod draining;
mod giving_way;
mod half_closed;
mod unreadable;

const SHORT: Duration = Duration::from_millis(50);
/// Longer than any test: whoever waits for it fails.
const ENDLESS: Duration = Duration::from_secs(3_600);

struct Port {
    at: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<ServeReport>,
}

impl Port {
    async fn open(service: Router, options: ServeOptions) -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        Port { at, stop, serving: tokio::spawn(serve(listener, service, options, shutdown)) }
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn stop(self) -> ServeReport {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap()
    }
}

/// All that the server sends until it closes. A reset is a close too.
async fn read_to_close(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "" }))
}

/// A service whose one route signals on `entered` that it has begun, and waits for `gate`.
fn held(entered: &Arc<Notify>, gate: &Arc<Notify>) -> Router {
    let (entered, gate) = (entered.clone(), gate.clone());
    let handler = move || {
        let (entered, gate) = (entered.clone(), gate.clone());
        async move {
            entered.notify_one();
            gate.notified().await;
            "late but whole"
        }
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let port = Port::open(hello(), ServeOptions::default()).await;
    let mut stream = port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(port.stop().await, ServeReport { connections: 1, ..ServeReport::default() });
}

#[tokio::test]
async fn a_half_sent_header_is_cut() {
    let options = ServeOptions { header_read_timeout: SHORT, ..ServeOptions::default() };
    let port = Port::open(hello(), options).await;
    let stream = port.send("GET / HTTP/1.1\r\nhost").await;
    assert_eq!(read_to_close(stream).await, "");
    assert!(port.stop().await.is_clean());
}

#[tokio::test]
async fn a_handler_may_take_longer_than_a_header() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let options = ServeOptions { header_read_timeout: SHORT, ..ServeOptions::default() };
    let port = Port::open(held(&entered, &gate), options).await;
    let busy = port.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    entered.notified().await;
    // This one is cut only after the other, which has waited for longer.
    assert_eq!(read_to_close(port.send("GET / HTTP/1.1\r\nhost").await).await, "");
    gate.notify_one();
    assert!(read_to_close(busy).await.ends_with("late but whole"));
    assert!(port.stop().await.is_clean());
}

#[tokio::test]
async fn a_body_that_stalls_is_cut() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counting = reached.clone();
    let service = Router::new().route(
        "/",
        post(move |_: Bytes| async move {
            counting.fetch_add(1, Ordering::SeqCst);
        }),
    );
    let port = Port::open(service, ServeOptions { idle: SHORT, ..ServeOptions::default() }).await;
    let stream = port.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc").await;
    let answer = read_to_close(stream).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    port.stop().await;
}

#[tokio::test]
async fn an_answer_nobody_reads_is_cut() {
    // More than the sockets' buffers hold.
    let service = Router::new().route("/", get(|| async { vec![b'x'; 64 << 20] }));
    let options = ServeOptions { idle: SHORT, drain_deadline: ENDLESS, ..ServeOptions::default() };
    let port = Port::open(service, options).await;
    let mut stream = port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
    // Nothing else than the idle limit ends this connection.
    assert_eq!(port.stop().await, ServeReport { connections: 1, ..ServeReport::default() });
}

#[tokio::test]
async fn no_more_connections_than_the_cap_are_served_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (now.clone(), most.clone());
    let handler = move || {
        let (inside, peak) = (inside.clone(), peak.clone());
        async move {
            peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            inside.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let service = Router::new().route("/", get(handler));
    let port = Port::open(service, ServeOptions { max_connections: 2, ..ServeOptions::default() }).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(port.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await);
    }
    for stream in streams {
        assert!(read_to_close(stream).await.starts_with("HTTP/1.1 200"));
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
    assert_eq!(port.stop().await.connections, 8);
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_end_and_idle_connections_go() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let options = ServeOptions { drain_deadline: ENDLESS, ..ServeOptions::default() };
    let port = Port::open(held(&entered, &gate), options).await;
    let idle = TcpStream::connect(port.at).await.unwrap();
    let busy = port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    entered.notified().await;
    port.stop.send(()).unwrap();
    assert_eq!(read_to_close(idle).await, "");
    gate.notify_one();
    assert!(read_to_close(busy).await.ends_with("late but whole"));
    assert!(port.serving.await.unwrap().is_clean());
}

#[tokio::test]
async fn what_outlasts_the_drain_deadline_is_cut_and_counted() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let port =
        Port::open(held(&entered, &gate), ServeOptions { drain_deadline: SHORT, ..ServeOptions::default() }).await;
    let busy = port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    entered.notified().await;
    let report = port.stop().await;
    assert_eq!((report.cut, report.is_clean()), (1, false));
    assert_eq!(read_to_close(busy).await, "");
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let service = hello().route(
        "/defect",
        get(|| async {
            if true {
                panic!("on purpose")
            }
        }),
    );
    let port = Port::open(service, ServeOptions::default()).await;
    assert_eq!(read_to_close(port.send("GET /defect HTTP/1.1\r\nhost: a\r\n\r\n").await).await, "");
    let mut stream = port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(port.stop().await.panicked, 1);
}
