//! Connections that say nothing: ten thousand that find a place, and five thousand where there is none.

use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::deployment::metrics_of;

const IDLE: usize = 10_000;
/// The front door that gets more than it takes, how many it takes, and how many come.
const CROWDED: &str = "ingest-0";
const PLACES: &str = "1000";
const TOO_MANY: usize = 5_000;
/// Connections that are made at once.
const AT_ONCE: usize = 64;
const SOME: std::ops::Range<u64> = 100..200;

pub async fn connections(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    let door = scene.target.front_doors()[0].trim_start_matches("http://").to_owned();
    let mut idle = silent(&door, IDLE).await;
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

/// So many connections to `door` on which nothing is sent.
async fn silent(door: &str, connections: usize) -> Vec<TcpStream> {
    let connect = |_| TcpStream::connect(door);
    let silent: Vec<_> = iter(0..connections).map(connect).buffer_unordered(AT_ONCE).collect().await;
    silent.into_iter().collect::<Result<_, _>>().expect("so many connections: is `ulimit -n` above 12000?")
}

/// More of them than their front door takes: they give way to clients that have something to say.
pub async fn more_than_fit(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    let server = trial.server(CROWDED);
    let restarted = async |variables: &[(&str, &str)]| {
        assert!(server.stop().await, "{CROWDED} did not stop:\n{}", server.log());
        server.arm(variables);
        server.start().await;
    };
    restarted(&[("TIDEGATE_INGEST__MAX_CONNECTIONS", PLACES)]).await;
    trial.acknowledge_some(SOME).await;
    let door = scene.target.front_doors()[0].trim_start_matches("http://").to_owned();
    let idle = silent(&door, TOO_MANY).await;
    // The others are served all the while, at the same door, too.
    trial.acknowledge_some(SOME).await;
    trial.recovers().await;
    let gave_way = metrics_of(server.ops()).await.sum("tidegate_connections_gave_way_total", &[("port", "ingest")]);
    assert!(gave_way > 0, "no connection gave way to another");
    assert!(server.log().contains("all connections are taken"), "nothing was logged");
    given.sheet.note(format!("{gave_way} connections gave way to others"));
    drop(idle);
    restarted(&[]).await;
    trial.recovers().await;
    trial.ends().await;
}
