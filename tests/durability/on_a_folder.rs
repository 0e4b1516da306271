//! One process on a data folder, killed twenty times.

use tidegate_tests::{Program, Target};

use crate::{BINARY, UnderLoad};

const KILLS: u64 = 20;
const CLIENTS: u64 = 8;

/// AP-67, at length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_invent_nothing() {
    let mut load = UnderLoad::begin(Target::own(Program::Embedded(BINARY)).await, CLIENTS).await;
    for _ in 0..KILLS {
        load.round().await;
        load.kill_all().await;
    }
    println!("{}", load.judge().await);
}
