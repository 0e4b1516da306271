//! Spend that is out of the ordinary, models without a rate, quotas (AC-41 to AC-44).

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::{HeartbeatStatus, Limits, Plan, RunKey};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_ports::{Registry, Team};
use tidegate_agentping_settings::{RuleDoc, TeamDoc, kinds};
use tidegate_agentping_testkit::{EventWith as _, NOON, StartWith as _, event, heartbeat, record, run_id, start, team};
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{Month, Timestamp, Usd};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected};
use tidegate_pulse::spend::{GuardWatch, SpendAlert, SpendKeeper, SpendWatch, marks_reached};

use crate::world::World;

const DAY_MS: i64 = 86_400_000;

struct Watched {
    world: World,
    documents: Arc<MemoryDocuments>,
    registry: MemoryRegistry,
    keeper: SpendKeeper,
    watch: SpendWatch,
    runs: u128,
}

impl Watched {
    async fn new() -> Self {
        let world = World::new();
        let documents = Arc::new(MemoryDocuments::new(world.clock.clone()));
        let registry = MemoryRegistry::default();
        let of = Team { id: team(1), name: "acme".into(), plan: Plan::Team, created_at: NOON, archived_at: None };
        registry.create_team(of).await.unwrap();
        let (keeper, watch) = (world.keeper(), watch(&world, &documents, &registry).await);
        Watched { world, documents, registry, keeper, watch, runs: 0 }
    }

    async fn set(&mut self, doc: &TeamDoc) {
        let write = DocumentWrite {
            kind: kinds::TEAM.into(),
            name: kinds::WHOLE_TEAM.into(),
            expected: Expected::Anything,
            doc: Some(serde_json::to_vec(doc).unwrap()),
            ends_at: None,
        };
        self.documents.write(&team(1).to_string(), &[write], self.world.clock.now()).await.unwrap();
        self.watch = watch(&self.world, &self.documents, &self.registry).await;
    }

    /// A run of the agent `daily` that costs so much, now.
    async fn spend(&mut self, usd: &str) {
        self.runs += 1;
        let mut beat = heartbeat("daily", HeartbeatStatus::Ok);
        beat.cost = Some(Usd::parse(usd).unwrap());
        beat.customer_id = Some("acme".into());
        let key = RunKey { team: team(1), run: run_id(self.runs) };
        self.world.take(record(key, self.world.clock.now(), beat)).await;
    }

    async fn round(&mut self) -> Vec<SpendAlert> {
        let round = self.world.round(&mut self.keeper).await.unwrap();
        let alerts = self.watch.judge(&round, self.world.clock.now()).await.unwrap();
        self.watch.stored(&alerts);
        alerts
    }

    /// Days that cost so much, one after the other, up to today.
    async fn days(&mut self, amounts: &[&str]) {
        for amount in amounts {
            if *amount != "0" {
                self.spend(amount).await;
            }
            assert_eq!(self.round().await, [], "{amount}");
            self.world.clock.advance_ms(DAY_MS);
        }
    }
}

async fn watch(world: &World, documents: &Arc<MemoryDocuments>, registry: &MemoryRegistry) -> SpendWatch {
    let settings = Mirror::read(documents.clone(), world.clock.clone()).await.unwrap();
    let (runs, registry) = (Arc::new(world.runs.clone()), Arc::new(registry.clone()));
    SpendWatch::new(world.rows.clone(), runs, registry, settings, world.clock.clone())
}

const BASELINE: [&str; 14] = ["10", "12", "11", "9", "10", "13", "12", "10", "11", "9", "10", "12", "11", "10"];

/// AC-41: and once that day, also by a process that has forgotten it, as the key is the same.
#[tokio::test]
async fn ac_41_a_day_beyond_the_line_fires_once() {
    let mut watched = Watched::new().await;
    watched.days(&BASELINE).await;
    watched.spend("13.72").await;
    assert_eq!(watched.round().await, []);
    watched.spend("0.01").await;
    let alerts = watched.round().await;
    let [SpendAlert::Anomaly { agent, anomaly, top, .. }] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((agent.as_str(), anomaly.spent.to_string().as_str()), ("daily", "13.73"));
    let amounts: Vec<String> = top.runs.iter().map(|(_, cost)| cost.to_string()).collect();
    assert_eq!(amounts, ["13.72", "0.01"]);
    assert_eq!(top.customers, [(Some("acme".into()), Usd::parse("13.73").unwrap())]);
    watched.spend("50").await;
    assert_eq!(watched.round().await, []);
    watched.watch = watch(&watched.world, &watched.documents, &watched.registry).await;
    watched.spend("1").await;
    let again = watched.round().await;
    assert_eq!(again.iter().map(SpendAlert::key).collect::<Vec<_>>(), [alerts[0].key()]);
    watched.world.clock.advance_ms(DAY_MS);
    watched.spend("500").await;
    let next = watched.round().await;
    assert!(matches!(next.as_slice(), [SpendAlert::Anomaly { .. }]) && next[0].key() != alerts[0].key());
}

