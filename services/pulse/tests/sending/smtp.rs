//! A small SMTP server that keeps what it takes.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail as it came: its envelope, and its text.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: Vec<String>,
    pub text: String,
}

pub struct SmtpServer {
    pub port: u16,
    /// The reply to `RCPT TO`.
    reply: Arc<Mutex<&'static str>>,
    mails: Arc<Mutex<Vec<Mail>>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (reply, mails) = (Arc::new(Mutex::new("250 ok")), Arc::<Mutex<Vec<Mail>>>::default());
        let (given, kept) = (reply.clone(), mails.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, given.clone(), kept.clone()));
            }
        });
        SmtpServer { port, reply, mails, task }
    }

    pub fn answer(&self, reply: &'static str) {
        *self.reply.lock().unwrap() = reply;
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, reply: Arc<Mutex<&'static str>>, mails: Arc<Mutex<Vec<Mail>>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = Vec::new();
    if write.write_all(b"220 smtp.test ESMTP\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "RCPT" => {
                to.push(line);
                *reply.lock().unwrap()
            }
            "DATA" => {
                _ = write.write_all(b"354 go on\r\n").await;
                let mut text = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push_str("\r\n");
                }
                mails.lock().unwrap().push(Mail { to: std::mem::take(&mut to), text });
                "250 taken"
            }
            "RSET" => {
                to.clear();
                "250 ok"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
