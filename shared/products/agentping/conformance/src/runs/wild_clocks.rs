//! Runs whose start is dated by a clock that is out of every bound: kept as sent, listed by their receipt.

use tidegate_agentping::run::clock_skew::{AHEAD_MAX_MS, BEHIND_MAX_MS};
use tidegate_agentping::{FinishStatus, HeartbeatStatus, RunId, TeamId};
use tidegate_agentping_ports::{RunFilter, RunPage};
use tidegate_kernel::{Month, Timestamp, Usd};

use super::StoreUnderTest;
use super::listings::all_pages;
use super::story::{HOUR_MS, NOON, SECOND_MS, StartWith, Story, event, finish, fresh, heartbeat, model_call, start};

const YEAR_1: Timestamp = Timestamp::from_millis(-62_135_596_800_000);
const YEAR_9999: Timestamp = Timestamp::from_millis(253_402_300_799_999);

fn received(seconds: i64) -> Timestamp {
    NOON.plus_millis(seconds * SECOND_MS)
}

fn opened(team: TeamId, seconds: i64, started_at: Timestamp) -> Story {
    Story::of_team(team).tell(received(seconds), start("a").at(started_at))
}

pub(super) async fn a_start_that_no_clock_could_say_is_listed_by_its_receipt(store: &StoreUnderTest) {
    let team = fresh();
    // By their receipts; the two at the bounds by what was sent.
    let mut stories = [
        opened(team, 1, YEAR_9999),
        opened(team, 2, YEAR_1),
        opened(team, 3, received(3)),
        opened(team, 4, received(4).plus_millis(AHEAD_MAX_MS + 1)),
        opened(team, 5, received(5).plus_millis(-BEHIND_MAX_MS - 1)),
        opened(team, 6, received(6).plus_millis(AHEAD_MAX_MS)),
        opened(team, 7, received(7).plus_millis(-BEHIND_MAX_MS)),
    ];
    store.save(stories.iter_mut().map(Story::write).collect()).await;
    let named = |places: &[usize]| -> Vec<RunId> { places.iter().map(|place| stories[*place].key.run).collect() };
    let all = RunFilter::default();
    for limit in [1, 2, 100] {
        let listed = all_pages(store, team, &all, limit, NOON).await;
        assert_eq!(listed, named(&[5, 4, 3, 2, 1, 0, 6]), "{limit} a page");
    }
    let window = RunFilter { from: Some(received(1)), to: Some(received(5)), ..all.clone() };
    assert_eq!(all_pages(store, team, &window, 2, NOON).await, named(&[3, 2, 1, 0]));
    let far = RunFilter { from: Some(NOON.plus_millis(365 * 24 * HOUR_MS)), ..all.clone() };
    assert_eq!(all_pages(store, team, &far, 2, NOON).await, [], "and not in the year 9999");
    let page = store.queries.list(team, &all, &RunPage::first(10), NOON).await.expect("listed");
    for run in page.runs {
        let story = stories.iter().find(|story| story.key.run == run.id).expect("one of them");
        assert_eq!(run.run, story.state.run, "as it was sent");
    }
}

pub(super) async fn a_months_spend_is_of_the_runs_listed_in_it(store: &StoreUnderTest) {
    let team = fresh();
    let costing = |started_at, nanos| {
        let call = model_call(fresh(), NOON, "m", Some(nanos));
        opened(team, 0, started_at).tell(NOON, call)
    };
    let mut stories = [costing(YEAR_9999, 1), costing(YEAR_1, 20), costing(NOON, 300)];
    store.save(stories.iter_mut().map(Story::write).collect()).await;
    let total = async |month| store.queries.spend(team, month, NOON).await.expect("read").total;
    assert_eq!(total(Month::of(NOON)).await, Usd::from_nanos(321));
    assert_eq!(total(Month::of(YEAR_9999)).await, Usd::ZERO);
    assert_eq!(total(Month::of(YEAR_1)).await, Usd::ZERO);
}

pub(super) async fn a_run_moves_to_where_its_real_start_is_listed(store: &StoreUnderTest) {
    let team = fresh();
    for (implied_at, started_at) in [(Some(YEAR_9999), None), (None, Some(YEAR_1)), (Some(YEAR_1), Some(YEAR_1))] {
        let mut closing = heartbeat("a", HeartbeatStatus::Ok);
        closing.started_at = implied_at;
        let mut story = Story::of_team(team).tell(received(1), closing);
        store.save(vec![story.write()]).await;
        let mut opening = heartbeat("a", HeartbeatStatus::Start);
        opening.started_at = started_at;
        story = story
            .tell(received(9), opening)
            .tell(received(9), event(fresh(), NOON))
            .tell(received(9), finish(FinishStatus::Failed));
        store.save(vec![story.write()]).await;
        let listed = store.queries.list(team, &RunFilter::default(), &RunPage::first(10), NOON).await.expect("listed");
        let here: Vec<_> = listed.runs.iter().filter(|run| run.id == story.key.run).collect();
        assert_eq!(here.len(), 1, "once only");
        assert_eq!((here[0].listed_at, &here[0].run), (received(9), &story.state.run));
    }
}
