//! The image's own check: whether the role in the container is ready.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use crate::compose::root;

/// Whether `ready PORT` says yes.
pub fn says_yes(port: u16) -> bool {
    let script = root().join("deploy/image/ready");
    let status = Command::new(&script).arg(port.to_string()).output();
    status.unwrap_or_else(|error| panic!("{}: {error}", script.display())).status.success()
}

/// A server that answers one request like this; returns what it was asked.
fn asked_by_one(listener: TcpListener, answer: &'static str) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let (mut asked, mut part) = (Vec::new(), [0; 1024]);
        while !asked.ends_with(b"\r\n\r\n") {
            let read = connection.read(&mut part).expect("a request");
            assert!(read > 0, "half a request");
            asked.extend_from_slice(&part[..read]);
        }
        connection.write_all(answer.as_bytes()).expect("an answer");
        String::from_utf8(asked).expect("text")
    })
}

#[test]
fn only_200_is_ready() {
    let answers =
        [("HTTP/1.1 200 OK\r\n\r\n", true), ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false), ("\r\n", false)];
    for (answer, ready) in answers {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let server = asked_by_one(listener, answer);
        assert_eq!(says_yes(port), ready, "{answer:?}");
        assert!(server.join().expect("a server").starts_with("GET /readyz HTTP/1.1\r\n"));
    }
}

#[test]
fn nobody_is_not_ready() {
    // Bound and not listening: no other process can listen there meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    assert!(!says_yes(socket.local_addr().expect("its address").port()));
}
