//! When runs are judged, and by which version (AC-47 to AC-52).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tidegate_agentping::{FinishStatus, Plan, RunKey};
use tidegate_agentping_checks::rows::{
    CHECK_RESULTS, CHECKS_FAILED, RunChecks, failed_shard, is_summary, run_shard, summary_key,
};
use tidegate_agentping_checks::{CheckDoc, CheckId, CheckOutcome, CheckResult};
use tidegate_agentping_ports::spend_rows::whole_shard;
use tidegate_agentping_settings::kinds;
use tidegate_agentping_testkit::{
    EventWith as _, FinishWith as _, NOON, StartWith as _, event, finish, record, run_id, start, team,
};
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{Month, Region, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, Rows};
use tidegate_pulse::checks::{CheckRound, CheckRunner};

use crate::world::World;

struct Judged {
    world: World,
    documents: Arc<MemoryDocuments>,
    runner: CheckRunner,
}

const RUN: RunKey = RunKey { team: team(1), run: run_id(1) };

fn id(number: u128) -> String {
    CheckId::from_bits(Region::Eu, number).to_string()
}

impl Judged {
    async fn new() -> Self {
        let world = World::new();
        let documents = Arc::new(MemoryDocuments::new(world.clock.clone()));
        let runner = runner(&world, &documents).await;
        Judged { world, documents, runner }
    }

    /// A new process.
    async fn restart(&mut self) {
        self.runner = runner(&self.world, &self.documents).await;
    }

    /// Stores a check of the agent `daily`.
    async fn check(&mut self, number: u128, members: &Value) -> CheckDoc {
        let doc = CheckDoc::parse("daily", members, Plan::Team, self.now()).unwrap();
        self.store(number, &doc).await;
        doc
    }

