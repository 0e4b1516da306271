//! Runs whose start has not come.

use tidegate_agentping::FinishStatus;
use tidegate_agentping_ports::{RunFilter, RunPage, RunWrite};
use tidegate_kernel::Timestamp;

use super::StoreUnderTest;
use super::story::{FinishWith, NOON, StartWith, Story, at_offset, event, finish, fresh, start};

pub(super) async fn an_orphan_is_hidden_until_it_is_opened(store: &StoreUnderTest) {
    let team = fresh();
    let mut story = Story::of_team(team).tell(NOON, event(fresh(), NOON)).tell(NOON, finish(FinishStatus::Success));
    store.save(vec![story.write()]).await;
    store.assert_stored(&story).await;
    let all = RunPage::first(10);
    let listed = store.queries.list(team, &RunFilter::default(), &all, NOON).await.expect("listed").runs;
    assert_eq!(listed, []);
    assert_eq!(store.agents.slugs(team).await, Ok(Vec::new()));

    story = story.tell(NOON, start("late").at(NOON.plus_millis(-5)));
    store.save(vec![story.write()]).await;
    store.assert_stored(&story).await;
    let listed = store.queries.list(team, &RunFilter::default(), &all, NOON).await.expect("listed").runs;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].id, &listed[0].run), (story.key.run, &story.state.run));
    assert_eq!(store.agents.slugs(team).await.map(|slugs| slugs.len()), Ok(1));
}

/// In a time of its own, long before every other case, so that it purges no other case's orphans.
pub(super) async fn old_orphans_are_purged_and_only_those(store: &StoreUnderTest) {
    let long_ago = |ms: i64| Timestamp::from_millis(1_000_000_000_000 + ms);
    let team = fresh();
    let orphan = |ms: i64| Story::of_team(team).tell(long_ago(ms), event(fresh(), long_ago(ms)));
    let mut old: Vec<Story> = (0..5).map(orphan).collect();
    let mut young = orphan(100);
    let mut opened = orphan(1).tell(long_ago(2), start("a").at(long_ago(0)));
    let mut touched = orphan(3).tell(long_ago(101), finish(FinishStatus::Failed).at(long_ago(0)));
    let mut writes: Vec<_> = old.iter_mut().map(Story::write).collect();
    writes.extend([young.write(), opened.write(), touched.write()]);
    store.save(writes).await;

    let before = long_ago(100);
    assert_eq!(store.runs.purge_orphans(before, 3).await, Ok(3), "no more than asked");
    assert_eq!(store.runs.purge_orphans(before, 100).await, Ok(2));
    assert_eq!(store.runs.purge_orphans(before, 100).await, Ok(0));
    for story in &old {
        let id = story.told[0].event.id;
        let loaded = store.load(story.key, &[id]).await;
        assert_eq!((loaded.run, loaded.events), (None, Vec::new()));
        assert_eq!(store.summary.event_owners(team, &[id]).await, Ok(Vec::new()));
    }
    for story in [&young, &opened, &touched] {
        store.assert_stored(story).await;
    }
    // A purged run may come again, later on the log, and is then a new one.
    let mut again = Story::of(old[0].key).tell(NOON, start("a"));
    store.save(vec![RunWrite { position: at_offset(50), ..again.write() }]).await;
    store.assert_stored(&again).await;
    assert_eq!(store.runs.purge_orphans(long_ago(1_000), 100).await, Ok(2), "the young one and the touched one");
}
