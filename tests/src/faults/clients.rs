//! Clients that leave before their answer, and clients that send their request very slowly.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::durability::load::Load;
use crate::durability::{Sent, book};

const SOME: std::ops::Range<u64> = 20..80;
const LEAVERS: usize = 60;
const SLOW: usize = 200;
/// A slow client is cut off after five seconds here; a busy machine may take longer to come to it.
const CUT_OFF: Duration = Duration::from_secs(90);
/// How often a slow client says another byte.
const BYTE: Duration = Duration::from_millis(500);

/// The whole of a heartbeat's request.
fn heartbeat(load: &Load, door: &str, run: &str) -> Vec<u8> {
    let body = book::heartbeat(run).to_string();
    let head = format!(
        "POST /v1/heartbeats HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        load.team.key,
        body.len()
    );
    (head + &body).into_bytes()
}

async fn connected(door: &str) -> TcpStream {
    TcpStream::connect(door.trim_start_matches("http://")).await.expect("the front door takes connections")
}

/// Clients send a whole request, or a part of it, and are gone.
pub async fn leave(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    for _ in 0..3 {
        trial.acknowledge_some(SOME).await;
        let load = trial.load();
        let parts: Vec<u64> = (0..LEAVERS).map(|_| trial.random.within(1..200)).collect();
        join_all(parts.into_iter().enumerate().map(|(at, percent)| one_leaves(load.clone(), at, percent))).await;
        trial.recovers().await;
    }
    trial.ends().await;
}

async fn one_leaves(load: Arc<Load>, at: usize, percent: u64) {
    let doors = load.team.deployment.front_doors();
    let door = &doors[at % doors.len()];
    let run = load.team.run_id();
    let request = heartbeat(&load, door, &run);
    load.book.sending(&[Sent::Heartbeat { run }]);
    let mut connection = connected(door).await;
    // Above a hundred all of it is sent.
    let sent = request.len() * usize::try_from(percent.min(100)).expect("it is small") / 100;
    connection.write_all(&request[..sent]).await.expect("the front door reads");
}

/// Clients that send a byte now and then, of their headers or of their body, until they are cut off.
pub async fn dawdle(given: Given, in_the_body: bool) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    let load = trial.load();
    let ends = join_all((0..SLOW).map(|at| one_dawdles(load.clone(), at, in_the_body)));
    // The others are served all the while.
    let (ends, ()) = tokio::join!(ends, trial.acknowledge(100));
    let told = ends.iter().filter(|end| end.contains(" 408 ")).count();
    given.sheet.note(format!("{SLOW} slow clients were cut off, {told} of them with a 408"));
    trial.recovers().await;
    trial.ends().await;
}

/// What it was answered before it was cut off.
async fn one_dawdles(load: Arc<Load>, at: usize, in_the_body: bool) -> String {
    let doors = load.team.deployment.front_doors();
    let door = &doors[at % doors.len()];
    let run = load.team.run_id();
    let request = heartbeat(&load, door, &run);
    load.book.sending(&[Sent::Heartbeat { run }]);
    let head = request.windows(4).position(|four| four == b"\r\n\r\n").expect("a request has a head") + 4;
    let said = if in_the_body { head } else { 20 };
    let (mut reads, mut writes) = connected(door).await.into_split();
    writes.write_all(&request[..said]).await.expect("the front door reads");
    let rest = request[said..].to_vec();
    let saying = async {
        let mut ticks = tokio::time::interval(BYTE);
        for byte in rest {
            ticks.tick().await;
            if writes.write_all(&[byte]).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let listening = async {
        let mut told = Vec::new();
        let _ = reads.read_to_end(&mut told).await;
        String::from_utf8_lossy(&told).into_owned()
    };
    let cut_off = async {
        tokio::select! {
            told = listening => told,
            () = saying => unreachable!("it never ends"),
        }
    };
    tokio::time::timeout(CUT_OFF, cut_off).await.expect("a slow client is cut off")
}
