//! `replay`: what was accepted is appended again, whole, and what is stored does not care.

mod embedded;
mod going_on;
mod lost_rows;
mod under_way;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, LogClient, Seen, Settings};
use tidegate_tests::{Plan, Target, Team, clock, eventually, wire};

use crate::{BINARY, PATIENCE, foreign};
use under_way::UnderWay;

/// A deployment with some runs in it.
struct Scene {
    settings: Settings,
    stack: Addresses,
    target: Target,
    team: Team,
    runs: Vec<String>,
    /// Before anything was sent.
    from: String,
    folder: TempDir,
}

/// Each run is a start, an events and a finish record.
const RECORDS_A_RUN: usize = 3;

impl Scene {
    async fn with_runs(settings: Settings, runs: usize) -> Self {
        let (stack, from) = (Addresses::found(), clock::iso(clock::now_ms() - clock::MINUTE_MS));
        let target = Target::on_the_stack(BINARY, &settings).await;
        let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tidegate.toml"), settings.file(&stack)).unwrap();
        let mut scene = Scene { settings, stack, target, team, runs: Vec::new(), from, folder };
        for number in 0..runs {
            let run = finished_run(&scene.team, &format!("agent-{}", number % 2)).await;
            scene.runs.push(run);
        }
        scene.applied().await;
        scene
    }

    fn log(&self) -> LogClient {
        LogClient::connect(&self.stack, &self.settings.records_topic(), &self.settings.group())
    }

    /// Waits until everything on the log is applied.
    async fn applied(&self) {
        let log = self.log();
        eventually(PATIENCE, "all is applied", async || match log.behind().await? {
            0 => Ok(()),
            records => Err(format!("{records} records wait")),
        })
        .await;
    }

    async fn records(&self) -> Vec<Seen> {
        self.log().records().await.unwrap()
    }

    /// All that readers see of the runs.
    async fn read(&self) -> Vec<Value> {
        let mut all = vec![self.team.read("/v1/usage").await.expect(200).json()];
        for run in &self.runs {
            all.push(self.team.read(&format!("/v1/runs/{run}")).await.expect(200).json());
        }
        let mut listed = self.team.listed("limit=100").await;
        listed.sort_by_key(|run| run["id"].to_string());
        all.extend(listed);
        all
    }

    fn progress(&self) -> String {
        self.folder.path().join("progress.json").display().to_string()
    }

    /// Begins a replay and does not wait for its end.
    fn begin(&self, words: &[&str]) -> UnderWay {
        let (file, progress) = (self.folder.path().join("tidegate.toml").display().to_string(), self.progress());
        let place: &[&str] = if words.contains(&"--dry-run") { &[] } else { &["--progress", &progress] };
        UnderWay::begin(self.folder.path(), &[&["replay"], words, place, &["--config", &file]].concat())
    }

    /// Replays to the end and returns the report.
    async fn replay(&self, words: &[&str]) -> Value {
        let (code, out, err) = self.begin(&[words, &["--json"]].concat()).end().await;
        assert_eq!(code, Some(0), "{words:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?} printed no JSON ({error}): {out}"))
    }
}

async fn finished_run(team: &Team, agent: &str) -> String {
    let (run, event) = (team.run_id(), team.event_id());
    team.start(&wire::start(&run, agent)).await.expect(202);
    team.batch(&run, &[wire::log_event(&event)]).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
    run
}

/// The places that replayed records were taken from.
fn origins(records: &[Seen]) -> Vec<String> {
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    records.iter().filter_map(|one| one.headers.get("tidegate-replayed-from").map(text)).collect()
}

