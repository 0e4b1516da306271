//! What the gate costs on a real Redis: admissions per second, questions per call, Redis's CPU per admission, and
//! memory per claim.
//!
//! `cargo run --release -p tidegate-redis --example gate-cost [URL]`, against a Redis that nothing else uses.
//!
//! Seen with Redis 7.0, client and server on two cores that were busy with much else (load 10 to 20), so the speeds
//! are lower bounds and Redis's CPU an upper one; each request is one admission and one confirmation:
//!
//! | tasks | teams | claims | requests/s | questions per call | Redis µs per request | bytes per claim |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 64 | 1 | 1 start | 11,900 | 36 | 20 | 139 |
//! | 256 | 1 | 1 start | 9,900 | 64 | 19 | 133 |
//! | 64 | 64 | 1 start | 3,100 | 1 | 75 | 163 |
//! | 256 | 64 | 1 start | 3,500 | 2 | 53 | 162 |
//! | 256 | 1,024 | 1 start | 1,100 | 1 | 106 | 408 |
//! | 64 | 1 | 50 events | 580 (29,000 events/s) | 5 | 460 | 91 |
//! | 64 | 64 | 50 events | 330 (16,700 events/s) | 1 | 470 | 38 |
//!
//! Coalescing is what makes a team's requests cheap: a call costs Redis about 70 µs here, one more request in it
//! about 20, one more event's claim about 9 with its confirmation.
#![expect(clippy::print_stdout, reason = "a program that prints its figures")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use redis::aio::MultiplexedConnection;
use tidegate_agentping::{EventId, Limits, Plan, RunId, TeamId};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{Ask, Claim, ClaimKey, Fingerprint, Gate, GateDown, Seed, Verdict};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, Ids, RandomIds, SystemClock};
use tidegate_redis::{RedisGate, RedisOptions, metrics as names};

const RUNS_FOR: Duration = Duration::from_secs(3);
const BATCH: usize = 50;

#[derive(Clone, Copy)]
struct Load {
    tasks: usize,
    teams: usize,
    /// Events per request; 0 is a run's start.
    events: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let mut admin = redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
    println!("each request is admitted and then confirmed, within the limits of the largest plan");
    println!(
        "{:>6} {:>6} {:>10} {:>11} {:>10} {:>11} {:>10} {:>12} {:>12}",
        "tasks", "teams", "claims", "requests/s", "claims/s", "asks/call", "p99 ms", "Redis µs/req", "bytes/claim"
    );
    for events in [0, BATCH] {
        for tasks in [64, 256] {
            for teams in [1, 64, 1_024] {
                measure(&url, &mut admin, Load { tasks, teams, events }).await?;
            }
        }
    }
    Ok(())
}

async fn measure(url: &str, admin: &mut MultiplexedConnection, load: Load) -> Result<(), Box<dyn Error>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let prefix = format!("gate-cost-{}", SystemClock.now().as_millis());
    // It is to be measured how slow a busy server is, not how it is given up.
    let options = RedisOptions { response_timeout: Duration::from_secs(30), ..RedisOptions::new(url, prefix.as_str()) };
    let gate = metrics::with_local_recorder(&recorder, || RedisGate::connect(options, Arc::new(SystemClock)))?;
    let gate = Arc::new(gate);
    let teams: Vec<TeamId> =
        (0..load.teams).map(|_| TeamId::mint(Region::Eu, SystemClock.now(), &RandomIds.random())).collect();
    for team in &teams {
        gate.seed(*team, Seed::default()).await?;
    }
    let memory_before = figure(admin, "memory", "used_memory").await?;
    let cpu_before = cpu_seconds(admin).await?;
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..load.tasks {
        let (gate, teams) = (Arc::clone(&gate), teams.clone());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            let mut turn = number;
            while begun.elapsed() < RUNS_FOR {
                let asked_at = Instant::now();
                let team = teams[turn % teams.len()];
                turn += load.tasks;
                let Verdict::Admitted { ticket, .. } = gate.admit(ask(team, load.events)).await? else {
                    return Err(GateDown("every request is within its limits".into()));
                };
                latencies.push(asked_at.elapsed());
                gate.confirm(ticket).await;
            }
            Ok(latencies)
        });
    }
    let latencies: Result<Vec<Vec<Duration>>, GateDown> = tasks.join_all().await.into_iter().collect();
    let mut latencies = latencies?.concat();
    let seconds = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let requests = latencies.len() as f64;
    let claims = requests * load.events.max(1) as f64;
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    let cpu = cpu_seconds(admin).await? - cpu_before;
    let memory = figure(admin, "memory", "used_memory").await? - memory_before;
    println!(
        "{:>6} {:>6} {:>10} {:>11.0} {:>10.0} {:>11.1} {:>10.1} {:>12.1} {:>12.0}",
        load.tasks,
        load.teams,
        if load.events == 0 { "1 start".to_owned() } else { format!("{} events", load.events) },
        requests / seconds,
        claims / seconds,
        value(&handle, "_sum") / value(&handle, "_count"),
        p99.as_secs_f64() * 1e3,
        cpu * 1e6 / requests,
        memory / claims,
    );
    drop(gate);
    clear_away(admin, &prefix).await
}

fn ask(team: TeamId, events: usize) -> Ask {
    let now = SystemClock.now();
    let claims = match events {
        0 => vec![start(now)],
        events => (0..events).map(|_| event(now)).collect(),
    };
    let limits = Limits { sustained_per_s: Some(u32::MAX), burst: Some(u32::MAX), ..Plan::Business.limits() };
    let limits = Limits { events_per_month: Some(u64::MAX >> 12), ..limits };
    Ask {
        team,
        limits,
        now,
        steady: now,
        applied_to: None,
        charge_rate: true,
        agent: None,
        claims,
        reads: Vec::new(),
        unclaimed_units: 0,
    }
}

fn start(now: Timestamp) -> Claim {
    Claim {
        key: ClaimKey::Start(RunId::mint(Region::Eu, now, &RandomIds.random())),
        fingerprint: Fingerprint { main: 1, detail: Some(2) },
        answer: Bytes::from_static(b"an-agent-of-some-name, its start and receive times"),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    }
}

fn event(now: Timestamp) -> Claim {
    Claim {
        key: ClaimKey::Event(EventId::mint(Region::Eu, now, &RandomIds.random())),
        fingerprint: Fingerprint { main: 1, detail: None },
        answer: Bytes::new(),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    }
}

/// The sum or the count of the questions per call.
fn value(handle: &PrometheusHandle, part: &str) -> f64 {
    let name = format!("{}{part} ", names::ASKS_PER_CALL);
    let rendered = handle.render();
    rendered.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(f64::NAN)
}

async fn cpu_seconds(admin: &mut MultiplexedConnection) -> Result<f64, Box<dyn Error>> {
    Ok(figure(admin, "cpu", "used_cpu_user").await? + figure(admin, "cpu", "used_cpu_sys").await?)
}

async fn figure(admin: &mut MultiplexedConnection, section: &str, name: &str) -> Result<f64, Box<dyn Error>> {
    let info: String = redis::cmd("INFO").arg(section).query_async(admin).await?;
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.ok_or("the server does not tell")?.trim().parse()?)
}

async fn clear_away(admin: &mut MultiplexedConnection, prefix: &str) -> Result<(), Box<dyn Error>> {
    let mut cursor = 0;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(admin).await?;
        for keys in keys.chunks(500) {
            let _: i64 = redis::cmd("DEL").arg(keys).query_async(admin).await?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}
