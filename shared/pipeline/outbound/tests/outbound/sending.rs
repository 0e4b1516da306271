//! Receivers that behave.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_outbound::{SendError, Trust};

use crate::server::{LIMITS, Names, Server, Way, client, client_with, message};

const OK: Way = Way::Answer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");

#[tokio::test]
async fn a_message_is_sent_as_it_is_and_its_answer_is_read() {
    for (server, scheme) in [(Server::plain(OK).await, "http"), (Server::secure(OK).await, "https")] {
        let url = format!("{scheme}://127.0.0.1:{}/hook?a=b#c", server.port);
        let answer = client(&["127.0.0.0/8"]).send(&message(url)).await.unwrap();
        assert_eq!((answer.status, &answer.body[..], answer.is_cut), (200, &b"hello"[..], false));
        assert!(answer.is_success());
        let request = server.requests.lock().unwrap().pop().unwrap();
        assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("host: 127.0.0.1:{}\r\n", server.port)), "{request}");
        assert!(request.contains("x-a: b\r\n") && request.contains("content-length: 13\r\n"), "{request}");
        assert!(!request.contains("elsewhere"), "{request}");
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_certificate_is_of_the_name() {
    let server = Server::secure(OK).await;
    let send = async |name: &str| {
        let names = Names::new(&[&["127.0.0.1"]]);
        let client = client(&["127.0.0.1"]).with_resolver(names.clone());
        let sent = client.send(&message(format!("https://{name}:{}/", server.port))).await;
        assert_eq!(names.asked.load(Ordering::SeqCst), 1);
        sent.map(|answer| answer.status)
    };
    assert_eq!(send("receiver.test").await, Ok(200));
    assert_eq!(send("other.test").await, Err(SendError::Tls("the certificate is of another name".to_owned())));
}

#[tokio::test]
async fn an_authority_that_is_not_known_is_not_believed() {
    let server = Server::secure(OK).await;
    let client = client_with(&["127.0.0.1"], LIMITS, Trust::public());
    let sent = client.send(&message(format!("https://127.0.0.1:{}/", server.port))).await;
    assert_eq!(sent, Err(SendError::Tls("the certificate's issuer is not known".to_owned())));
    assert!(server.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_next_address_is_tried_if_one_takes_no_connection() {
    let server = Server::plain(OK).await;
    let names = Names::new(&[&["127.0.0.9", "127.0.0.1"]]);
    let client = client(&["127.0.0.0/8"]).with_resolver(names);
    assert_eq!(client.send(&message(format!("http://a.test:{}/", server.port))).await.unwrap().status, 200);
}

#[tokio::test]
async fn what_the_receiver_asks_for_is_passed_on() {
    let text = "HTTP/1.1 429 Slow\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n";
    let server = Server::plain(Way::Answer(text)).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let answer = client(&["127.0.0.1"]).send(&message(url)).await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (429, Some(Duration::from_secs(120))));
    assert!(!answer.is_success());
}
