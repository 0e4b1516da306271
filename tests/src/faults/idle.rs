//! Ten thousand connections that say nothing.

use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::catalogue::Given;
use super::trial::{Pace, Trial};

const IDLE: usize = 10_000;
/// Connections that are made at once.
const AT_ONCE: usize = 64;
const SOME: std::ops::Range<u64> = 100..200;

pub async fn connections(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    let door = scene.target.front_doors()[0].trim_start_matches("http://").to_owned();
    let connect = |_| TcpStream::connect(&door);
    let idle: Vec<_> = iter(0..IDLE).map(connect).buffer_unordered(AT_ONCE).collect().await;
    let mut idle: Vec<TcpStream> =
        idle.into_iter().collect::<Result<_, _>>().expect("ten thousand connections: is `ulimit -n` above 12000?");
    // The others are served all the while, at the same door, too.
    trial.acknowledge_some(SOME).await;
    let mut open = 0;
    for connection in &mut idle {
        let mut byte = [0];
        let said = futures_util::FutureExt::now_or_never(connection.read(&mut byte));
        open += usize::from(said.is_none());
    }
    given.sheet.note(format!("{open} of {IDLE} idle connections were still open while the others were served"));
    trial.recovers().await;
    drop(idle);
    trial.recovers().await;
    trial.ends().await;
}
