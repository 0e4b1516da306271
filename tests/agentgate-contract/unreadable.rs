//! A row of the store that is not what was written.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use tidegate_tests::Program;
use tidegate_tests::stack::Addresses;
use tidegate_tests::stack::rows::Rows;

use crate::suite::one;
use crate::{PROGRAM, World};

/// Overwrites the document of a run with one byte that is no JSON, as an outsider.
async fn overwrite(world: &World, run: &str) {
    match PROGRAM {
        Program::Embedded(_) => {
            let file = Connection::open(world.target().data_folder().join("agentgate").join("store.db")).unwrap();
            file.busy_timeout(Duration::from_secs(60)).unwrap();
            // The process that owns the file checkpoints it.
            file.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
            let update = "UPDATE views SET doc = x'00' WHERE view = 'runs' AND row = 'run' AND shard = ?1";
            assert_eq!(file.execute(update, [run]).unwrap(), 1);
        }
        Program::OnTheStack(_) | Program::AgentGateOnTheStack(_) => {
            let views = format!("{}.views", world.target().servers().settings().commands_keyspace());
            let row = format!("view_name = 'runs' AND shard = '{run}' AND row_name = 'run'");
            let rows = Rows::connect(&Addresses::found().cql).await.unwrap();
            assert_eq!(rows.select(&format!("SELECT JSON doc FROM {views} WHERE {row}")).await.unwrap().len(), 1);
            rows.execute(&format!("UPDATE {views} SET doc = 0x00 WHERE {row}")).await.unwrap();
        }
    }
}

/// AG-40: an unexpected failure names its request and nothing of the inside, and concerns nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_is_a_failure_of_ours() {
    let (world, _, client) = one().await;
    let (run, other) = (client.run().await, client.run().await);
    let path = format!("/v1/runs/{run}");
    client.get(&path).await.expect(200);
    overwrite(&world, &run).await;
    let answer = client.get(&path).await.expect(500);
    let id = answer.header("x-request-id").unwrap().to_owned();
    assert!(id.starts_with("req_"), "{answer}");
    for inside in ["expected value", "line 1", "column", "views", "store"] {
        assert!(!answer.text().contains(inside), "{answer}");
    }
    assert_eq!(answer.refused(500, "INTERNAL_ERROR"), json!({ "requestId": id }));
    client.get(&format!("/v1/runs/{other}")).await.expect(200);
    assert_eq!(client.get("/v1/runs").await.expect(200).json()["total"], 2);
}
