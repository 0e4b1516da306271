//! Rows of listings and indexes that the store lost of runs it has: a replay writes them again, whatever the persisters
//! remember to have written, and a dry run counts them before.

use serde_json::json;
use tidegate_tests::stack::Settings;
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::wire;

use super::Scene;
use crate::place;

/// Every table that follows from runs, and is read.
const DERIVED: [&str; 7] =
    ["run_listing", "run_days", "run_agents", "run_usage", "run_repeats", "unpriced_models", "event_owners"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncated_listings_come_back_while_the_same_persisters_run() {
    let mut scene = Scene::with_runs(Settings::small(), 3).await;
    let run = scene.team.run_id();
    scene.team.start(&wire::start(&run, "unpriced")).await.expect(202);
    let call = wire::llm_call(&scene.team.event_id(), "nobody", "unheard-of", (1, 2, 3));
    scene.team.batch(&run, &[call]).await.expect(202);
    scene.team.finish(&run, &wire::finish()).await.expect(202);
    // Another status under the id of a closed run: a repeat that is counted.
    scene.team.finish(&run, &wire::with(wire::finish(), "status", json!("failed"))).await.expect(200);
    scene.runs.push(run);
    scene.applied().await;
    let (read, rows) = (scene.read_derived().await, scene.derived_rows().await);
    assert!(rows.iter().all(|(_, rows)| !rows.is_empty()), "each table has rows: {rows:?}");

    let cql = Rows::connect(&scene.stack.cql).await.unwrap();
    for table in DERIVED {
        cql.execute(&format!("TRUNCATE {}.{table}", scene.settings.keyspace())).await.unwrap();
    }
    assert_ne!(scene.read_derived().await, read);
    let missing: usize = rows.iter().map(|(_, rows)| rows.len()).sum();
    let told = scene.replay(&["--from", &scene.from, "--dry-run"]).await;
    assert_eq!((&told["would_add_rows"], &told["would_add"]["total"]), (&json!(missing), &json!(0)), "{told}");
    assert_eq!(told["exact"], true);

    scene.replay(&["--from", &scene.from]).await;
    scene.applied().await;
    assert_eq!(scene.derived_rows().await, rows);
    assert_eq!(scene.read_derived().await, read);
    let told = scene.replay(&["--from", &scene.from, "--dry-run"]).await;
    assert_eq!((&told["would_add_rows"], &told["would_add"]["total"]), (&json!(0), &json!(0)), "{told}");

    // A store built from the log alone agrees, cell by cell.
    let (file, again) = (scene.folder.path().join("tidegate.toml"), format!("{}_again", scene.settings.keyspace()));
    let file = file.display().to_string();
    for words in [["rebuild", "--into", &again, "--config", &file], ["compare", "--with", &again, "--config", &file]] {
        let ended = place::run(&words, &[]).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    }
}

impl Scene {
    /// What readers see of all that follows from runs.
    async fn read_derived(&self) -> Vec<serde_json::Value> {
        let mut all = self.team.listed("limit=100").await;
        all.sort_by_key(|run| run["id"].to_string());
        all.push(self.team.spend().await.expect(200).json());
        for path in ["/v1/usage", "/v1/agents"] {
            all.push(self.team.read(path).await.expect(200).json());
        }
        all
    }

    /// Every row of every derived table.
    async fn derived_rows(&self) -> Vec<(&'static str, Vec<String>)> {
        let cql = Rows::connect(&self.stack.cql).await.unwrap();
        let mut all = Vec::new();
        for table in DERIVED {
            let rows = cql.select(&format!("SELECT JSON * FROM {}.{table}", self.settings.keyspace())).await.unwrap();
            let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
            rows.sort();
            all.push((table, rows));
        }
        all
    }
}
