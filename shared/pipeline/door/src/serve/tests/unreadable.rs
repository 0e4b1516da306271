//! Requests whose head cannot be read.

use serde_json::Value;

use super::*;

/// The status and the envelope.
fn envelope(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole head: {answer:?}"));
    for header in
        ["content-type: application/json", "connection: close", "cache-control: no-store", "x-request-id: req_"]
    {
        assert!(head.contains(header), "{header}: {head}");
    }
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), serde_json::from_str(body).expect("an envelope"))
}

#[tokio::test]
async fn each_is_answered_with_the_envelope_and_counted() {
    let many = (0..120).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let cases = [
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), 431, "headers_too_large"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(300_000)), 431, "headers_too_large"),
        (format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000)), 414, "uri_too_long"),
        ("GET / HTTP/1.1\r\nhost : a\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("GET /a b HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n".to_owned(), 400, "invalid_request"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n".to_owned(), 400, "invalid_request"),
    ];
    let port = Port::open(hello(), ServeOptions::default()).await;
    for (request, status, code) in &cases {
        let shown: String = request.chars().take(40).collect();
        let (answered, body) = envelope(&read_to_close(port.send(request).await).await);
        assert_eq!((answered, body["error"].as_str()), (*status, Some(*code)), "{shown}");
        assert!(body["message"].as_str().is_some_and(|message| message.ends_with('.')), "{body}");
    }
    assert_eq!(port.stop().await.unreadable, cases.len() as u64);
}

#[tokio::test]
async fn a_good_request_before_it_has_its_own_answer() {
    let port = Port::open(hello(), ServeOptions::default()).await;
    let answers = read_to_close(port.send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/9\r\n\r\n").await).await;
    let second = answers.rfind("HTTP/1.1 ").unwrap();
    assert!(answers.starts_with("HTTP/1.1 200") && second > 0, "{answers}");
    assert_eq!(envelope(&answers[second..]).0, 400);
    assert_eq!(port.stop().await.unreadable, 1);
}

#[tokio::test]
async fn a_refusal_of_the_service_passes_as_it_is() {
    let port = Port::open(hello(), ServeOptions::default()).await;
    let answer = read_to_close(port.send("GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("error"), "{answer}");
    assert_eq!(port.stop().await.unreadable, 0);
}
