//! A receiver that answers each request with the next of its replies; the last one stays.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, further header lines, and a body.
    Status(u16, &'static str, &'static str),
    /// A success whose body is what was received.
    Echo,
    Hang,
    /// A head, and bytes without end.
    Flood,
    Close,
    /// What is no HTTP.
    Garbage,
}

pub const OK: Reply = Reply::Status(200, "", "ok");

#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Receiver {
    pub port: u16,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (next, notes) = (replies.clone(), received.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, next.clone(), notes.clone()));
            }
        });
        Receiver { port, replies, received, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook/s3cret", self.port)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn answer(&self, reply: Reply) {
        *self.replies.lock().unwrap() = VecDeque::from([reply]);
    }
}

async fn serve(mut stream: TcpStream, replies: Arc<Mutex<VecDeque<Reply>>>, notes: Arc<Mutex<Vec<Received>>>) {
    let Some(request) = request(&mut stream).await else { return };
    let reply = {
        let mut replies = replies.lock().unwrap();
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
    };
    let echo = format!("{} {:?} {}", request.path, request.headers, request.body);
    notes.lock().unwrap().push(request);
    let answer = |status: u16, headers: &str, body: &str| {
        format!("HTTP/1.1 {status} so\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
    };
    match reply.unwrap_or(OK) {
        Reply::Status(status, headers, body) => _ = stream.write_all(answer(status, headers, body).as_bytes()).await,
        Reply::Echo => _ = stream.write_all(answer(200, "", &echo).as_bytes()).await,
        Reply::Hang => std::future::pending().await,
        Reply::Flood => {
            let mut went = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await;
            while went.is_ok() {
                went = stream.write_all(&[b'x'; 65_536]).await;
            }
        }
        Reply::Close => {}
        Reply::Garbage => _ = stream.write_all(b"220 smtp.example.com ESMTP\r\n").await,
    }
}

async fn request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        if let Some((head, body)) = String::from_utf8_lossy(&bytes).split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let path = lines.next()?.split(' ').nth(1)?.to_owned();
            let header =
                |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
            let received = Received { path, headers: lines.filter_map(header).collect(), body: body.to_owned() };
            if received.header("content-length").parse() == Ok(body.len()) {
                return Some(received);
            }
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return None;
        }
    }
}
