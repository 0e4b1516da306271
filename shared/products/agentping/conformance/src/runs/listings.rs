//! Listings: order, every filter, every page, and how idle closing shows.

use std::cmp::Reverse;

use tidegate_agentping::{FinishStatus, HeartbeatStatus, Idle, RunId, RunStatus, Start, TeamId};
use tidegate_agentping_ports::{RunFilter, RunPage};
use tidegate_kernel::Timestamp;

use super::StoreUnderTest;
use super::chance::Chance;
use super::story::{
    FinishWith, HOUR_MS, NOON, SECOND_MS, StartWith, Story, event, finish, fresh, heartbeat, slug, start,
};

const RUNS: usize = 45;
const AGENTS: [&str; 3] = ["alpha", "Alpha", "beta"];
const LABELS: [Option<&str>; 3] = [None, Some("x"), Some("")];

/// What the model knows of a run, written independently of the history, not derived from it.
struct Known {
    id: RunId,
    started_at: Timestamp,
    agent: &'static str,
    customer_id: Option<&'static str>,
    feature: Option<&'static str>,
    /// At noon, and an hour later.
    statuses: [RunStatus; 2],
}

pub(super) async fn every_filter_and_page_agrees_with_a_plain_model(store: &StoreUnderTest) {
    let team = fresh();
    let known = store_mixed_runs(store, team).await;
    let windows = [(None, None), (Some(2), Some(4)), (Some(3), None), (None, Some(3)), (Some(4), Some(4))];
    let statuses = || std::iter::once(None).chain(RunStatus::ALL.map(Some));
    for (hour, now) in [NOON, NOON.plus_millis(HOUR_MS)].into_iter().enumerate() {
        for agent in [None, Some("alpha"), Some("nobody")] {
            for status in statuses() {
                for (customer_id, feature) in [(None, None), (Some("x"), None), (None, Some("")), (Some(""), Some("x"))]
                {
                    for (from, to) in windows {
                        let filter = RunFilter {
                            agent: agent.map(slug),
                            status,
                            customer_id: customer_id.map(str::to_owned),
                            feature: feature.map(str::to_owned),
                            from: from.map(tick),
                            to: to.map(tick),
                        };
                        let fits = |run: &&Known| {
                            agent.is_none_or(|agent| agent == run.agent)
                                && status.is_none_or(|status| status == run.statuses[hour])
                                && (customer_id.is_none() || customer_id == run.customer_id)
                                && (feature.is_none() || feature == run.feature)
                                && from.is_none_or(|from| tick(from) <= run.started_at)
                                && to.is_none_or(|to| run.started_at < tick(to))
                        };
                        let expected: Vec<RunId> = known.iter().filter(fits).map(|run| run.id).collect();
                        let plain = filter == RunFilter::default();
                        for limit in if plain { vec![1, 2, 7, RUNS, 1_000] } else { vec![7] } {
                            let listed = all_pages(store, team, &filter, limit, now).await;
                            assert_eq!(listed, expected, "{filter:?}, {limit} a page");
                        }
                    }
                }
            }
        }
    }
}

fn tick(n: i64) -> Timestamp {
    NOON.plus_millis(n * SECOND_MS - HOUR_MS)
}