    async fn store(&mut self, number: u128, doc: &CheckDoc) {
        let write = DocumentWrite {
            kind: kinds::CHECK.into(),
            name: id(number).into(),
            expected: Expected::Anything,
            doc: Some(serde_json::to_vec(doc).unwrap()),
            ends_at: None,
        };
        self.documents.write(&team(1).to_string(), &[write], self.now()).await.unwrap();
        // What a copy follows by itself within a second.
        self.restart().await;
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// A run that starts and ends now, with this output.
    async fn run(&mut self, key: RunKey, status: FinishStatus, output: Option<&str>) {
        let now = self.now();
        self.world.take(record(key, now, start("daily").at(now))).await;
        let end = finish(status).at(now);
        self.world.take(record(key, now, output.map_or(end.clone(), |output| end.output(output)))).await;
    }

    async fn tool_call(&mut self, key: RunKey, number: u128) {
        let call = event(number).kind("tool_call").data(r#"{"tool":"search"}"#);
        self.world.take(record(key, self.now(), call)).await;
    }

    /// The time goes on, and the watermark with it.
    async fn after(&mut self, seconds: i64) -> CheckRound {
        self.world.clock.advance_ms(seconds * 1_000);
        let round = self.runner.round(self.now()).await.unwrap();
        self.runner.taken(self.now()).await.unwrap();
        round
    }

    async fn results(&self, key: RunKey) -> Vec<(String, u32, CheckOutcome)> {
        let rows = whole_shard(&*self.world.rows, &CHECK_RESULTS, run_shard(key)).await.unwrap();
        let rows = rows.iter().filter(|row| !is_summary(&row.row));
        let results = rows.map(|row| serde_json::from_slice::<CheckResult>(&row.doc).unwrap());
        results.map(|result| (result.check, result.version, result.outcome)).collect()
    }

    async fn summary(&self, key: RunKey) -> Option<RunChecks> {
        let found = self.world.rows.get(&[summary_key(key)]).await.unwrap().pop().flatten();
        found.map(|doc| serde_json::from_slice(&doc).unwrap())
    }

    async fn failed(&self) -> usize {
        let shard = failed_shard(team(1), Month::of(NOON));
        whole_shard(&*self.world.rows, &CHECKS_FAILED, shard).await.unwrap().len()
    }
}

async fn runner(world: &World, documents: &Arc<MemoryDocuments>) -> CheckRunner {
    let settings = Mirror::read(documents.clone(), world.clock.clone()).await.unwrap();
    let runs = Arc::new(world.runs.clone());
    let accounts = Arc::new(world.accounts.clone());
    CheckRunner::new(runs.clone(), accounts, runs, world.rows.clone(), settings, world.clock.clone())
}

fn length(max: u32) -> Value {
    json!({"name": "short", "type": "length", "unit": "characters", "max": max})
}

fn search() -> Value {
    json!({"name": "searched", "type": "tool_call", "tool": "search", "made": true})
}

#[tokio::test]
async fn a_run_is_judged_30_seconds_after_its_end_and_is_final_after_ten_minutes() {
    let mut judged = Judged::new().await;
    judged.check(1, &length(3)).await;
    judged.after(1).await;
    judged.run(RUN, FinishStatus::Success, Some(r#""four""#)).await;
    assert_eq!(judged.after(29).await, CheckRound::default());
    let round = judged.after(1).await;
    assert_eq!((round.judged, round.events.len()), (1, 1));
    assert_eq!((round.events[0].outcome, round.events[0].check_name.as_str()), (CheckOutcome::Fail, "short"));
    assert_eq!(judged.results(RUN).await, [(id(1), 1, CheckOutcome::Fail)]);
    assert_eq!(judged.summary(RUN).await, Some(RunChecks { passed: Some(false), is_final: false }));
    assert_eq!(judged.failed().await, 1);
    assert_eq!(judged.after(60).await.judged, 0, "nothing came since");
    assert_eq!(judged.after(600).await.judged, 1);
    assert_eq!(judged.summary(RUN).await, Some(RunChecks { passed: Some(false), is_final: true }));
    assert_eq!((judged.after(6_000).await.judged, judged.runner.waiting()), (0, 0));
}

/// AC-47: each for itself; AC-48: without an output.
#[tokio::test]
async fn ac_47_and_48_checks_are_judged_each_for_itself() {
    let mut judged = Judged::new().await;
    judged.check(1, &length(3)).await;
    judged.check(2, &search()).await;
    judged.check(3, &json!({"name": "off", "type": "length", "unit": "characters", "max": 1, "enabled": false})).await;
    judged.after(1).await;
    judged.run(RUN, FinishStatus::Success, None).await;
    judged.tool_call(RUN, 1).await;
    judged.after(31).await;
    assert_eq!(judged.results(RUN).await, [(id(1), 1, CheckOutcome::Fail), (id(2), 1, CheckOutcome::Pass)]);
}

/// AC-49: what comes within ten minutes judges again, what comes later does not, whenever it is looked at.
#[tokio::test]
async fn ac_49_later_events_judge_again_for_ten_minutes() {
    for (after_s, outcome) in [(60, CheckOutcome::Pass), (599, CheckOutcome::Pass), (601, CheckOutcome::Fail)] {
        let mut judged = Judged::new().await;
        judged.check(1, &search()).await;
        judged.after(1).await;
        judged.run(RUN, FinishStatus::Success, None).await;
        judged.after(31).await;
        assert_eq!(judged.results(RUN).await, [(id(1), 1, CheckOutcome::Fail)]);
        assert_eq!(judged.failed().await, 1);
        judged.after(after_s - 31).await;
        judged.tool_call(RUN, 1).await;
        judged.after(31).await;
        assert_eq!(judged.results(RUN).await, [(id(1), 1, outcome)], "{after_s}");
        assert_eq!(judged.failed().await, usize::from(outcome == CheckOutcome::Fail));
        assert_eq!(judged.after(700).await.judged, usize::from(after_s == 60));
        // The same events, judged at once after a long silence.
        let mut late = Judged::new().await;
        late.check(1, &search()).await;
        late.after(1).await;
        late.run(RUN, FinishStatus::Success, None).await;
        late.world.clock.advance_ms(after_s * 1_000);
        late.tool_call(RUN, 1).await;
        late.after(7_200).await;
        assert_eq!(late.results(RUN).await, [(id(1), 1, outcome)], "{after_s}, late");
    }
}

/// AC-51: a run is judged by what held when it ended; results of former versions stay.
#[tokio::test]
async fn ac_51_only_later_ends_are_judged_by_a_change() {
    let mut judged = Judged::new().await;
    let mut doc = judged.check(1, &length(3)).await;
    judged.after(1).await;
    judged.run(RUN, FinishStatus::Success, Some(r#""four""#)).await;
    judged.after(31).await;
    let second = RunKey { team: team(1), run: run_id(2) };
    judged.run(second, FinishStatus::Success, Some(r#""four""#)).await;
    judged.world.clock.advance_ms(1_000);
    doc.change(&json!({"max": 10}), Plan::Team, judged.now()).unwrap();
    judged.store(1, &doc).await;
    judged.after(700).await;
    assert_eq!(judged.results(RUN).await, [(id(1), 1, CheckOutcome::Fail)]);
    assert_eq!(judged.results(second).await, [], "the version that held is gone");
    let third = RunKey { team: team(1), run: run_id(3) };
    judged.run(third, FinishStatus::Success, Some(r#""four""#)).await;
    judged.after(31).await;
    assert_eq!(judged.results(third).await, [(id(1), 2, CheckOutcome::Pass)]);
}

#[tokio::test]
async fn a_run_that_fails_is_skipped_and_one_of_another_agent_not_looked_at() {
    let mut judged = Judged::new().await;
    judged.check(1, &length(3)).await;
    judged.after(1).await;
    judged.run(RUN, FinishStatus::Failed, Some(r#""four""#)).await;
    let other = RunKey { team: team(2), run: run_id(2) };
    judged.run(other, FinishStatus::Success, Some(r#""four""#)).await;
    let round = judged.after(31).await;
    assert_eq!((round.judged, round.events.len()), (1, 0));
    assert_eq!(judged.results(RUN).await, [(id(1), 1, CheckOutcome::Skipped)]);
    assert_eq!(judged.summary(RUN).await, Some(RunChecks { passed: None, is_final: false }));
    assert_eq!((judged.results(other).await.len(), judged.failed().await), (0, 0));
}

/// Each write is a commit, which a data folder syncs: a cursor that stays is not written, and one that moves is every few
/// seconds.
#[tokio::test]
async fn the_cursor_is_not_stored_in_each_round() {
    let mut judged = Judged::new().await;
    let written = |judged: &Judged| judged.world.rows.writes.load(Ordering::SeqCst);
    judged.after(1).await;
    let before = written(&judged);
    for _ in 0..20 {
        judged.after(1).await;
    }
    assert_eq!(written(&judged), before);
    for number in 0..20u128 {
        judged.run(RunKey { team: team(1), run: run_id(number) }, FinishStatus::Success, None).await;
        judged.after(1).await;
    }
    let writes = written(&judged) - before;
    assert!((3..=5).contains(&writes), "{writes} writes in 20 seconds");
}

/// A restart loses no run, wherever it comes, and a write that fails is made later.
#[tokio::test]
async fn restarts_and_failed_writes_lose_no_run() {
    let mut judged = Judged::new().await;
    judged.check(1, &length(3)).await;
    judged.after(1).await;
    for number in 0..12u128 {
        let key = RunKey { team: team(1), run: run_id(number) };
        judged.run(key, FinishStatus::Success, Some(r#""four""#)).await;
        if number % 3 == 0 {
            judged.restart().await;
        }
        if number % 4 == 0 {
            judged.world.break_after((number % 3) as usize);
        }
        judged.world.clock.advance_ms(20_000);
        if judged.runner.round(judged.now()).await.is_ok() {
            let _ = judged.runner.taken(judged.now()).await;
        }
    }
    judged.world.break_after(usize::MAX - 1);
    judged.restart().await;
    judged.after(60).await;
    judged.after(1_000).await;
    for number in 0..12u128 {
        let key = RunKey { team: team(1), run: run_id(number) };
        assert_eq!(judged.results(key).await, [(id(1), 1, CheckOutcome::Fail)], "{number}");
        assert_eq!(judged.summary(key).await, Some(RunChecks { passed: Some(false), is_final: true }), "{number}");
    }
    assert_eq!((judged.failed().await, judged.runner.waiting()), (12, 0));
}

/// Alerts are of what rounds return: nothing of it is lost by a write that fails, or by the death of whoever was to take it.
#[tokio::test]
async fn what_was_judged_is_returned_until_it_is_taken() {
    let mut judged = Judged::new().await;
    judged.check(1, &length(3)).await;
    judged.after(1).await;
    for number in 0..2u128 {
        let key = RunKey { team: team(1), run: run_id(number) };
        judged.run(key, FinishStatus::Success, Some(r#""four""#)).await;
    }
    // Long enough that no run is judged a second time.
    judged.world.clock.advance_ms(3_600_000);
    judged.world.break_after(1);
    assert!(judged.runner.round(judged.now()).await.is_err(), "the second run's results cannot be stored");
    judged.world.break_after(usize::MAX - 1);
    let runs = |round: &CheckRound| -> BTreeSet<String> {
        round.events.iter().map(|event| event.run.run.to_string()).collect()
    };
    assert_eq!(runs(&judged.runner.round(judged.now()).await.unwrap()).len(), 2);
    // It dies before they are taken.
    judged.restart().await;
    assert_eq!(runs(&judged.after(1).await).len(), 2);
    judged.restart().await;
    assert_eq!(runs(&judged.after(1).await).len(), 0);
}

/// A run that only its idle timeout closes is judged 30 seconds after it, over a restart too; one that goes on is not, and its
/// own end is judged as always.
#[tokio::test]
async fn a_run_that_its_idle_timeout_closes_is_judged() {
    let mut judged = Judged::new().await;
    judged.check(1, &json!({"name": "some", "type": "length", "unit": "characters", "min": 1})).await;
    let idle = |now: Timestamp| start("daily").at(now).idle(60, FinishStatus::Success);
    let other = RunKey { run: run_id(2), ..RUN };
    for key in [RUN, other] {
        judged.world.take(record(key, judged.now(), idle(judged.now()))).await;
    }
    assert_eq!(judged.after(50).await.judged, 0);
    judged.tool_call(other, 1).await;
    judged.restart().await;
    assert_eq!(judged.after(39).await.judged, 0);
    judged.restart().await;
    assert_eq!(judged.after(1).await.judged, 1);
    assert_eq!(judged.results(RUN).await, [(id(1), 1, CheckOutcome::Fail)], "it has no output");
    assert_eq!((judged.summary(RUN).await.unwrap().is_final, judged.failed().await), (false, 1));
    // The other one was active after 50 seconds, and ends by itself.
    judged
        .world
        .take(record(other, judged.now(), finish(FinishStatus::Success).at(judged.now()).output(r#""x""#)))
        .await;
    judged.after(31).await;
    assert_eq!(judged.results(other).await, [(id(1), 1, CheckOutcome::Pass)]);
    judged.after(600).await;
    assert!(judged.summary(RUN).await.unwrap().is_final && judged.summary(other).await.unwrap().is_final);
    judged.restart().await;
    assert_eq!(judged.after(60).await.judged, 0, "nothing is left");
}
