//! Clients that report runs, events, finishes and heartbeats as fast as they are answered, and keep a book of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::book::{Book, Sent, event, finish, heartbeat, minted, start};
use crate::client::Call;
use crate::wait::eventually;
use crate::{Team, ids};

/// How long a client waits for word that the server is down, after it gave no answer.
const WORD_COMES: Duration = Duration::from_secs(1);
/// How long the clients may take over some more acknowledgements.
const GOES_ON: Duration = Duration::from_secs(120);

/// What the clients are told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Send,
    /// The server is down: start nothing new.
    Hold,
    Stop,
}

/// What clients and the test share.
#[derive(Debug)]
pub struct Load {
    pub team: Team,
    pub book: Book,
    /// Acknowledged requests so far.
    acknowledged: AtomicU64,
    /// Requests under way.
    under_way: AtomicU64,
}

/// Clients at work.
#[derive(Debug)]
pub struct Clients {
    pub load: Arc<Load>,
    tell: watch::Sender<Phase>,
    tasks: Vec<JoinHandle<()>>,
}

impl Clients {
    /// So many clients of this team begin.
    pub fn begin(team: Team, count: u64) -> Self {
        let load = Load { team, book: Book::default(), acknowledged: AtomicU64::new(0), under_way: AtomicU64::new(0) };
        let (load, (tell, phase)) = (Arc::new(load), watch::channel(Phase::Send));
        let tasks = (0..count).map(|number| tokio::spawn(load.clone().client(phase.clone(), number))).collect();
        Clients { load, tell, tasks }
    }

    pub fn tell(&self, phase: Phase) {
        self.tell.send_replace(phase);
    }

    /// Waits until so many more requests are acknowledged.
    ///
    /// # Panics
    /// If they are not within minutes, or a client met an answer it must not get.
    pub async fn acknowledge(&self, more: u64) {
        let enough = self.acknowledged() + more;
        eventually(GOES_ON, "the clients go on", async || {
            self.still_going();
            let so_far = self.acknowledged();
            if so_far >= enough { Ok(()) } else { Err(format!("{so_far} of {enough} acknowledged")) }
        })
        .await;
    }

    /// Acknowledged requests so far.
    pub fn acknowledged(&self) -> u64 {
        self.load.acknowledged.load(Ordering::SeqCst)
    }

    /// # Panics
    /// If a client met an answer it must not get.
    pub fn still_going(&self) {
        assert!(self.tasks.iter().all(|task| !task.is_finished()), "a client met an answer it must not get");
    }

    /// Ends the clients and waits for their last answers; then opens the runs whose start got no answer, as any
    /// client would by repeating it, so that what waits for a start shows.
    pub async fn end(self) -> Arc<Load> {
        self.tell(Phase::Stop);
        for task in self.tasks {
            task.await.expect("a client met only answers it may get");
        }
        let load = self.load;
        assert_eq!(load.under_way.load(Ordering::SeqCst), 0);
        for (sent, acknowledged) in load.book.all() {
            if let (Sent::Event { run, .. } | Sent::Finish { run }, true) = (sent, acknowledged) {
                load.open(&run).await;
            }
        }
        load
    }
}

impl Load {
    /// One client: tells one run after another until it is told to stop.
    async fn client(self: Arc<Self>, mut phase: watch::Receiver<Phase>, number: u64) {
        let mut turn = number;
        while phase.wait_for(|phase| *phase != Phase::Hold).await.is_ok_and(|phase| *phase == Phase::Send) {
            turn += 1;
            let answered = match turn % 4 {
                0 => self.heartbeat().await,
                1 => self.minted().await,
                _ => self.run(turn, &phase).await,
            };
            if !answered {
                // The server is going down, as the next word will say, or has no time for us; on it goes.
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

    /// Sends a run's start until it is known to be there.
    async fn open(&self, run: &str) {
        eventually(GOES_ON, &format!("the start of {run} is acknowledged"), async || {
            let known = || self.book.all().get(&Sent::Start { run: run.to_owned() }) == Some(&true);
            if known() || self.start(run).await && known() { Ok(()) } else { Err("no 2xx yet".to_owned()) }
        })
        .await;
    }

    async fn start(&self, run: &str) -> bool {
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

    /// Sends, and keeps the book; whether it was answered, other than that the server has no time for it.
    async fn send(&self, call: Call, what: &[Sent]) -> bool {
        self.book.sending(what);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let answer = call.try_send().await;
        let answered = answer.as_ref().is_ok_and(|answer| answer.status != 503);
        if let Ok(answer) = answer {
            // A server in trouble may shed; it never refuses these for what they are.
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
