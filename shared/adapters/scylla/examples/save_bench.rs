//! How many touches of runs a store takes per second: start, events, finish, each loaded, folded and saved; and beside
//! it, how many bare inserts the driver gets through, since the server is the limit of both.
//!
//! `cargo run --release -p tidegate-scylla --example save_bench -- 127.0.0.1:19042 KEYSPACE RUNS`

use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::client::session_builder::SessionBuilder;
use tidegate_agentping::{Body, Event, Finish, FinishStatus, Id, Record, RunKey, RunState, Slug, Start};
use tidegate_agentping_ports::{EventRow, RunWanted, RunWrite, Runs};
use tidegate_kernel::{FreeJson, Position, Region, Timestamp};
use tidegate_ports::{Ids, RandomIds};
use tidegate_scylla::{Cql, Replication, ScyllaOptions, ScyllaStore, migrations};

const POLL: usize = 500;
const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a bench tells")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let node = arguments.next().unwrap_or_else(|| "127.0.0.1:19042".into());
    let keyspace = arguments.next().unwrap_or_else(|| "tidegate_bench".into());
    let runs: usize = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let options = ScyllaOptions { nodes: vec![node], keyspace, ..ScyllaOptions::default() };
    migrations::apply(&options, &Replication::Simple(1)).await?;
    let store = ScyllaStore::new(Cql::connect(&options).await?);

    let team = Id::mint(Region::Eu, NOON, &RandomIds.random());
    let keys: Vec<RunKey> =
        (0..runs).map(|_| RunKey { team, run: Id::mint(Region::Eu, NOON, &RandomIds.random()) }).collect();
    let began = Instant::now();
    let mut offset = 0;
    for step in [start as fn() -> Body, events, finish] {
        for keys in keys.chunks(POLL) {
            let wanted: Vec<RunWanted> = keys.iter().map(|key| RunWanted { key: *key, events: Vec::new() }).collect();
            let stored = store.load(&wanted).await?;
            let writes = keys.iter().zip(stored).map(|(key, stored)| {
                offset += 1;
                let mut state = RunState { run: stored.run.unwrap_or_default(), ..RunState::default() };
                let new = state.apply(Record::new(*key, NOON, step())).new_events;
                let new_events = new.into_iter().map(|event| EventRow { event, received_at: NOON }).collect();
                let position = Position { generation: 1, partition: 0, offset };
                RunWrite { key: *key, run: state.run, new_events, position, again: None }
            });
            store.save(Arc::new(writes.collect())).await?;
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

fn start() -> Body {
    Body::Start(Start {
        // A plain word.
        agent: Slug::parse("daily").expect("a slug"),
        started_at: NOON,
        customer_id: Some("a customer".into()),
        feature: None,
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    })
}

fn events() -> Body {
    let event = || Event {
        id: Id::mint(Region::Eu, NOON, &RandomIds.random()),
        kind: "log".into(),
        ts: NOON,
        turn: None,
        data: FreeJson::empty_object(),
        content_hash: 1,
        earlier_hash: None,
        errored: false,
        call: None,
    };
    Body::Events((0..4).map(|_| event()).collect())
}

fn finish() -> Body {
    Body::Finish(Finish {
        status: FinishStatus::Success,
        finished_at: NOON,
        output: None,
        scores: None,
        metadata: None,
    })
}
