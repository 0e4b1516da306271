//! Clients with kept connections while the port drains.

use super::*;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A kept connection, and a port that has been asked to stop by now.
async fn kept_while_draining(options: ServeOptions) -> (TcpStream, SocketAddr, JoinHandle<ServeReport>) {
    let Port { at, stop, serving } = Port::open(hello(), options).await;
    let mut kept = TcpStream::connect(at).await.unwrap();
    kept.write_all(GET).await.unwrap();
    assert!(!read_head(&mut kept).await.contains("connection: close"));
    stop.send(()).unwrap();
    (kept, at, serving)
}

#[tokio::test]
async fn in_the_grace_a_kept_connection_gets_one_more_answer_which_says_that_it_is_the_last() {
    let options = ServeOptions { drain_grace: ENDLESS, drain_deadline: ENDLESS, ..ServeOptions::default() };
    let (mut kept, at, serving) = kept_while_draining(options).await;
    // New ones are still let in; by their answers it is seen that the stop has begun.
    let answer = loop {
        let mut new = TcpStream::connect(at).await.unwrap();
        new.write_all(GET).await.unwrap();
        let head = read_head(&mut new).await;
        if head.contains("connection: close") {
            break head + &read_to_close(new).await;
        }
    };
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!serving.is_finished());
    kept.write_all(GET).await.unwrap();
    let last = read_to_close(kept).await;
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("connection: close"), "{last}");
    // Without connections the grace period is over.
    assert!(serving.await.unwrap().is_clean());
}

#[tokio::test]
async fn a_kept_connection_that_sends_nothing_goes_with_the_grace() {
    let options = ServeOptions { drain_grace: SHORT, drain_deadline: ENDLESS, ..ServeOptions::default() };
    let (kept, _, serving) = kept_while_draining(options).await;
    assert_eq!(read_to_close(kept).await, "");
    assert!(serving.await.unwrap().is_clean());
}
