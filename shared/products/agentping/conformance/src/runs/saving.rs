//! Loading, saving, and whose write wins.

use std::sync::Arc;

use tidegate_agentping::{EventId, FinishStatus, HeartbeatStatus, RunKey};
use tidegate_agentping_ports::{EventPage, EventRow, RunFilter, RunPage, RunWanted, RunWrite, StoredRun};
use tidegate_kernel::{Position, Usd};

use super::StoreUnderTest;
use super::story::{
    DAY_MS, FinishWith, HOUR_MS, NOON, SECOND_MS, StartWith, Story, event, finish, fresh, fresh_key, full_finish,
    full_start, heartbeat, json, model_call, start,
};

impl StoreUnderTest {
    pub(super) async fn save(&self, writes: Vec<RunWrite>) {
        self.runs.save(Arc::new(writes)).await.expect("saved");
    }

    pub(super) async fn load(&self, key: RunKey, events: &[EventId]) -> StoredRun {
        let wanted = RunWanted { key, events: events.to_vec() };
        let loaded = self.runs.load(std::slice::from_ref(&wanted)).await.expect("loaded");
        assert_eq!(loaded.len(), 1, "one answer for each run asked for");
        let stored = self.summary.stored(wanted).await.expect("read");
        let loaded = loaded.into_iter().next().expect("just counted");
        assert_eq!((&stored.run, &stored.events), (&loaded.run, &loaded.events), "a summary is what a load answers");
        loaded
    }

    /// The run and its events are stored as sent, and every port shows them so.
    pub(super) async fn assert_stored(&self, story: &Story) {
        let ids: Vec<EventId> = story.told.iter().map(|row| row.event.id).collect();
        let loaded = self.load(story.key, &ids).await;
        assert_eq!(loaded.run.as_ref(), Some(&story.state.run));
        let mut hashes = loaded.events;
        hashes.sort_unstable();
        let mut told: Vec<(EventId, u64)> =
            story.told.iter().map(|row| (row.event.id, row.event.content_hash)).collect();
        told.sort_unstable();
        assert_eq!(hashes, told);
        let shown = self.queries.run(story.key).await.expect("read");
        if story.state.run.opening().is_none() {
            assert_eq!(shown, None, "an orphan is not shown");
            return;
        }
        assert_eq!(shown.as_ref(), Some(&story.state.run));
        let mut events = story.told.clone();
        events.sort_by_key(|row| row.event.id);
        let page = self.queries.events(story.key, &EventPage::WHOLE).await.expect("read");
        assert_eq!((page.rows, page.more), (events, false));
    }
}

pub(super) async fn nothing_is_stored_of_an_unknown_run(store: &StoreUnderTest) {
    let key = fresh_key();
    let loaded = store.load(key, &[fresh()]).await;
    assert_eq!((loaded.run, loaded.events), (None, Vec::new()));
    assert_eq!(store.queries.run(key).await, Ok(None));
    assert_eq!(store.summary.event_owners(key.team, &[fresh()]).await, Ok(Vec::new()));
    assert_eq!(store.runs.load(&[]).await.map(|loaded| loaded.len()), Ok(0));
    store.save(Vec::new()).await;
}

