//! Alerts of spend are handed over once, wherever a process ends or a write fails, and sums do not wait for them
//! (AC-14, AC-41, AC-44).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use serde_json::json;
use tidegate_agentping::{Event, HeartbeatStatus, Limits, Plan, RunKey};
use tidegate_agentping_alerts::rows::{OUTBOX, bucket_of, named, outbox_shard, shard_of};
use tidegate_agentping_alerts::{AlertOutbox, Messages, Naming};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::spend_rows::whole_shard;
use tidegate_agentping_ports::{FeedPage, FeedRange, PulseFeed, Registry, Team};
use tidegate_agentping_pulse::DeliveryId;
use tidegate_agentping_pulse::spend::{SpendScope, SpendWindow};
use tidegate_agentping_settings::{RouteId, RuleDoc, kinds};
use tidegate_agentping_testkit::{EventWith as _, NOON, StartWith as _, event, heartbeat, record, run_id, start, team};
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{Region, Timestamp, Usd};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, StoreError};
use tidegate_pulse::messages::SpendMessages;
use tidegate_pulse::spend::{GuardWatch, SpendKeeper, SpendWatch};
use tidegate_pulse::spend_follower::SpendFollower;

use crate::world::{World, broken, day};

const DAY_MS: i64 = 86_400_000;
/// Events of a month that the team's plan has.
const ALLOWANCE: u64 = 100;

/// Kind and id of messages, sorted.
type Sent = Vec<(&'static str, DeliveryId)>;

struct Followed {
    world: World,
    documents: Arc<MemoryDocuments>,
    registry: MemoryRegistry,
    follower: SpendFollower,
    runs: u128,
}

fn route() -> String {
    RouteId::from_bits(Region::Eu, 1).to_string()
}

impl Followed {
    /// A team that has spent the same on each day of two weeks, with a pager, and a rule that warns.
    async fn new() -> Self {
        let world = World::new();
        let documents = Arc::new(MemoryDocuments::new(world.clock.clone()));
        let registry = MemoryRegistry::default();
        let plan = Plan::Enterprise(Limits { events_per_month: Some(ALLOWANCE), ..Limits::default() });
        let of = Team { id: team(1), name: "acme".into(), plan, created_at: NOON, archived_at: None };
        registry.create_team(of).await.unwrap();
        let pager = json!({
            "name": "ops", "kind": "pagerduty", "routing_key": "key", "enabled": true, "min_severity": "info",
            "min_interval_s": 3600, "reminders": true, "created_at_ms": 1,
        });
        let rule = json!({"name": "cap", "spend_of": "agent", "window": "day", "limit_usd": 40, "action": "warn"});
        let rule = serde_json::to_value(RuleDoc::parse(&rule, NOON).unwrap()).unwrap();
        let docs = [
            (kinds::ROUTE, route(), pager),
            (kinds::TEAM, kinds::WHOLE_TEAM.to_owned(), json!({"routes": ["ops"]})),
            (kinds::RULE, "grl_eu_1".to_owned(), rule),
        ];
        let writes = docs.map(|(kind, name, doc)| DocumentWrite {
            kind: kind.into(),
            name: name.into(),
            expected: Expected::Anything,
            doc: Some(doc.to_string().into_bytes()),
            ends_at: None,
        });
        documents.write(&team(1).to_string(), &writes, NOON).await.unwrap();
        let follower = follower(&world, &documents, &registry).await;
        let mut followed = Followed { world, documents, registry, follower, runs: 0 };
        for _ in 0..14 {
            followed.spend("10").await;
            followed.round().await.unwrap();
            followed.world.clock.advance_ms(DAY_MS);
        }
        assert_eq!(followed.sent().await, []);
        followed
    }

    /// A new process.
    async fn restart(&mut self) {
        self.follower = follower(&self.world, &self.documents, &self.registry).await;
    }

    async fn round(&mut self) -> Result<(), StoreError> {
        self.world.clock.advance_ms(1_000);
        self.follower.round(self.world.clock.now()).await
    }

    /// Whether messages cannot be stored from now on.
    fn break_messages(&self, broken: bool) {
        self.world.rows.takes_no_messages.store(broken, Ordering::SeqCst);
    }

    /// A run of the agent `daily` that costs so much, now.
    async fn spend(&mut self, usd: &str) {
        self.runs += 1;
        let mut beat = heartbeat("daily", HeartbeatStatus::Ok);
        beat.cost = Some(Usd::parse(usd).unwrap());
        let key = RunKey { team: team(1), run: run_id(self.runs) };
        self.world.take(record(key, self.world.clock.now(), beat)).await;
    }

    /// A run that starts now, with these events.
    async fn run(&mut self, events: Vec<Event>) {
        self.runs += 1;
        let (key, now) = (RunKey { team: team(1), run: run_id(self.runs) }, self.world.clock.now());
        self.world.take(record(key, now, start("daily").at(now))).await;
        self.world.take(record(key, now, events)).await;
    }

    /// A day's spend out of the ordinary, which a rule warns of, and a model without a rate.
    async fn trouble(&mut self) {
        self.spend("50").await;
        self.run(vec![event(1).llm("new-model", None)]).await;
    }

    /// The messages that are listed. All of them wait to be sent.
    async fn sent(&self) -> Sent {
        let now = self.world.clock.now();
        let messages = Messages::new(self.world.rows.clone()).of_route(&route(), None, 1_000, now).await.unwrap();
        let mut sent: Sent = messages.iter().map(|one| (one.doc.alert.as_str(), one.doc.id)).collect();
        sent.sort_unstable();
        let listed: BTreeSet<DeliveryId> = sent.iter().map(|(_, id)| *id).collect();
        let mut waiting = BTreeSet::new();
        for bucket in bucket_of(NOON)..=bucket_of(now) {
            let shard = outbox_shard(shard_of(&route()), bucket);
            let rows = whole_shard(&*self.world.rows, &OUTBOX, shard).await.unwrap();
            waiting.extend(rows.iter().map(|row| named(&row.row).unwrap().1));
        }
        assert_eq!(waiting, listed);
        sent
    }

    async fn kinds(&self) -> Vec<&'static str> {
        self.sent().await.into_iter().map(|(kind, _)| kind).collect()
    }
}

