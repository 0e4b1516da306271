//! How many touches of runs a store takes per second: start, events, finish, each loaded, folded and saved; and besides
//! it, how many bare inserts the driver gets through, since the server is the limit of both.
//!
//! `cargo run --release -p tidegate-scylla --example save_bench -- 127.0.0.1:19042 KEYSPACE RUNS`

use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::client::session_builder::SessionBuilder;
use tidegate_agentping::{Body, FinishStatus, RunKey};
use tidegate_agentping_testkit::{IntoBody as _, NOON, StartWith as _, event, finish, fresh, persist, record, start};
use tidegate_kernel::Position;
use tidegate_scylla::{Cql, Replication, ScyllaOptions, ScyllaStore, agentping, migrations};

const POLL: usize = 500;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a bench tells")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let node = arguments.next().unwrap_or_else(|| "127.0.0.1:19042".into());
    let keyspace = arguments.next().unwrap_or_else(|| "tidegate_bench".into());
    let runs: usize = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let options = ScyllaOptions { nodes: vec![node], keyspace, ..ScyllaOptions::default() };
    migrations::apply(&options, &Replication::Simple(1), &agentping::SCHEMA).await?;
    let store = ScyllaStore::new(Cql::connect(&options, &agentping::SCHEMA).await?);

    let team = fresh();
    let keys: Vec<RunKey> = (0..runs).map(|_| RunKey { team, run: fresh() }).collect();
    let began = Instant::now();
    let mut offset = 0;
    for step in [opening as fn() -> Body, events, closing] {
        for keys in keys.chunks(POLL) {
            let records = keys.iter().map(|key| {
                offset += 1;
                (Position { generation: 1, partition: 0, offset }, record(*key, NOON, step()))
            });
            persist(&store, records).await?;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{:.0} touches/s, {:.0} runs/s", (runs * 3) as f64 / seconds, runs as f64 / seconds);
    println!("{:.0} bare inserts/s", bare_inserts_per_second(&options, runs * 3).await?);
    Ok(())
}

async fn bare_inserts_per_second(options: &ScyllaOptions, inserts: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let session = SessionBuilder::new().known_nodes(&options.nodes).build().await?;
    session.use_keyspace(&options.keyspace, false).await?;
    let insert =
        session.prepare("INSERT INTO run_usage (team, month, bucket, run, units) VALUES (?, '', 0, '', 1)").await?;
    let began = Instant::now();
    let inserting = (0..inserts).map(|number| session.execute_unpaged(&insert, (number.to_string(),)));
    stream::iter(inserting).buffer_unordered(options.concurrency).try_for_each(|_| async { Ok(()) }).await?;
    Ok(inserts as f64 / began.elapsed().as_secs_f64())
}

fn opening() -> Body {
    start("daily").customer("a customer").into_body()
}

fn events() -> Body {
    (0..4).map(|_| event(fresh())).collect::<Vec<_>>().into_body()
}

fn closing() -> Body {
    finish(FinishStatus::Success).into_body()
}
