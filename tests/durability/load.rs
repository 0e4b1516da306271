//! Clients that report runs, events, finishes and heartbeats as fast as they are answered, and keep a book of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tidegate_tests::client::Call;
use tidegate_tests::{Team, ids};
use tokio::sync::watch;

use crate::book::{Book, Sent, event, finish, heartbeat, minted, start};

/// How long a client waits for word that the server is down, after it gave no answer.
const WORD_COMES: Duration = Duration::from_secs(1);

/// What the clients are told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Send,
    /// The server is down: start nothing new.
    Hold,
    Stop,
}

/// What clients and the killer share.
#[derive(Debug)]
pub struct Load {
    pub team: Team,
    pub book: Book,
    /// Acknowledged requests so far.
    pub acknowledged: AtomicU64,
    /// Requests under way.
    pub under_way: AtomicU64,
}

impl Load {
    /// One client: tells one run after another until it is told to stop.
    pub async fn client(self: Arc<Self>, mut phase: watch::Receiver<Phase>, number: u64) {
        let mut turn = number;
        while phase.wait_for(|phase| *phase != Phase::Hold).await.is_ok_and(|phase| *phase == Phase::Send) {
            turn += 1;
            let answered = match turn % 4 {
                0 => self.heartbeat().await,
                1 => self.minted().await,
                _ => self.run(turn, &phase).await,
            };
            if !answered {
                // The server is going down, as the next word will say; if not, on it goes.
                let _ = tokio::time::timeout(WORD_COMES, phase.changed()).await;
            }
        }
    }

    /// One run: start, two batches and a finish, in an order that changes from run to run. What gets no answer is
    /// left at that, and ends it.
    async fn run(&self, turn: u64, phase: &watch::Receiver<Phase>) -> bool {
        let run = self.team.run_id();
        let first: Vec<String> = (0..1 + turn % 5).map(|_| self.team.event_id()).collect();
        let second: Vec<String> = (0..1 + turn % 3).map(|_| self.team.event_id()).collect();
        let orders = [[0, 1, 2, 3], [1, 0, 2, 3], [3, 1, 0, 2], [0, 3, 1, 2]];
        for step in orders[usize::try_from(turn / 4 % 4).expect("it is small")] {
            if *phase.borrow() != Phase::Send {
                return true;
            }
            let answered = match step {
                0 => self.start(&run).await,
                1 => self.events(&run, &first).await,
                2 => self.events(&run, &second).await,
                _ => self.finish(&run).await,
            };
            if !answered {
                return false;
            }
        }
        true
    }

    pub async fn start(&self, run: &str) -> bool {
        let call = self.team.call("POST", "/v1/runs").json(&start(run));
        self.send(call, &[Sent::Start { run: run.to_owned() }]).await
    }

    async fn events(&self, run: &str, events: &[String]) -> bool {
        let bodies: Vec<_> = events.iter().map(|id| event(id)).collect();
        let call = self.team.call("POST", &format!("/v1/runs/{run}/events")).json(&json!({"events": bodies}));
        let what: Vec<Sent> =
            events.iter().map(|event| Sent::Event { run: run.to_owned(), event: event.clone() }).collect();
        self.send(call, &what).await
    }

    async fn finish(&self, run: &str) -> bool {
        let call = self.team.call("POST", &format!("/v1/runs/{run}/finish")).json(&finish(run));
        self.send(call, &[Sent::Finish { run: run.to_owned() }]).await
    }

    async fn heartbeat(&self) -> bool {
        let run = self.team.run_id();
        let call = self.team.call("POST", "/v1/heartbeats").json(&heartbeat(&run));
        self.send(call, &[Sent::Heartbeat { run }]).await
    }

    async fn minted(&self) -> bool {
        let note = ids::nonce();
        let call = self.team.call("POST", "/v1/heartbeats").json(&minted(&note));
        self.send(call, &[Sent::Minted { note }]).await
    }

    /// Sends, and keeps the book; whether any answer came.
    async fn send(&self, call: Call, what: &[Sent]) -> bool {
        self.book.sending(what);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let answer = call.try_send().await;
        let answered = answer.is_ok();
        if let Ok(answer) = answer {
            // A server that is going down may shed; it never refuses these for what they are.
            assert!((200..300).contains(&answer.status) || answer.status == 503, "{answer}");
            if answer.status < 300 {
                self.book.acknowledged(what);
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        answered
    }
}