/// Saves runs of every sort, orphans and another team's among them; returns those to be listed, newest first.
async fn store_mixed_runs(store: &StoreUnderTest, team: TeamId) -> Vec<Known> {
    let mut chance = Chance::new(7);
    let mut known = Vec::new();
    let mut writes = Vec::new();
    for number in 0..RUNS {
        let (agent, started_at) = (*chance.of(&AGENTS), tick(chance.below(6) as i64));
        let (customer_id, feature) = (*chance.of(&LABELS), *chance.of(&LABELS));
        let idle = |status| Some(Idle { timeout_s: 1_800, status });
        let (closing, idle, statuses) = match number % 9 {
            0 | 1 => (None, None, [RunStatus::Running; 2]),
            2 => (Some(FinishStatus::Success), None, [RunStatus::Success; 2]),
            3 => (Some(FinishStatus::Failed), idle(FinishStatus::Success), [RunStatus::Failed; 2]),
            4 => (Some(FinishStatus::Timeout), None, [RunStatus::Timeout; 2]),
            5 => (Some(FinishStatus::Cancelled), None, [RunStatus::Cancelled; 2]),
            6 => (None, idle(FinishStatus::Success), [RunStatus::Running, RunStatus::Success]),
            7 => (None, idle(FinishStatus::Timeout), [RunStatus::Running, RunStatus::Timeout]),
            _ => (Some(FinishStatus::Success), None, [RunStatus::Running; 2]),
        };
        let mut opening = Start { idle, ..start(agent).at(started_at) };
        (opening.customer_id, opening.feature) = (customer_id.map(Into::into), feature.map(Into::into));
        let mut story = Story::of_team(team);
        let orphan = number % 9 == 8;
        if !orphan {
            story = story.tell(NOON, opening.clone());
        }
        if let Some(status) = closing {
            story = story.tell(NOON, finish(status));
        }
        writes.push(story.write());
        // Another team has a run of the same id: it must not show.
        let other = tidegate_agentping::RunKey { team: fresh(), run: story.key.run };
        writes.push(Story::of(other).tell(NOON, opening).write());
        if !orphan {
            known.push(Known { id: story.key.run, started_at, agent, customer_id, feature, statuses });
        }
    }
    store.save(writes).await;
    known.sort_by_key(|run| Reverse((run.started_at, run.id)));
    known
}

pub(super) async fn all_pages(
    store: &StoreUnderTest,
    team: TeamId,
    filter: &RunFilter,
    limit: usize,
    now: Timestamp,
) -> Vec<RunId> {
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = RunPage { after, ..RunPage::first(limit) };
        let found = store.queries.list(team, filter, &page, now).await.expect("listed").runs;
        assert!(found.len() <= limit);
        let full = found.len() == limit;
        after = found.last().map(|run| (run.listed_at, run.id)).or(after);
        listed.extend(found.into_iter().map(|run| run.id));
        if !full {
            return listed;
        }
    }
}

pub(super) async fn a_run_whose_start_replaces_an_implied_one_moves(store: &StoreUnderTest) {
    let team = fresh();
    let mut story = Story::of_team(team).tell(NOON, heartbeat("a", HeartbeatStatus::Ok));
    let mut between = Story::of_team(team).tell(NOON, start("a").at(NOON.plus_millis(-10)));
    store.save(vec![story.write(), between.write()]).await;
    let all = RunFilter::default();
    assert_eq!(all_pages(store, team, &all, 10, NOON).await, [story.key.run, between.key.run]);
    story = story.tell(NOON, start("a").at(NOON.plus_millis(-20)).feature("late")).tell(NOON, event(fresh(), NOON));
    store.save(vec![story.write()]).await;
    assert_eq!(all_pages(store, team, &all, 10, NOON).await, [between.key.run, story.key.run], "and once only");
    let late = RunFilter { feature: Some("late".into()), ..all };
    let page = RunPage::first(10);
    let listed = store.queries.list(team, &late, &page, NOON).await.expect("listed").runs;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].run, story.state.run, "listed as it stands now");
}

pub(super) async fn a_page_ends_with_its_bytes(store: &StoreUnderTest) {
    let team = fresh();
    const OUTPUT_BYTES: usize = 10_000;
    let mut stories: Vec<Story> = (0..40)
        .map(|n| {
            let closing = finish(FinishStatus::Success).output(&format!("\"{}\"", "x".repeat(OUTPUT_BYTES - 2)));
            Story::of_team(team).tell(NOON, start("a").at(tick(n))).tell(NOON, closing)
        })
        .collect();
    store.save(stories.iter_mut().map(Story::write).collect()).await;
    let expected: Vec<RunId> = stories.iter().rev().map(|story| story.key.run).collect();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = RunPage { after, limit: 1_000, max_bytes: 10 * OUTPUT_BYTES - 1 };
        let found = store.queries.list(team, &RunFilter::default(), &page, NOON).await.expect("listed");
        assert!(found.runs.len() == 10 || !found.cut, "{} runs", found.runs.len());
        after = found.runs.last().map(|run| (run.listed_at, run.id)).or(after);
        listed.extend(found.runs.into_iter().map(|run| run.id));
        if !found.cut {
            break;
        }
    }
    assert_eq!(listed, expected);
}

pub(super) async fn no_run_is_listed_for_a_team_without_any(store: &StoreUnderTest) {
    assert_eq!(all_pages(store, fresh(), &RunFilter::default(), 10, NOON).await, []);
}
