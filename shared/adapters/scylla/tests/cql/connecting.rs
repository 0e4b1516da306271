//! What a wrong address, wrong credentials and a missing keyspace say.

use tidegate_ports::StoreError;
use tidegate_scylla::{Cql, OptionError, Replication, ScyllaOptions, agentping, migrations};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{fresh_keyspace, options};

async fn refusal(options: &ScyllaOptions) -> StoreError {
    Cql::connect(options, &agentping::SCHEMA).await.map(drop).expect_err("refused")
}

#[tokio::test]
async fn an_absent_node_is_named() {
    // Without a listener, and no other test's as long as this socket is there.
    let reserved = TcpSocket::new_v4().expect("a socket");
    reserved.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = reserved.local_addr().expect("an address").to_string();
    let error = refusal(&ScyllaOptions { nodes: vec![address.clone()], ..options("tidegate") }).await;
    drop(reserved);
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains(&address)), "{error}");
}

#[tokio::test]
async fn a_missing_keyspace_says_what_to_do() {
    let keyspace = fresh_keyspace();
    let error = refusal(&options(&keyspace)).await;
    let says = |text: &str| text.contains(&keyspace) && text.contains("tidegate migrate");
    assert!(matches!(&error, StoreError::Broken(text) if says(text)), "{error}");
    let error = refusal(&options("no; name")).await;
    assert_eq!(error, StoreError::Broken(OptionError::Keyspace("no; name".into()).to_string().into()));
    assert!(migrations::apply(&options("no; name"), &Replication::Simple(1), &agentping::SCHEMA).await.is_err());
}

#[tokio::test]
async fn wrong_credentials_are_distinguished_and_not_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(refuse_credentials(client));
        }
    });
    let user = Some(("tidegate".to_owned(), "a secret".to_owned()));
    let error = refusal(&ScyllaOptions { nodes: vec![address.clone()], user, ..options("tidegate") }).await;
    let says = |text: &str| text.contains("user name and password") && text.contains(&address);
    assert!(matches!(&error, StoreError::Broken(text) if says(text)), "{error}");
    assert!(!error.to_string().contains("a secret"));
    let error = refusal(&ScyllaOptions { nodes: vec![address], user: None, ..options("tidegate") }).await;
    assert!(matches!(&error, StoreError::Broken(text) if text.contains("user name and password")), "{error}");
}

/// A node that asks for credentials and takes none.
async fn refuse_credentials(mut client: TcpStream) {
    const OPTIONS: u8 = 0x05;
    const STARTUP: u8 = 0x01;
    let mut header = [0; 9];
    while client.read_exact(&mut header).await.is_ok() {
        let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) as usize;
        let mut body = vec![0; length];
        if client.read_exact(&mut body).await.is_err() {
            return;
        }
        let text = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
        let (opcode, answer) = match header[4] {
            OPTIONS => (0x06, vec![0, 0]),
            STARTUP => (0x03, text("org.apache.cassandra.auth.PasswordAuthenticator")),
            _ => (
                0x00,
                [&0x0100_u32.to_be_bytes()[..], &text("Provided username and/or password are incorrect")].concat(),
            ),
        };
        let mut frame = vec![0x84, 0, header[2], header[3], opcode];
        frame.extend((answer.len() as u32).to_be_bytes());
        frame.extend(answer);
        if client.write_all(&frame).await.is_err() {
            return;
        }
    }
}