pub(super) async fn every_member_comes_back(store: &StoreUnderTest) {
    let mut errored = event(fresh(), NOON.plus_millis(-DAY_MS));
    errored.errored = true;
    errored.turn = Some(u32::MAX);
    errored.data = json(r#"{"error" : {"message":"\"no\" \\ 'quotes' \u0007 😀"}, "n": 1e400}"#);
    let events = vec![errored, model_call(fresh(), NOON, "m-1", Some(7)), model_call(fresh(), NOON, "m-2", None)];
    let later = NOON.plus_millis(30 * DAY_MS);
    let mut called = Story::of(fresh_key())
        .tell(NOON, full_start("daily 'summary' é").at(NOON.plus_millis(-5)))
        .tell(NOON.plus_millis(1), events)
        .tell(NOON.plus_millis(2), start("another"))
        .tell(later, full_finish(FinishStatus::Cancelled).at(NOON.plus_millis(-DAY_MS)));
    assert!(called.state.run.conflicted && called.state.run.errored && called.state.run.units.len() == 2);

    let mut beat = heartbeat("cron", HeartbeatStatus::Fail);
    beat.started_at = Some(NOON.plus_millis(-SECOND_MS));
    beat.cost = Some(Usd::MAX_GIVEN);
    beat.duration_ms = Some(12_300);
    beat.metadata = Some(json(r#"{"note":"x"}"#));
    beat.output = Some(json("[1]"));
    beat.customer_id = Some("".into());
    beat.feature = Some("feature".into());
    (beat.input_tokens, beat.output_tokens) = (Some(1 << 52), Some(0));
    let mut opened = beat.clone();
    opened.status = HeartbeatStatus::Start;
    let mut beaten = Story::of(fresh_key()).tell(NOON, beat.clone()).tell(NOON.plus_millis(9), opened);
    let mut implied = Story::of(fresh_key()).tell(NOON, beat);
    store.save(vec![called.write(), beaten.write(), implied.write()]).await;
    for story in [&called, &beaten, &implied] {
        store.assert_stored(story).await;
    }
}

pub(super) async fn an_older_position_loses(store: &StoreUnderTest) {
    let key = fresh_key();
    let mut stale = Story::of(key).tell(NOON, start("stale"));
    let stale_event = event(fresh(), NOON);
    stale = stale.tell(NOON, stale_event.clone());
    let mut ahead = Story::of(key);
    for offset in 0..3 {
        ahead = ahead.tell(NOON.plus_millis(offset), start("ahead"));
    }
    let mut other = Story::of_team(key.team).tell(NOON, start("other"));
    store.save(vec![ahead.write()]).await;
    store.save(vec![stale.write(), other.write()]).await;
    store.assert_stored(&ahead).await;
    store.assert_stored(&other).await;
    assert_eq!(store.load(key, &[stale_event.id]).await.events, Vec::new(), "its events lose with it");
    assert_eq!(store.summary.event_owners(key.team, &[stale_event.id]).await, Ok(Vec::new()));
}

pub(super) async fn a_newer_generation_wins(store: &StoreUnderTest) {
    let mut story = Story::of(fresh_key()).tell(NOON, start("a"));
    let mut old = story.write();
    old.position.offset = 1_000_000;
    store.save(vec![old]).await;
    story = story.tell(NOON, finish(FinishStatus::Success));
    let mut new = story.write();
    new.position = Position { generation: 1, partition: 3, offset: 0 };
    store.save(vec![new]).await;
    store.assert_stored(&story).await;
}

pub(super) async fn saving_again_changes_nothing(store: &StoreUnderTest) {
    let mut story = Story::of(fresh_key())
        .tell(NOON, full_start("a"))
        .tell(NOON, vec![model_call(fresh(), NOON, "m", Some(5)), event(fresh(), NOON)]);
    let write = story.write();
    let month = tidegate_kernel::Month::of(NOON);
    for _ in 0..3 {
        store.save(vec![write.clone(), write.clone()]).await;
        store.assert_stored(&story).await;
        assert_eq!(store.queries.usage(story.key.team, month).await, Ok(3));
    }
    let all = RunPage::first(10);
    let listed = store.queries.list(story.key.team, &RunFilter::default(), &all, NOON).await.expect("listed");
    assert_eq!(listed.runs.len(), 1);
}

pub(super) async fn events_are_added_and_the_first_stays(store: &StoreUnderTest) {
    let (first, second) = (event(fresh(), NOON), event(fresh(), NOON));
    let mut story = Story::of(fresh_key()).tell(NOON, start("a"));
    store.save(vec![story.write()]).await;
    story = story.tell(NOON, first.clone());
    store.save(vec![story.write()]).await;
    let mut twisted = first.clone();
    twisted.content_hash ^= 1;
    story = story.tell(NOON.plus_millis(1), vec![twisted, second.clone()]);
    let write = story.write();
    assert_eq!(write.new_events.len(), 1, "the fold knows the first one");
    store.save(vec![write]).await;
    store.assert_stored(&story).await;
    let unknown = fresh();
    let loaded = store.load(story.key, &[unknown, second.id]).await;
    assert_eq!(loaded.events, vec![(second.id, second.content_hash)], "only what was asked for and is there");
}

pub(super) async fn the_same_ids_from_two_teams_are_two_runs(store: &StoreUnderTest) {
    let one = fresh_key();
    let other = RunKey { team: fresh(), run: one.run };
    let id = fresh();
    let (mut mine, mut theirs) = (event(id, NOON), event(id, NOON.plus_millis(1)));
    (mine.content_hash, theirs.content_hash) = (1, u64::MAX);
    let mut first = Story::of(one).tell(NOON, start("mine")).tell(NOON, mine);
    let mut second = Story::of(other).tell(NOON, finish(FinishStatus::Failed)).tell(NOON, theirs);
    store.save(vec![first.write(), second.write()]).await;
    store.assert_stored(&first).await;
    store.assert_stored(&second).await;
    assert_eq!(store.summary.event_owners(one.team, &[id]).await, Ok(vec![(id, one.run, 1)]));
    assert_eq!(store.summary.event_owners(other.team, &[id]).await, Ok(vec![(id, one.run, u64::MAX)]));
}

pub(super) async fn an_event_is_found_under_every_run_that_holds_it(store: &StoreUnderTest) {
    let team = fresh();
    let (id, alone) = (fresh(), fresh());
    let mut first = Story::of_team(team).tell(NOON, event(id, NOON));
    let mut second = Story::of_team(team).tell(NOON, vec![event(id, NOON), event(alone, NOON)]);
    store.save(vec![first.write(), second.write()]).await;
    let mut owners = store.summary.event_owners(team, &[fresh(), id, alone]).await.expect("read");
    owners.sort_unstable();
    let hash = |id| event(id, NOON).content_hash;
    let mut expected =
        vec![(id, first.key.run, hash(id)), (id, second.key.run, hash(id)), (alone, second.key.run, hash(alone))];
    expected.sort_unstable();
    assert_eq!(owners, expected);
}

pub(super) async fn loads_answer_in_the_order_asked(store: &StoreUnderTest) {
    let teams = [fresh(), fresh()];
    let mut stories: Vec<Story> = (0..6)
        .map(|n| {
            let at = NOON.plus_millis(n * HOUR_MS);
            Story::of_team(teams[n as usize % 2]).tell(at, start("a").at(at)).tell(at, event(fresh(), at))
        })
        .collect();
    store.save(stories.iter_mut().map(Story::write).collect()).await;
    let missing = fresh_key();
    let mut wanted: Vec<RunWanted> = Vec::new();
    for story in stories.iter().rev() {
        wanted.push(RunWanted { key: missing, events: vec![fresh()] });
        wanted.push(RunWanted { key: story.key, events: story.told.iter().map(|row| row.event.id).collect() });
    }
    let loaded = store.runs.load(&wanted).await.expect("loaded");
    assert_eq!(loaded.len(), wanted.len());
    for (pair, story) in loaded.chunks(2).zip(stories.iter().rev()) {
        assert_eq!(pair[0].run, None);
        assert_eq!(pair[1].run.as_ref(), Some(&story.state.run));
        let hash = |row: &EventRow| (row.event.id, row.event.content_hash);
        assert_eq!(pair[1].events, story.told.iter().map(hash).collect::<Vec<_>>());
    }
}
