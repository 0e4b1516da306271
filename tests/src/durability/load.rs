//! Clients that report runs, events, finishes and heartbeats as fast as they are answered, and keep a book of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::book::{Book, Sent, event, finish, heartbeat, minted, start};
use crate::client::Answer;
use crate::wait::eventually;
use crate::{Team, ids};

/// How long a client waits for word that the server is down, after it gave no answer.
const WORD_COMES: Duration = Duration::from_secs(1);
/// How long the clients may take over some more acknowledgements.
const GOES_ON: Duration = Duration::from_secs(120);

/// What the clients do.
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
    /// Requests in progress.
    under_way: AtomicU64,
    /// How requests ended, by kind: see [`kind`].
    ends: Mutex<BTreeMap<String, u64>>,
    /// How clients work.
    habits: Habits,
}

/// How clients work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// How long a client takes for one turn, a run or a heartbeat, at least.
    pub turn: Duration,
    /// Whether a request that got no answer is sent again, the same, to the other front doors.
    pub follows: bool,
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
        Clients::begin_with(team, count, Habits::default())
    }

    /// The same with these habits.
    pub fn begin_with(team: Team, count: u64, habits: Habits) -> Self {
        let (book, ends) = (Book::default(), Mutex::default());
        let load = Load { team, book, acknowledged: AtomicU64::new(0), under_way: AtomicU64::new(0), ends, habits };
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
    /// One client: sends one run after another until it is stopped.
    async fn client(self: Arc<Self>, mut phase: watch::Receiver<Phase>, number: u64) {
        let mut turn = number;
        // An interval of nothing is none.
        let mut pace = tokio::time::interval(self.habits.turn.max(Duration::from_nanos(1)));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while phase.wait_for(|phase| *phase != Phase::Hold).await.is_ok_and(|phase| *phase == Phase::Send) {
            pace.tick().await;
            turn += 1;
            let answered = match turn % 4 {
                0 => self.heartbeat().await,
                // Without an id of its own it must not be sent twice.
                1 if !self.habits.follows => self.minted().await,
                1 => self.heartbeat().await,
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
            let known = || self.book.knows(&Sent::Start { run: run.to_owned() });
            if known() || self.start(run).await && known() { Ok(()) } else { Err("no 2xx yet".to_owned()) }
        })
        .await;
    }

    async fn start(&self, run: &str) -> bool {
        self.send("/v1/runs", &start(run), &[Sent::Start { run: run.to_owned() }]).await
    }

    async fn events(&self, run: &str, events: &[String]) -> bool {
        let bodies: Vec<_> = events.iter().map(|id| event(id)).collect();
        let what: Vec<Sent> =
            events.iter().map(|event| Sent::Event { run: run.to_owned(), event: event.clone() }).collect();
        self.send(&format!("/v1/runs/{run}/events"), &json!({"events": bodies}), &what).await
    }

    async fn finish(&self, run: &str) -> bool {
        self.send(&format!("/v1/runs/{run}/finish"), &finish(run), &[Sent::Finish { run: run.to_owned() }]).await
    }

    /// One heartbeat to this front door, in the book; its run once it is acknowledged.
    ///
    /// # Errors
    /// What came instead.
    pub async fn heartbeat_at(&self, door: &str) -> Result<String, String> {
        let run = self.team.run_id();
        let what = Sent::Heartbeat { run: run.clone() };
        if self.send_to(&[door], "/v1/heartbeats", &heartbeat(&run), std::slice::from_ref(&what)).await
            && self.book.knows(&what)
        {
            Ok(run)
        } else {
            Err(format!("{door} does not take a heartbeat"))
        }
    }

    /// How requests ended so far, by kind: see [`kind`].
    pub fn ends(&self) -> BTreeMap<String, u64> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn heartbeat(&self) -> bool {
        let run = self.team.run_id();
        self.send("/v1/heartbeats", &heartbeat(&run), &[Sent::Heartbeat { run }]).await
    }

    async fn minted(&self) -> bool {
        let note = ids::nonce();
        self.send("/v1/heartbeats", &minted(&note), &[Sent::Minted { note }]).await
    }

    /// Sends to a front door, and keeps the book; whether it was answered, other than that the server has no time.
    async fn send(&self, path: &str, body: &Value, what: &[Sent]) -> bool {
        let first = self.team.deployment.ingest();
        let mut doors = vec![first];
        if self.habits.follows {
            let others = self.team.deployment.front_doors().iter().map(String::as_str);
            doors.extend(others.filter(|door| *door != first));
        }
        self.send_to(&doors, path, body, what).await
    }

    /// The same to these front doors, until one answers.
    async fn send_to(&self, doors: &[&str], path: &str, body: &Value, what: &[Sent]) -> bool {
        self.book.sending(what);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let mut answer = Err("no front door".to_owned());
        for door in doors {
            let call = self.team.client.call("POST", &format!("{door}{path}")).bearer(&self.team.key);
            answer = call.json(body).try_send().await;
            if answer.is_ok() {
                break;
            }
        }
        let answered = answer.as_ref().is_ok_and(|answer| answer.status != 503);
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner).entry(kind(&answer)).or_insert(0) += 1;
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

/// How a request ended, in a word or two: `2xx`; `503` with the cause as far as its text names it; any other status;
/// `no answer`. A `503` without `Retry-After` says so.
pub fn kind(answer: &Result<Answer, String>) -> String {
    const CAUSES: [(&str, &str); 7] = [
        ("Nothing can be taken in", "log_unavailable"),
        ("Whether this was taken in", "outcome_unknown"),
        ("credential cannot be looked up", "credential_unavailable"),
        ("cannot be read for now", "store_unavailable"),
        ("still under way", "undecided"),
        ("catching up", "shed"),
        ("Too many", "too_many"),
    ];
    match answer {
        Err(_) => "no answer".to_owned(),
        Ok(answer) if answer.status < 300 => "2xx".to_owned(),
        Ok(answer) if answer.status == 503 => {
            let text = answer.text();
            let told = serde_json::from_str::<Value>(&text).ok().and_then(|body| {
                let shed = |_| if body["cause"] == "partition_halted" { "partition_halted" } else { "shed" };
                let cause = body["class"].as_str().map(shed);
                cause.or_else(|| CAUSES.iter().find(|(words, _)| text.contains(words)).map(|(_, cause)| *cause))
            });
            let missing = if answer.header("retry-after").is_some() { "" } else { " without Retry-After" };
            format!("503 {}{missing}", told.unwrap_or("unavailable"))
        }
        Ok(answer) => answer.status.to_string(),
    }
}
