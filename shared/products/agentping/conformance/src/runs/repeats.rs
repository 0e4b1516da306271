//! Ids in use again, summed by agent and month of receipt.

use tidegate_agentping::{FinishStatus, HeartbeatStatus, TeamId};
use tidegate_kernel::{Month, Timestamp};

use super::StoreUnderTest;
use super::story::{DAY_MS, NOON, Story, finish, fresh, heartbeat, start};

impl StoreUnderTest {
    pub(super) async fn repeats(&self, team: TeamId, month: Month) -> Vec<(String, u64)> {
        let found = self.queries.repeats(team, month).await.expect("read");
        found.into_iter().map(|row| (row.agent.to_string(), row.times)).collect()
    }
}

fn of(agent: &str, times: u64) -> (String, u64) {
    (agent.to_owned(), times)
}

/// Nights of one run, of which the first closes it.
fn nights(story: Story, agent: &str, nights: std::ops::Range<i64>) -> Story {
    nights
        .fold(story, |story, night| story.tell(NOON.plus_millis(night * DAY_MS), heartbeat(agent, HeartbeatStatus::Ok)))
}

pub(super) async fn they_are_summed_by_agent_and_month(store: &StoreUnderTest) {
    let team = fresh();
    let (may, june) = (Month::of(NOON), Month::of(NOON).next());
    assert_eq!(store.repeats(team, may).await, []);
    // Each once, and the save of before late, and both again.
    let mut cron = nights(Story::of_team(team), "cron", 0..1);
    let opening = cron.write();
    store.save(vec![opening.clone()]).await;
    assert_eq!(store.repeats(team, may).await, []);
    cron = nights(cron, "cron", 1..4);
    let in_may = cron.write();
    cron = nights(cron, "cron", 4..22);
    let in_june = cron.write();
    for _ in 0..2 {
        store.save(vec![in_may.clone()]).await;
        assert_eq!(store.repeats(team, may).await, [of("cron", 3)]);
        store.save(vec![opening.clone()]).await;
        assert_eq!((store.repeats(team, may).await, store.repeats(team, june).await), (vec![of("cron", 3)], vec![]));
    }
    let mut others =
        [nights(Story::of_team(team), "cron", 0..2), nights(Story::of_team(team), "backup", 0..3), fresh_run(team)];
    let mut writes: Vec<_> = others.iter_mut().map(Story::write).collect();
    writes.push(in_june.clone());
    for _ in 0..2 {
        store.save(writes.clone()).await;
        store.save(vec![in_may.clone()]).await;
        assert_eq!(store.repeats(team, may).await, [of("backup", 2), of("cron", 16 + 1)]);
        assert_eq!(store.repeats(team, june).await, [of("cron", 5)]);
    }
    assert_eq!(store.repeats(fresh(), may).await, []);
    assert_eq!(store.queries.usage(team, may).await, Ok(5), "they count towards no quota");
}

/// An ordinary run: it has none.
fn fresh_run(team: TeamId) -> Story {
    let opened = Story::of_team(team).tell(NOON, start("good"));
    opened.tell(NOON.plus_millis(1), finish(FinishStatus::Success))
}

/// A run is not shown until it is opened; the last opening decides under which spelling its agent is listed.
pub(super) async fn they_are_the_agents_of_the_opening(store: &StoreUnderTest) {
    let team = fresh();
    let may = Month::of(NOON);
    let at = |millis| -> Timestamp { NOON.plus_millis(millis) };
    let mut orphan =
        Story::of_team(team).tell(at(0), finish(FinishStatus::Success)).tell(at(1), finish(FinishStatus::Failed));
    store.save(vec![orphan.write()]).await;
    assert_eq!(store.repeats(team, may).await, []);
    orphan = orphan.tell(at(2), start("late"));
    store.save(vec![orphan.write()]).await;
    assert_eq!(store.repeats(team, may).await, [of("late", 1)]);

    let mut story = nights(Story::of_team(team), "spaced ", 0..3);
    let implied = story.write();
    store.save(vec![implied.clone()]).await;
    assert_eq!(store.repeats(team, may).await, [of("late", 1), of("spaced ", 2)]);
    story = story.tell(at(3), start("spaced"));
    let opened = story.write();
    for _ in 0..2 {
        store.save(vec![opened.clone()]).await;
        store.save(vec![implied.clone()]).await;
        assert_eq!(store.repeats(team, may).await, [of("late", 1), of("spaced", 2)]);
    }
}