async fn follower(world: &World, documents: &Arc<MemoryDocuments>, registry: &MemoryRegistry) -> SpendFollower {
    let (rows, clock) = (world.rows.clone(), world.clock.clone());
    let settings = Mirror::read(documents.clone(), clock.clone()).await.unwrap();
    let outbox = AlertOutbox::new(rows.clone(), settings.clone(), clock.clone(), Naming::none());
    let queries = Arc::new(world.runs.clone());
    let watch = SpendWatch::new(rows.clone(), queries, Arc::new(registry.clone()), settings.clone(), clock.clone());
    SpendFollower::new(world.keeper(), watch, GuardWatch::new(rows, settings), SpendMessages(outbox), clock)
}

/// What is sent where a write fails after so many others, and how many writes a round without a failure makes. The same
/// process goes on, or a new one after each round.
async fn story(fails_after: Option<usize>, restarts: bool) -> (Sent, usize) {
    let mut followed = Followed::new().await;
    followed.trouble().await;
    let before = followed.world.rows.writes.load(Ordering::SeqCst);
    if let Some(writes) = fails_after {
        followed.world.break_after(writes);
    }
    let _ = followed.round().await;
    let writes = followed.world.rows.writes.load(Ordering::SeqCst) - before;
    for _ in 0..3 {
        if restarts {
            followed.restart().await;
        }
        // Long enough that quotas are compared again.
        followed.world.clock.advance_ms(60_000);
        let _ = followed.round().await;
    }
    (followed.sent().await, writes)
}

#[tokio::test]
async fn no_alert_is_lost_or_sent_twice_whatever_write_fails() {
    let (expected, writes) = story(None, false).await;
    let kinds: Vec<&str> = expected.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["guard_warning", "spend_anomaly", "unpriced_model"]);
    assert!(writes > 6, "{writes} writes of sums, of the cursor and of messages");
    for restarts in [false, true] {
        for fails_after in 0..writes + 3 {
            let (sent, _) = story(Some(fails_after), restarts).await;
            assert_eq!(sent, expected, "after {fails_after} writes, restarts: {restarts}");
        }
    }
}

/// What was counted on a day is judged until the end of the next one. A warning is about what holds when it is found.
#[tokio::test]
async fn an_alert_outlasts_midnight() {
    let mut ids = BTreeSet::new();
    for (days, expected) in [
        (0, &["guard_warning", "spend_anomaly", "unpriced_model"] as &[&str]),
        (1, &["spend_anomaly", "unpriced_model"]),
        (2, &["unpriced_model"]),
    ] {
        let mut followed = Followed::new().await;
        followed.trouble().await;
        followed.break_messages(true);
        assert!(followed.round().await.is_err());
        followed.restart().await;
        followed.world.clock.advance_ms(days * DAY_MS);
        followed.break_messages(false);
        followed.round().await.unwrap();
        assert_eq!(followed.kinds().await, expected, "{days} days later");
        ids.extend(followed.sent().await);
    }
    assert_eq!(ids.len(), 3, "the same alert has the same id on each day: {ids:?}");
}