fn place(record: &Seen) -> String {
    format!("1/{}/{}", record.partition, record.offset)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_appends_each_record_again_and_twice_changes_nothing() {
    let scene = Scene::with_runs(Settings::small(), 4).await;
    let (before, original) = (scene.read().await, scene.records().await);
    let total = 4 * RECORDS_A_RUN;
    assert_eq!(original.len(), total);
    for round in 1..=2 {
        let report = scene.replay(&["--from", &scene.from]).await;
        assert_eq!((&report["appended"]["total"], &report["whole"]), (&json!(total), &json!(true)), "{report}");
        assert_eq!(report["passed_over"]["replays"], (round - 1) * total, "its own output is none of it: {report}");
        assert!(!std::path::Path::new(&scene.progress()).exists());
        scene.applied().await;
        assert_eq!(scene.read().await, before, "round {round}");
    }
    let records = scene.records().await;
    assert_eq!(records.len(), 3 * total);
    let places: BTreeSet<String> = original.iter().map(place).collect();
    assert_eq!(origins(&records).into_iter().collect::<BTreeSet<_>>(), places);
    for one in records.iter().filter(|one| one.headers.contains_key("tidegate-replayed-from")) {
        let of = origins(std::slice::from_ref(one)).remove(0);
        let source = original.iter().find(|original| place(original) == of).unwrap();
        assert_eq!((&one.payload, &one.key, one.partition), (&source.payload, &source.key, source.partition));
        assert_eq!(one.headers["tidegate-attempt"], b"2");
    }
    // A range of places takes replays too, and says so in their attempt.
    let again = records.iter().find(|one| one.headers.contains_key("tidegate-attempt")).unwrap();
    let range = format!("{}:{}", again.partition, again.offset);
    assert_eq!(scene.replay(&["--offsets", &range]).await["appended"]["total"], 1);
    let last = scene.records().await.into_iter().find(|one| origins(std::slice::from_ref(one)) == [place(again)]);
    assert_eq!(last.unwrap().headers["tidegate-attempt"], b"3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_the_store_lost_comes_back_and_a_dry_run_says_so_before() {
    let scene = Scene::with_runs(Settings::small(), 3).await;
    let (before, lost) = (scene.read().await, &scene.runs[1]);
    let rows = Rows::connect(&scene.stack.cql).await.unwrap();
    let (runs, team) = (format!("{}.runs", scene.settings.keyspace()), &scene.team.id);
    let of_it = format!("WHERE team = '{team}' AND run = '{lost}'");
    let found = rows.select(&format!("SELECT JSON position FROM {runs} {of_it}")).await.unwrap();
    // At the store's own time of writing: a later one would hide what the replay writes, too.
    let position = found[0]["position"].as_i64().unwrap();
    rows.execute(&format!("DELETE FROM {runs} USING TIMESTAMP {position} {of_it}")).await.unwrap();
    scene.team.read(&format!("/v1/runs/{lost}")).await.expect(404);

    let ends = scene.log().ends().await.unwrap();
    let told = scene.replay(&["--from", &scene.from, "--team", team, "--dry-run"]).await;
    let (adds, nothing) = (&told["would_add"], &told["would_change_nothing"]);
    assert_eq!(
        (&adds["total"], &adds["start"], &adds["events"], &adds["finish"]),
        (&json!(3), &json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        (&nothing["total"], &told["would_conflict"]["total"], &told["runs_changed"]),
        (&json!(6), &json!(0), &json!(1))
    );
    assert_eq!(
        (&told["dry_run"], &told["exact"], &told["waiting_on_the_log"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert_eq!(scene.log().ends().await.unwrap(), ends, "nothing was appended");
    scene.team.read(&format!("/v1/runs/{lost}")).await.expect(404);

    // Its agent is the second; the store does not know it any more, the start in the range does.
    let report = scene.replay(&["--from", &scene.from, "--team", team, "--agent", "agent-1"]).await;
    assert_eq!((&report["appended"]["total"], &report["passed_over"]["not_asked_for"]), (&json!(3), &json!(6)));
    scene.applied().await;
    assert_eq!(scene.read().await, before);
    let told = scene.replay(&["--from", &scene.from, "--dry-run"]).await;
    assert_eq!((&told["would_add"]["total"], &told["would_change_nothing"]["total"]), (&json!(0), &json!(9)), "{told}");
    let of_events = scene.replay(&["--from", &scene.from, "--kind", "events", "--dry-run"]).await;
    assert_eq!((&of_events["chosen"]["total"], &of_events["chosen"]["events"]), (&json!(3), &json!(3)), "{of_events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bad_release_buried_is_stored_by_replaying_its_letters() {
    let mut scene = Scene::with_runs(Settings::small(), 0).await;
    let persister = scene.target.servers().named("persist-0");
    assert!(persister.stop().await, "{}", persister.log());
    persister.arm(&[("FAILPOINTS", "persister::decode_fails=return")]);
    persister.start().await;
    let runs = [finished_run(&scene.team, "nightly").await, finished_run(&scene.team, "nightly").await];
    foreign::append(&scene.settings.records_topic(), 0, b"k", &[], b"not a record");
    scene.applied().await;
    for run in &runs {
        scene.team.read(&format!("/v1/runs/{run}")).await.expect(404);
    }
    // The release is taken back.
    let persister = scene.target.servers().named("persist-0");
    assert!(persister.stop().await, "{}", persister.log());
    persister.arm(&[]);
    persister.start().await;

    let told = scene.replay(&["--dead-letters", "--dry-run"]).await;
    assert_eq!(
        (&told["total"], &told["would_add"]["total"], &told["cannot_be_decoded"]),
        (&json!(7), &json!(6), &json!(1))
    );
    let report = scene.replay(&["--dead-letters"]).await;
    assert_eq!(
        (&report["appended"]["total"], &report["passed_over"]["unreadable"]),
        (&json!(6), &json!(1)),
        "{report}"
    );
    scene.applied().await;
    for run in &runs {
        scene.team.closed_run(run).await;
    }
    scene.runs.extend(runs);
    let before = scene.read().await;
    scene.replay(&["--dead-letters"]).await;
    scene.applied().await;
    assert_eq!(scene.read().await, before, "twice changes nothing");
}
