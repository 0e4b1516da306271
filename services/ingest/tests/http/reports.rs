//! What a front door reports of itself: how openings ended, and when it was ready.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use tidegate_agentping::{KeyId, Limits, Plan, TeamId};
use tidegate_agentping_ports::{ReadySpan, RefusedAgent, RefusedMinute};
use tidegate_ingest::{DoorReports, OpeningCounts, Openings};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{AppendError, Clock, KeptRow, RowKey, RowScan, RowWrite, Rows, StoreError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::house::*;

/// AC-25: openings that are refused for our reasons count, of which team if that is known; events and faulty bodies do not.
#[tokio::test]
async fn ac_25_openings_count_by_how_they_ended() {
    let house = House::new(Options::default()).await;
    let openings = house.ingest.openings();
    let beat = || post("/v1/heartbeats", r#"{"agent":"daily"}"#);
    assert_eq!(house.send(post("/v1/runs", &start_body())).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.send(beat()).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.send(get(&format!("/v1/ping?key={TOKEN}&agent=daily"))).await.status, StatusCode::OK);
    assert_eq!(house.send(post("/v1/heartbeats", "{}")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(openings.take(), OpeningCounts { accepted: 3, ..OpeningCounts::default() });
    let full = House::new(Options { max_body_bytes_in_flight: 10, ..Options::default() }).await;
    assert_eq!(full.send(beat()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(full.ingest.openings().take(), OpeningCounts { refused: 1, ..OpeningCounts::default() });
    house.log.log.fail_appends(Some(AppendError::Unknown("no answer".into())));
    assert_eq!(house.send(beat()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let events = r#"{"events":[]}"#;
    house.send(post(&format!("/v1/runs/{RUN}/events"), events)).await;
    let refused_of_teams = [(TeamId::from_bits(Region::Eu, 1), 1)].into();
    assert_eq!(openings.take(), OpeningCounts { accepted: 0, refused: 1, refused_of_teams });
    assert_eq!(openings.take(), OpeningCounts::default());
}

/// Ping tokens and API keys that were used are noted; a credential that was refused is not.
#[tokio::test]
async fn used_credentials_are_noted() {
    let house = House::new(Options::default()).await;
    let uses = house.ingest.credential_uses();
    let tables = || uses.take().iter().map(|row| (row.key.table.name, row.key.shard.clone())).collect::<Vec<_>>();
    house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await;
    let unknown = format!("{}0", &TOKEN[..TOKEN.len() - 1]);
    assert_eq!(house.send(get(&format!("/v1/ping?key={unknown}&agent=daily"))).await.status, StatusCode::UNAUTHORIZED);
    // The key's id in the house's registry.
    let key = KeyId::from_bits(Region::Eu, 1).to_string();
    assert_eq!(tables(), [("key_uses", key.into())]);
    assert_eq!(house.send(get(&format!("/v1/ping?key={TOKEN}&agent=daily"))).await.status, StatusCode::OK);
    let token = tidegate_agentping::Credential::parse(TOKEN).unwrap().hash();
    assert_eq!(tables(), [("token_uses", tidegate_agentping_ports::token_uses::hex(&token).into())]);
}

/// 3.1: new agents that are refused at the cap of the plan are reported, once each.
#[tokio::test]
async fn refused_agents_are_reported_once() {
    let plan = Plan::Enterprise(Limits { agents: Some(1), ..Limits::default() });
    let house = House::new(Options { plan, ..Options::default() }).await;
    for agent in ["daily", "one-more", "one-more", "another", "daily"] {
        let answer = house.send(post("/v1/heartbeats", &format!(r#"{{"agent":"{agent}"}}"#))).await;
        let expected = if agent == "daily" { StatusCode::ACCEPTED } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status, expected, "{agent}: {}", answer.text);
    }
    let (rows, now) = (MemoryRows::new(house.clock.clone()), house.clock.now());
    let kept = Arc::new(rows.clone());
    let reports = DoorReports::new(kept, house.clock.clone(), house.ingest.openings(), || true, "one".into())
        .with_refused_agents(house.ingest.refused_agents());
    reports.run(std::future::ready(())).await;
    let found = RefusedAgent::written_since(&rows, now, now).await.unwrap();
    let mut named: Vec<(&str, u32)> = found.iter().map(|refused| (refused.agent.as_str(), refused.cap)).collect();
    named.sort_unstable();
    assert_eq!(named, [("another", 1), ("one-more", 1)]);
    assert!(found.iter().all(|refused| refused.team == TeamId::from_bits(Region::Eu, 1) && refused.at == now));
}

/// Rows that note which tables were written, in their order.
struct Written {
    rows: MemoryRows,
    tables: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl Rows for Written {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        let mut tables: Vec<&'static str> = rows.iter().map(|row| row.key.table.name).collect();
        tables.dedup();
        self.tables.lock().unwrap().extend(tables);
        self.rows.put(rows, now).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        self.rows.scan(scan).await
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.rows.purge_rows(now, limit).await
    }
}

/// Schedules are judged by when front doors were ready: that waits for no refused agent.
#[tokio::test]
async fn when_it_was_ready_is_written_first() {
    let plan = Plan::Enterprise(Limits { agents: Some(1), ..Limits::default() });
    let house = House::new(Options { plan, ..Options::default() }).await;
    for agent in ["daily", "one-more"] {
        house.send(post("/v1/heartbeats", &format!(r#"{{"agent":"{agent}"}}"#))).await;
    }
    let rows = Arc::new(Written { rows: MemoryRows::new(house.clock.clone()), tables: Mutex::default() });
    let reports = DoorReports::new(rows.clone(), house.clock.clone(), house.ingest.openings(), || true, "one".into())
        .with_refused_agents(house.ingest.refused_agents());
    reports.run(std::future::ready(())).await;
    assert_eq!(rows.tables.lock().unwrap()[..2], ["front_door_spans", "refused_agents"]);
}

/// A clock that a test moves as a test build's clock is moved.
struct MovedClock {
    clock: TestClock,
    first: OnceLock<Timestamp>,
}

impl MovedClock {
    fn move_to(&self, at: Timestamp) {
        self.clock.set(at);
        self.first.get_or_init(|| at);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn first_moved_to(&self) -> Option<Timestamp> {
        self.first.get().copied()
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-05-15T{text}Z")).unwrap()
}

struct Reporting {
    rows: MemoryRows,
    is_ready: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Reporting {
    fn begin(clock: &Arc<MovedClock>, rows: &MemoryRows, door: &str) -> Self {
        let is_ready = Arc::new(AtomicBool::new(true));
        let (asked, (stop, stopped)) = (is_ready.clone(), oneshot::channel::<()>());
        let is_ready_now = move || asked.load(Ordering::SeqCst);
        let (kept, openings) = (Arc::new(rows.clone()), Arc::new(Openings::default()));
        let reports = DoorReports::new(kept, clock.clone(), openings, is_ready_now, door.into());
        let running = tokio::spawn(reports.run(async { _ = stopped.await }));
        Reporting { rows: rows.clone(), is_ready, stop, running }
    }

    /// Stops it, and returns all spans.
    async fn stop(self) -> Vec<String> {
        let Reporting { rows, stop, running, .. } = self;
        drop(stop);
        running.await.unwrap();
        spans(&rows).await
    }

    /// Waits until these spans are reported, as `12:00:00-12:05:00`.
    async fn reported(&self, expected: &[&str]) {
        let mut last = Vec::new();
        let waiting = async {
            let mut look = interval(Duration::from_millis(100));
            while last != expected {
                look.tick().await;
                last = spans(&self.rows).await;
            }
        };
        assert!(timeout(Duration::from_secs(30), waiting).await.is_ok(), "{last:?} and not {expected:?}");
    }
}

async fn spans(rows: &MemoryRows) -> Vec<String> {
    let (from, to) = (at("00:00:00"), at("23:59:59").plus_millis(2 * 86_400_000));
    let mut spans = ReadySpan::between(rows, from, to).await.unwrap();
    spans.sort_by_key(|span| span.from);
    let clock = |at: Timestamp| at.to_string()[11..19].to_owned();
    spans.iter().map(|span| format!("{}-{}", clock(span.from), clock(span.to))).collect()
}

/// 9.2: the first move of a test's clock says at what time the process has started; later ones are time in which it was
/// ready. What lies between two processes is a gap.
#[tokio::test(start_paused = true)]
async fn ac_25_spans_are_from_the_first_move_to_the_last_mark() {
    let clock = Arc::new(MovedClock { clock: TestClock::at(at("09:00:00")), first: OnceLock::new() });
    let rows = MemoryRows::new(clock.clone());
    let one = Reporting::begin(&clock, &rows, "one");
    one.reported(&["09:00:00-09:00:00"]).await;
    // Both moves are made before it looks again.
    clock.move_to(at("12:00:00"));
    clock.move_to(at("12:00:07"));
    one.reported(&["12:00:00-12:00:07"]).await;
    clock.move_to(at("13:30:00"));
    one.reported(&["12:00:00-13:30:00"]).await;
    clock.clock.set(at("13:30:01"));
    one.stop().await;
    // The clock of another process.
    let clock = Arc::new(MovedClock { clock: TestClock::at(at("14:00:00")), first: OnceLock::new() });
    let other = Reporting::begin(&clock, &rows, "other");
    other.reported(&["12:00:00-13:30:01", "14:00:00-14:00:00"]).await;
    // While it is not ready, time is not covered; stopped, it reports what it knows.
    other.is_ready.store(false, Ordering::SeqCst);
    clock.clock.set(at("14:10:00"));
    let spans = other.stop().await;
    assert_eq!(spans, ["12:00:00-13:30:01", "14:00:00-14:00:00"]);
}

/// A span lies within a day, however far the clock is moved.
#[tokio::test(start_paused = true)]
async fn a_span_lies_within_a_day() {
    let clock = Arc::new(MovedClock { clock: TestClock::at(at("23:00:00")), first: OnceLock::new() });
    let rows = MemoryRows::new(clock.clone());
    let one = Reporting::begin(&clock, &rows, "one");
    clock.move_to(at("23:10:00"));
    one.reported(&["23:10:00-23:10:00"]).await;
    clock.move_to(at("01:00:00").plus_millis(2 * 86_400_000));
    one.reported(&["23:10:00-23:59:59", "00:00:00-23:59:59", "00:00:00-01:00:00"]).await;
}

/// Minutes in which nothing was refused have no row.
#[tokio::test(start_paused = true)]
async fn minutes_with_refusals_are_reported() {
    let clock = Arc::new(MovedClock { clock: TestClock::at(at("12:00:30")), first: OnceLock::new() });
    let house = House::new(Options { max_body_bytes_in_flight: 10, ..Options::default() }).await;
    let rows = MemoryRows::new(clock.clone());
    let reports =
        DoorReports::new(Arc::new(rows.clone()), clock.clone(), house.ingest.openings(), || true, "one".into());
    tokio::spawn(reports.run(std::future::pending()));
    let refused = async || house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await.status;
    assert_eq!(refused().await, StatusCode::SERVICE_UNAVAILABLE);
    let minutes = async |expected: &[(&str, u64)]| {
        let expected: Vec<_> = expected.iter().map(|(minute, refused)| (at(minute), *refused)).collect();
        let waiting = async {
            let mut look = interval(Duration::from_millis(100));
            loop {
                look.tick().await;
                let found = RefusedMinute::between(&rows, at("12:00:00"), at("13:00:00")).await.unwrap();
                let found: Vec<_> = found.into_iter().map(|(minute, counts)| (minute, counts.refused)).collect();
                if found == expected {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(30), waiting).await.unwrap();
    };
    minutes(&[("12:00:00", 1)]).await;
    assert_eq!(refused().await, StatusCode::SERVICE_UNAVAILABLE);
    minutes(&[("12:00:00", 2)]).await;
    clock.clock.set(at("12:02:10"));
    let counted = async {
        let mut look = interval(Duration::from_millis(100));
        while !spans(&rows).await.iter().any(|span| span.ends_with("-12:02:10")) {
            look.tick().await;
        }
    };
    timeout(Duration::from_secs(30), counted).await.unwrap();
    // It may have been received in the minute before, and may have been refused at any time since the last count.
    assert_eq!(refused().await, StatusCode::SERVICE_UNAVAILABLE);
    clock.clock.set(at("12:05:40"));
    minutes(&[("12:00:00", 2), ("12:01:00", 1), ("12:02:00", 1), ("12:05:00", 1)]).await;
}