/// Guard decides by the sums: they are stored, and as fresh as ever, while no alert can be.
#[tokio::test]
async fn sums_are_fresh_while_alerts_cannot_be_stored() {
    let mut followed = Followed::new().await;
    followed.break_messages(true);
    followed.trouble().await;
    for spent in ["50", "51", "52"] {
        assert!(followed.round().await.is_err());
        let cursor = followed.world.cursor().await.unwrap();
        let now = followed.world.clock.now();
        assert_eq!(cursor.as_of, Some(now), "{spent}");
        assert!(!cursor.handed_over.is_empty(), "{spent}");
        let sums = followed.world.sums(team(1), day(now)..=day(now)).await;
        assert_eq!(sums.spent(&SpendScope::Team, SpendWindow::Day, now).to_string(), spent);
        followed.restart().await;
        followed.spend("1").await;
    }
    followed.break_messages(false);
    followed.round().await.unwrap();
    let sent = followed.sent().await;
    assert_eq!(followed.kinds().await, ["guard_warning", "spend_anomaly", "unpriced_model"]);
    // That all of it is handed over is stored with the next round.
    followed.round().await.unwrap();
    assert_eq!(followed.world.cursor().await.unwrap().handed_over, []);
    followed.restart().await;
    followed.round().await.unwrap();
    assert_eq!(followed.sent().await, sent);
}

/// A team's quota is compared every three seconds. What has grown until then is known to this process and to the next one.
#[tokio::test]
async fn a_quota_that_is_not_compared_yet_is_not_forgotten() {
    for restarts in [false, true] {
        let mut followed = Followed::new().await;
        followed.spend("1").await;
        followed.round().await.unwrap();
        followed.run((0..80u128).map(|number| event(number).llm("a-model", Some("0.001"))).collect()).await;
        followed.round().await.unwrap();
        assert_eq!(followed.sent().await, []);
        for is_broken in [true, false] {
            if restarts {
                followed.restart().await;
            }
            followed.world.clock.advance_ms(30_000);
            followed.break_messages(is_broken);
            assert_eq!(followed.round().await.is_err(), is_broken);
        }
        assert_eq!(followed.kinds().await, ["quota"], "restarts: {restarts}");
    }
}

/// A feed whose first row cannot be read.
struct CutFeed(MemoryRuns);

#[async_trait]
impl PulseFeed for CutFeed {
    async fn feed_page(&self, of: FeedRange, limit: usize) -> Result<FeedPage, StoreError> {
        if of.from == 0 { Err(broken()) } else { self.0.feed_page(of, limit).await }
    }

    async fn purge_feed(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.0.purge_feed(before, limit).await
    }
}

/// What a process has counted and not handed over is read again by the next one, and not before it counts what is new.
#[tokio::test]
async fn sums_do_not_wait_for_what_is_read_again() {
    let mut world = World::new();
    let beat = |usd| {
        let mut beat = heartbeat("daily", HeartbeatStatus::Ok);
        beat.cost = Some(Usd::parse(usd).unwrap());
        beat
    };
    // Both are in one partition.
    let [first, second] = [3, 6].map(|run| RunKey { team: team(1), run: run_id(run) });
    world.take(record(first, NOON, beat("2"))).await;
    world.round(&mut world.keeper()).await.unwrap();
    world.clock.advance_ms(DAY_MS);
    let later = world.clock.now();
    world.take(record(second, later, beat("3"))).await;
    let (feed, accounts) = (Arc::new(CutFeed(world.runs.clone())), Arc::new(world.accounts.clone()));
    let mut cut = SpendKeeper::new(feed, accounts, world.rows.clone(), world.clock.clone());
    assert!(world.round(&mut cut).await.is_err());
    assert_eq!(world.cursor().await.unwrap().as_of, Some(world.clock.now()));
    let mut next = world.keeper();
    let round = world.round(&mut next).await.unwrap();
    assert_eq!(round.changed, BTreeSet::from([(team(1), day(NOON)), (team(1), day(later))]));
    let sums = world.sums(team(1), day(NOON)..=day(later)).await;
    assert_eq!(sums.spent(&SpendScope::Team, SpendWindow::Total, later).to_string(), "5");
    // Until it is taken, a further process returns it again.
    let again = world.round(&mut world.keeper()).await.unwrap();
    assert_eq!((again.changed, again.changed_today), (round.changed, round.changed_today));
    next.taken();
    world.round(&mut next).await.unwrap();
    assert!(world.round(&mut world.keeper()).await.unwrap().changed.is_empty());
}
