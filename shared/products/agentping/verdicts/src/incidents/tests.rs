//! Which incidents are listed, and which are not read for that.

use std::sync::Arc;

use serde_json::json;
use tidegate_agentping::AgentId;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_pulse::incident::Subject;
use tidegate_agentping_pulse::incident::track::{InARow, Track};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::Region;

use super::*;
use crate::check_tracks::check_track_key;
use crate::recent::RecentDoc;
use crate::standings::StandingDoc;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOUR_MS: i64 = 3_600_000;
/// More incidents than are looked at for open ones.
const MANY: i64 = 2 * NEWEST_LOOKED_AT as i64;

fn team() -> TeamId {
    TeamId::from_bits(Region::Eu, 1)
}

fn slug(agent: &str) -> Slug {
    Slug::parse(agent).unwrap()
}

/// An incident that is open. Its id is the hours that have passed since it was opened.
fn incident(agent: &str, kind: AlertKind, hours_ago: i64) -> IncidentDoc {
    let opened_at = NOW.plus_millis(-hours_ago * HOUR_MS);
    IncidentDoc {
        id: IncidentId::from_bits(Region::Eu, hours_ago as u128),
        agent: slug(agent),
        kind,
        severity: kind.severity(),
        opened_at,
        resolved_at: None,
        origin: IncidentOrigin::Slot(opened_at),
        resolved_by: None,
        count: 1,
    }
}

struct Store(MemoryRows);

impl Store {
    fn new() -> Self {
        Store(MemoryRows::new(Arc::new(TestClock::at(NOW))))
    }

    /// With one resolved incident an hour.
    async fn with_many_resolved() -> Self {
        let store = Store::new();
        for hours_ago in 1..=MANY {
            let open = incident("busy", AlertKind::RunFailed, hours_ago);
            store.incident(&IncidentDoc { resolved_at: Some(open.opened_at.plus_millis(1)), ..open }).await;
        }
        store
    }

    async fn put(&self, rows: Vec<RowWrite>) {
        self.0.put(Arc::new(rows), NOW).await.unwrap();
    }

    async fn incident(&self, doc: &IncidentDoc) {
        self.put(doc.rows(team()).to_vec()).await;
    }

    /// An agent whose judge knows these as open.
    async fn standing(&self, agent: &str, open: &[&IncidentDoc]) {
        let standing = StandingDoc {
            state: AgentStanding::Down,
            since: NOW,
            next_slot: None,
            last_success: None,
            last_run: None,
            open_incidents: open.iter().map(|incident| incident.id).collect(),
            recent: RecentDoc::default(),
        };
        self.put(vec![standing.row(team(), &slug(agent), 1)]).await;
    }

    /// A check that has failed once, so many hours ago, with its incident.
    async fn failed_check(&self, agent: &str, hours_ago: i64) {
        let at = NOW.plus_millis(-hours_ago * HOUR_MS);
        let subject = Subject { agent: AgentId::from_bits(Region::Eu, 1), kind: AlertKind::CheckFailed };
        let mut track = Track::default();
        let edge = track.bad(&subject, InARow::ONE, IncidentOrigin::Slot(at), at).unwrap();
        self.incident(&IncidentDoc::of(&edge, &slug(agent), edge.origin)).await;
        let doc = serde_json::to_vec(&json!({"track": track, "routing": {}, "rank": 1})).unwrap();
        self.put(vec![RowWrite { key: check_track_key(team(), "check"), rank: 1, doc: Some(doc) }]).await;
    }

    /// How many hours ago the incidents that a query finds were opened.
    async fn found(&self, query: &IncidentQuery) -> Vec<i64> {
        let found = query.read(&self.0, NOW).await.unwrap();
        found.iter().map(|incident| NOW.millis_since(incident.opened_at) as i64 / HOUR_MS).collect()
    }
}

fn open(limit: usize) -> IncidentQuery {
    IncidentQuery { team: team(), agent: None, kind: None, is_open: Some(true), after: None, limit }
}

