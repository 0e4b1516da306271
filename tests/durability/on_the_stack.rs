//! Front doors and persisters on the real stack: one of two is killed at a time, so that the other continues; and in
//! the end all at once.

use tidegate_tests::Target;
use tidegate_tests::stack::Settings;

use crate::{BINARY, UnderLoad};

const ROUNDS: u64 = 8;
const CLIENTS: u64 = 6;
const VICTIMS: [&str; 4] = ["ingest-0", "persist-0", "ingest-1", "persist-1"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_invent_nothing() {
    let target = Target::on_the_stack(BINARY, &Settings::default()).await;
    let mut load = UnderLoad::begin(target, CLIENTS).await;
    let first = load.random.within(0..4);
    for round in 0..ROUNDS {
        load.round().await;
        let victim = VICTIMS[usize::try_from((first + round) % 4).unwrap()];
        load.target.servers().named(victim).kill();
        // The rest of the deployment goes on without it.
        load.round().await;
        load.target.servers().named(victim).start().await;
    }
    load.round().await;
    load.kill_all().await;
    load.round().await;
    println!("{}", load.judge().await);
}
