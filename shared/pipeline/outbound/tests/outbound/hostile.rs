//! Receivers that do not behave, and names that lead where they should not.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_outbound::{AddressRule, SendError, SendLimits, Trust, UrlRule};

use crate::server::{CA, LIMITS, Names, NoNames, Server, Way, client, client_with, message};

const LOCAL: &[&str] = &["127.0.0.1"];

/// AC-59: of a name that is public when it is judged and private when it is asked again.
#[tokio::test]
async fn a_rebinding_name_has_nothing_to_gain() {
    let server = Server::plain(Way::Answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let url = format!("http://rebinding.test:{}/", server.port);
    let names = Names::new(&[LOCAL, &["127.0.0.2"]]);
    let client = client(LOCAL).with_resolver(names.clone());
    // The address that was judged is the one that is connected to.
    assert_eq!(client.send(&message(url.clone())).await.map(|answer| answer.status), Ok(200));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert_eq!(client.send(&message(url)).await, Err(SendError::Address(AddressRule::Loopback)));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

/// AC-59: one address that is not allowed is enough.
#[tokio::test]
async fn a_name_with_a_private_address_is_refused_whole() {
    let server = Server::plain(Way::Hang).await;
    let port = server.port;
    for (addresses, rule) in [
        (&["127.0.0.1", "10.0.0.1"][..], AddressRule::Private),
        (&["fd00::1", "127.0.0.1"][..], AddressRule::UniqueLocal),
        (&["::ffff:127.0.0.1"][..], AddressRule::EmbeddedV4),
        (&["169.254.169.254"][..], AddressRule::Metadata),
    ] {
        let client = client(LOCAL).with_resolver(Names::new(&[addresses]));
        let sent = client.send(&message(format!("http://a.test:{port}/"))).await;
        assert_eq!(sent, Err(SendError::Address(rule)));
        let text = sent.unwrap_err().to_string();
        assert!(!addresses.iter().any(|address| text.contains(address)), "{text}");
    }
    let nowhere = client(LOCAL).with_resolver(Names::new(&[&[]]));
    assert_eq!(nowhere.send(&message("http://a.test/".to_owned())).await, Err(SendError::Unresolved));
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

/// AC-57: no redirect is followed.
#[tokio::test]
async fn a_redirect_is_an_answer() {
    let way = Way::Answer("HTTP/1.1 307 There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    let server = Server::plain(way).await;
    let answer = client(LOCAL).send(&message(format!("http://127.0.0.1:{}/", server.port))).await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (307, false));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_more_of_a_body_is_read_than_is_allowed() {
    for head in ["content-length: 1073741824", "transfer-encoding: chunked"] {
        let text = match head {
            "transfer-encoding: chunked" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40000000\r\n",
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n",
        };
        let server = Server::plain(Way::Flood(text)).await;
        let answer = client(LOCAL).send(&message(format!("http://127.0.0.1:{}/", server.port))).await.unwrap();
        assert_eq!((answer.status, answer.body.len(), answer.is_cut), (200, LIMITS.body_bytes, true), "{head}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_no_answer() {
    for text in ["HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK", "junk "] {
        let server = Server::plain(Way::Flood(text)).await;
        let sent = client(LOCAL).send(&message(format!("http://127.0.0.1:{}/", server.port))).await;
        assert_eq!(sent, Err(SendError::Protocol), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_tls_or_no_http_is_a_failure() {
    let smtp = Server::plain(Way::Greet("220 smtp.example.com ESMTP\r\n")).await;
    let sent = client(LOCAL).send(&message(format!("https://127.0.0.1:{}/", smtp.port))).await;
    assert!(matches!(sent, Err(SendError::Tls(_))), "{sent:?}");
    let sent = client(LOCAL).send(&message(format!("http://127.0.0.1:{}/", smtp.port))).await;
    assert!(matches!(sent, Err(SendError::Protocol | SendError::Connect(_))), "{sent:?}");
    for server in [Server::plain(Way::Close).await, Server::secure(Way::Close).await] {
        let sent = client(LOCAL).send(&message(format!("http://127.0.0.1:{}/", server.port))).await;
        assert!(sent.is_err(), "{sent:?}");
    }
    let nobody = client(LOCAL).send(&message("http://127.0.0.1:1/".to_owned())).await;
    assert_eq!(nobody, Err(SendError::Connect(ErrorKind::ConnectionRefused)));
}

#[tokio::test]
async fn whoever_hangs_is_left() {
    let whole = Duration::from_millis(300);
    let limits = SendLimits { whole, ..LIMITS };
    for (server, scheme) in [
        (Server::plain(Way::Hang).await, "http"),
        (Server::secure(Way::Hang).await, "https"),
        // It waits for a greeting of TLS that never comes.
        (Server::plain(Way::Hang).await, "https"),
    ] {
        let client = client_with(LOCAL, limits, Trust::public().and_pem(CA).unwrap());
        let sent = client.send(&message(format!("{scheme}://127.0.0.1:{}/", server.port))).await;
        assert_eq!(sent, Err(SendError::Timeout(whole)), "{scheme}");
    }
}

/// A name server that never answers takes no more than the whole of a try.
#[tokio::test]
async fn a_look_up_that_hangs_counts_within_the_try() {
    let whole = Duration::from_millis(300);
    let client = client_with(LOCAL, SendLimits { whole, ..LIMITS }, Trust::public()).with_resolver(Arc::new(NoNames));
    let sent = client.send(&message("https://example.com/".to_owned())).await;
    assert_eq!(sent, Err(SendError::Timeout(whole)));
}

#[tokio::test]
async fn an_error_has_nothing_of_the_url() {
    let client = client(&[]).with_resolver(Names::new(&[&["10.1.2.3"]]));
    for url in [
        "http://user:t0ken@example.com/s3cret",
        "http://h0st.test/s3cret?key=t0ken",
        "http://127.0.0.1/s3cret",
        "ftp://h0st.test/s3cret",
        "s3cret",
    ] {
        let error = client.send(&message(url.to_owned())).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(["s3cret", "t0ken", "h0st", "10.1.2.3"].iter().all(|part| !text.contains(part)), "{text}");
        }
    }
    assert_eq!(client.target("http://127.0.0.1/"), Err(UrlRule::Address(AddressRule::Loopback)));
}