/// AC-42, AC-43.
#[tokio::test]
async fn ac_42_and_43_the_line_is_the_teams_and_has_floors() {
    for (days, today, sigma, fires) in [
        (&BASELINE as &[&str], "13.73", 3.0, false),
        (&BASELINE, "14.33", 3.0, true),
        (&["10"; 14], "11.20", 2.5, false),
        (&["10"; 14], "11.30", 2.5, true),
        (&["10"; 6], "500", 2.5, false),
        (&["10"; 7], "500", 2.5, true),
        (&["0.01"; 14], "0.99", 2.5, false),
        (&["0.01"; 14], "1", 2.5, true),
        // Days without spend count since the agent's first run.
        (&["10", "0", "0", "0", "0", "0", "0"], "500", 2.5, true),
    ] {
        let mut watched = Watched::new().await;
        watched.set(&TeamDoc { sigma, ..TeamDoc::default() }).await;
        watched.days(days).await;
        watched.spend(today).await;
        let alerts = watched.round().await;
        assert_eq!(alerts.len(), usize::from(fires), "{} days, {today}, {sigma}: {alerts:?}", days.len());
    }
}

/// A run's cost is of the day of its start. No alert follows from what is reported once that day is over.
#[tokio::test]
async fn cost_of_yesterday_that_is_reported_today_does_not_alert() {
    let mut watched = Watched::new().await;
    watched.days(&BASELINE).await;
    let key = RunKey { team: team(1), run: run_id(900) };
    let now = watched.world.clock.now();
    watched.world.take(record(key, now, start("daily").at(now))).await;
    assert_eq!(watched.round().await, []);
    watched.world.clock.advance_ms(DAY_MS);
    let call = event(1).llm("a-model", Some("500"));
    watched.world.take(record(key, watched.world.clock.now(), call)).await;
    assert_eq!(watched.round().await, []);
}