#[tokio::test]
async fn among_few_incidents_the_open_ones_need_no_judge() {
    let store = Store::new();
    let over = incident("a", AlertKind::RunFailed, 2);
    store.incident(&IncidentDoc { resolved_at: Some(NOW), ..over }).await;
    store.incident(&incident("a", AlertKind::RunFailed, 1)).await;
    store.incident(&incident("b", AlertKind::RunStuck, 1_000)).await;
    assert_eq!(store.found(&open(10)).await, [1, 1_000]);
    assert_eq!(store.found(&IncidentQuery { is_open: None, ..open(10) }).await, [1, 2, 1_000]);
}

/// The newest ones are looked at. Of the others those are found that a standing or a track names, and that are open by
/// their rows; one that none of them names is not found, so the resolved ones were not read.
#[tokio::test]
async fn open_ones_are_found_beneath_many_that_are_resolved() {
    let store = Store::with_many_resolved().await;
    let newest = incident("nightly", AlertKind::RunStuck, 0);
    let missed = incident("nightly", AlertKind::ScheduleMissed, MANY + 10);
    let stuck = incident("hourly", AlertKind::RunStuck, MANY + 20);
    let resolved = incident("busy", AlertKind::RunFailed, MANY);
    let lost = incident("lost", AlertKind::RunFailed, MANY + 40);
    let ended = incident("hourly", AlertKind::RunStuck, MANY + 50);
    for doc in [&newest, &missed, &stuck, &lost] {
        store.incident(doc).await;
    }
    store.standing("nightly", &[&newest, &missed]).await;
    store.standing("hourly", &[&stuck, &resolved, &ended]).await;
    store.failed_check("daily", MANY + 30).await;
    let all = [0, MANY + 10, MANY + 20, MANY + 30];
    assert_eq!(store.found(&open(10)).await, all);
    assert_eq!(store.found(&open(3)).await, all[..3]);
    let kind = |kind| IncidentQuery { kind: Some(kind), ..open(10) };
    assert_eq!(store.found(&kind(AlertKind::RunStuck)).await, [0, MANY + 20]);
    assert_eq!(store.found(&kind(AlertKind::CheckFailed)).await, [MANY + 30]);
    let agent = |agent| IncidentQuery { agent: Some(slug(agent)), ..open(10) };
    assert_eq!(store.found(&agent("nightly")).await, [0, MANY + 10]);
    assert_eq!(store.found(&agent("daily")).await, [MANY + 30]);
    let other = IncidentQuery { team: TeamId::from_bits(Region::Eu, 2), ..open(10) };
    assert_eq!(store.found(&other).await, [0_i64; 0]);
}

/// A listing that goes on from each page's last incident finds what one page would.
#[tokio::test]
async fn a_listing_goes_on_where_it_was() {
    let store = Store::with_many_resolved().await;
    let docs = [0, MANY + 1, MANY + 2, MANY + 3].map(|hours_ago| incident("nightly", AlertKind::RunStuck, hours_ago));
    for doc in &docs {
        store.incident(doc).await;
    }
    store.standing("nightly", &docs.iter().collect::<Vec<_>>()).await;
    let (mut query, mut found) = (open(1), Vec::new());
    while let Some(doc) = query.read(&store.0, NOW).await.unwrap().pop() {
        query.after = Some(doc.name());
        found.push(doc);
    }
    assert_eq!(found, docs);
}

/// Of months that no listing reads, nothing is found in either way.
#[tokio::test]
async fn both_ways_go_back_as_far() {
    const DAYS_240: i64 = 240 * 24;
    let old = incident("nightly", AlertKind::RunStuck, DAYS_240);
    for store in [Store::new(), Store::with_many_resolved().await] {
        store.incident(&old).await;
        store.standing("nightly", &[&old]).await;
        assert_eq!(store.found(&open(10)).await, [0_i64; 0]);
    }
}