/// AC-14: warnings come with the spend, once a window, whether or not anyone asks guard.
#[tokio::test]
async fn ac_14_warnings_are_found_as_spend_is_counted() {
    let mut watched = Watched::new().await;
    let rule = |members: Value| {
        let mut given = json!({"name": "cap", "spend_of": "agent", "window": "day", "limit_usd": 20});
        given.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::to_vec(&RuleDoc::parse(&given, NOON).unwrap()).unwrap()
    };
    let rules = [
        rule(json!({"match": {"agent": "*"}})),
        rule(json!({"action": "warn", "limit_usd": 17, "window": "total"})),
        rule(json!({"match": {"environment": "prod"}})),
        rule(json!({"spend_of": "team"})),
        rule(json!({"match": {"agent": "other"}})),
        rule(json!({"enabled": false})),
        rule(json!({"spend_of": "customer"})),
    ];
    let write = |(number, doc): (usize, Vec<u8>)| DocumentWrite {
        kind: kinds::RULE.into(),
        name: format!("grl_eu_{number}").into(),
        expected: Expected::Anything,
        doc: Some(doc),
        ends_at: None,
    };
    let writes: Vec<DocumentWrite> = rules.into_iter().enumerate().map(write).collect();
    watched.documents.write(&team(1).to_string(), &writes, NOON).await.unwrap();
    let settings = Mirror::read(watched.documents.clone(), watched.world.clock.clone()).await.unwrap();
    let mut guard = GuardWatch::new(watched.world.rows.clone(), settings);
    for (usd, days, expected) in [
        ("15.99", 0, vec![]),
        ("0.01", 0, vec!["grl_eu_0", "grl_eu_3", "grl_eu_6"]),
        ("0.99", 0, vec![]),
        ("0.01", 0, vec!["grl_eu_1"]),
        // Beyond the limit it is no warning any more, and the next day it is a new one.
        ("50", 0, vec![]),
        ("16", 1, vec!["grl_eu_0", "grl_eu_3", "grl_eu_6"]),
    ] {
        watched.world.clock.advance_ms(days * DAY_MS);
        watched.spend(usd).await;
        let round = watched.world.round(&mut watched.keeper).await.unwrap();
        let found = guard.judge(&round.changed, watched.world.clock.now()).await.unwrap();
        let mut names: Vec<&str> = found.iter().map(|(_, event)| event.rule.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{usd}");
        // Those of the team and of a customer are about no agent.
        let is_of_agent = |rule: &str| ["grl_eu_0", "grl_eu_1"].contains(&rule);
        assert!(found.iter().all(|(_, event)| event.agent.is_some() == is_of_agent(&event.rule)), "{found:?}");
        guard.stored(&found);
    }
}

/// AC-44.
#[tokio::test]
async fn ac_44_unpriced_models_once_a_month_and_quotas_at_their_marks() {
    let mut watched = Watched::new().await;
    let key = RunKey { team: team(1), run: run_id(900) };
    watched.world.take(record(key, watched.world.clock.now(), start("daily"))).await;
    for number in 0..3u128 {
        let call = event(number).llm("new-model", None);
        watched.world.take(record(key, watched.world.clock.now(), call)).await;
        let alerts = watched.round().await;
        assert_eq!(alerts.len(), usize::from(number == 0), "{alerts:?}");
    }
    watched.world.clock.advance_ms(31 * DAY_MS);
    let call = event(9).llm("new-model", None);
    watched.world.take(record(key, watched.world.clock.now(), call)).await;
    assert_eq!(watched.round().await.len(), 1, "a new month");
    for (events, marks) in
        [(79, vec![]), (80, vec![80]), (100, vec![80, 100]), (149, vec![80, 100]), (150, vec![80, 100, 150])]
    {
        assert_eq!(marks_reached(events, 100).into_iter().collect::<Vec<_>>(), marks, "{events}");
    }
    assert!(marks_reached(5, 0).is_empty());
}

/// AC-44: a mark is found where nothing that was reported has cost anything.
#[tokio::test]
async fn ac_44_a_quota_is_found_without_any_cost() {
    let mut watched = Watched::new().await;
    let plan = Plan::Enterprise(Limits { events_per_month: Some(1), ..Limits::default() });
    watched.registry.set_plan(team(1), plan).await.unwrap();
    let key = RunKey { team: team(1), run: run_id(900) };
    let now = watched.world.clock.now();
    watched.world.take(record(key, now, heartbeat("daily", HeartbeatStatus::Ok))).await;
    let alerts = watched.round().await;
    let percent = |alert: &SpendAlert| match alert {
        SpendAlert::Quota { percent, events, .. } => (*percent, *events),
        other => panic!("{other:?}"),
    };
    assert_eq!(alerts.iter().map(percent).collect::<Vec<_>>(), [(80, 1), (100, 1)]);
    assert_eq!(watched.round().await, []);
}

/// AC-44: what was received in a month's last second is compared in that month, however late it is judged.
#[tokio::test]
async fn ac_44_a_mark_of_a_months_last_second_is_found_in_the_next_month() {
    let mut watched = Watched::new().await;
    let plan = Plan::Enterprise(Limits { events_per_month: Some(1), ..Limits::default() });
    watched.registry.set_plan(team(1), plan).await.unwrap();
    let last = Timestamp::parse("2026-05-31T23:59:59Z").unwrap();
    watched.world.clock.set(last);
    let key = RunKey { team: team(1), run: run_id(900) };
    watched.world.take(record(key, last, heartbeat("daily", HeartbeatStatus::Ok))).await;
    watched.world.clock.set(Timestamp::parse("2026-06-01T00:00:04Z").unwrap());
    let alerts = watched.round().await;
    let of = |alert: &SpendAlert| match alert {
        SpendAlert::Quota { month, percent, .. } => (*month, *percent),
        other => panic!("{other:?}"),
    };
    assert_eq!(alerts.iter().map(of).collect::<Vec<_>>(), [(Month::of(last), 80), (Month::of(last), 100)]);
}
