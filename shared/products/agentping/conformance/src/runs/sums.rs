//! What follows from saved runs: usage, spend, unpriced models, agents.

use tidegate_agentping::{CredentialHash, FinishStatus, HeartbeatStatus, Plan, RunStatus, Slug, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{AgentRow, AgentSum, RunWrite, SpendRow, Team, TokenRow};
use tidegate_kernel::{Month, Timestamp, Usd};
use tidegate_ports::{Ids, RandomIds};

use super::StoreUnderTest;
use super::story::{
    DAY_MS, HOUR_MS, NOON, SECOND_MS, StartWith, Story, event, finish, fresh, heartbeat, model_call, slug, start,
};

pub(super) async fn usage_follows_the_runs(store: &StoreUnderTest) {
    let team = fresh();
    let (may, june) = (Month::of(NOON), Month::of(NOON).next());
    let in_june = june.start();
    let usage = async |month| store.queries.usage(team, month).await.expect("read");
    assert_eq!(usage(may).await, 0);

    let mut first = Story::of_team(team).tell(NOON, start("a"));
    let mut orphan = Story::of_team(team).tell(NOON, vec![event(fresh(), NOON), event(fresh(), NOON)]);
    let opening = first.write();
    store.save(vec![opening.clone(), orphan.write()]).await;
    assert_eq!((usage(may).await, usage(june).await), (3, 0));

    // The last millisecond of May is May's, the next is June's, whatever the client's clock said.
    let last_of_may = in_june.plus_millis(-1);
    first = first
        .tell(last_of_may, event(fresh(), in_june))
        .tell(in_june, vec![event(fresh(), NOON), event(fresh(), NOON)])
        .tell(in_june, finish(FinishStatus::Success));
    let closing = first.write();
    for _ in 0..2 {
        store.save(vec![closing.clone()]).await;
        store.save(vec![opening.clone()]).await;
        assert_eq!((usage(may).await, usage(june).await), (4, 3), "a repeat and a stale write count nothing");
    }
    let beat = heartbeat("a", HeartbeatStatus::Ok);
    store.save(vec![Story::of_team(team).tell(NOON, beat).write()]).await;
    assert_eq!(usage(may).await, 5);
    assert_eq!(store.queries.usage(fresh(), may).await, Ok(0));
}

/// A run of this agent with these labels that cost so many nano-dollars by its one call.
fn costing(team: TeamId, agent: &str, labels: [Option<&str>; 2], at: Timestamp, nanos: u64) -> Story {
    let mut opening = start(agent).at(at);
    [opening.customer_id, opening.feature] = labels.map(|label| label.map(Into::into));
    Story::of_team(team).tell(at, opening).tell(NOON, model_call(fresh(), at, "m", Some(nanos)))
}

pub(super) async fn spend_is_summed_by_every_label(store: &StoreUnderTest) {
    let team = fresh();
    let may = Month::of(NOON);
    assert_eq!(store.queries.spend(team, may, NOON).await, Ok(tidegate_agentping_ports::Spend::default()));
    let success = |story: Story| story.tell(NOON, finish(FinishStatus::Success));
    let mut beat = heartbeat("cron", HeartbeatStatus::Ok);
    beat.cost = Some(Usd::from_nanos(84_000_000));
    let first_of_may = may.start();
    let mut stories = [
        success(costing(team, "a", [Some("c1"), Some("f")], NOON, 100)),
        costing(team, "a", [Some("c2"), None], first_of_may, 30),
        success(costing(team, "b", [Some("c1"), None], NOON, 7)),
        costing(team, "b", [None, Some("f")], NOON, 0).tell(NOON, finish(FinishStatus::Failed)),
        Story::of_team(team).tell(NOON, beat),
        // Neither of these is May's: what counts is when a run started by the client's clock.
        success(costing(team, "a", [None, None], first_of_may.plus_millis(-1), 1_000)),
        success(costing(team, "a", [None, None], may.next().start(), 1_000)),
        Story::of_team(team).tell(NOON, model_call(fresh(), NOON, "m", Some(1_000))),
    ];
    let mut elsewhere = success(costing(fresh(), "a", [None, None], NOON, 1_000));
    let mut writes: Vec<RunWrite> = stories.iter_mut().map(Story::write).collect();
    writes.push(elsewhere.write());
    store.save(writes).await;
    let spend = store.queries.spend(team, may, NOON).await.expect("read");
    let row = |name: Option<&str>, nanos, runs| SpendRow {
        name: name.map(str::to_owned),
        cost: Usd::from_nanos(nanos),
        runs,
    };
    assert_eq!(spend.total, Usd::from_nanos(84_000_137));
    assert_eq!(spend.successful, Usd::from_nanos(84_000_107));
    assert_eq!(spend.by_agent, [row(Some("cron"), 84_000_000, 1), row(Some("a"), 130, 2), row(Some("b"), 7, 2)]);
    assert_eq!(spend.by_customer, [row(None, 84_000_000, 2), row(Some("c1"), 107, 2), row(Some("c2"), 30, 1)]);
    assert_eq!(spend.by_feature, [row(None, 84_000_037, 3), row(Some("f"), 100, 2)]);
    let days: Vec<_> = spend.by_day.iter().map(|day| (day.day, day.cost.as_nanos(), day.runs)).collect();
    let noons_day = Timestamp::from_millis(NOON.as_millis() / DAY_MS * DAY_MS);
    assert_eq!(days, [(first_of_may, 30, 1), (noons_day, 84_000_107, 4)]);
    assert_eq!(spend.unpriced, []);
}

pub(super) async fn an_idle_close_counts_as_its_status(store: &StoreUnderTest) {
    let team = fresh();
    let mut story = Story::of_team(team)
        .tell(NOON, start("a").idle(60, FinishStatus::Success))
        .tell(NOON, model_call(fresh(), NOON, "m", Some(9)));
    store.save(vec![story.write()]).await;
    let successful = async |now| store.queries.spend(team, Month::of(NOON), now).await.expect("read").successful;
    let minute_later = NOON.plus_millis(60 * SECOND_MS);
    assert_eq!(successful(minute_later.plus_millis(-1)).await, Usd::ZERO);
    assert_eq!(successful(minute_later).await, Usd::from_nanos(9));
    story = story.tell(minute_later, event(fresh(), NOON));
    store.save(vec![story.write()]).await;
    assert_eq!(successful(minute_later).await, Usd::ZERO, "a later event reopens it");
}

pub(super) async fn agents_are_summed_over_the_newest_runs(store: &StoreUnderTest) {
    let team = fresh();
    let sums = async |from: Timestamp, runs_max: usize| {
        store.queries.sums_by_agent(team, from, runs_max, NOON).await.expect("read")
    };
    let before = NOON.plus_millis(-DAY_MS);
    assert_eq!((sums(before, 9).await.of("a"), sums(before, 9).await.is_cut()), (None, false));
    let run = |agent: &str, minutes: i64, nanos: u64, status: Option<FinishStatus>| {
        let story = costing(team, agent, [None, None], NOON.plus_millis(-minutes * 60 * SECOND_MS), nanos);
        match status {
            Some(status) => story.tell(NOON, finish(status)),
            None => story,
        }
    };
    let mut stories = [
        run("a", 1, 1, None),
        run("a", 2, 20, Some(FinishStatus::Failed)),
        run("b", 3, 300, Some(FinishStatus::Success)),
        run("a", 4, 4_000, Some(FinishStatus::Timeout)),
        run("a", 60, 50_000, Some(FinishStatus::Success)),
        // Another team's, and one without a start.
        costing(fresh(), "a", [None, None], NOON, 7),
        Story::of_team(team).tell(NOON, model_call(fresh(), NOON, "m", Some(7))),
    ];
    store.save(stories.iter_mut().map(Story::write).collect()).await;
    let sum = |runs, failed, nanos, latest| Some(AgentSum { runs, failed, cost: Usd::from_nanos(nanos), latest });
    let b = sum(1, 0, 300, RunStatus::Success);
    for (from, runs_max, a, of_b, is_cut) in [
        (before, 9, sum(4, 2, 54_021, RunStatus::Running), b, false),
        (before, 5, sum(4, 2, 54_021, RunStatus::Running), b, false),
        (before, 4, sum(3, 2, 4_021, RunStatus::Running), b, true),
        (before, 2, sum(2, 1, 21, RunStatus::Running), None, true),
        (before, 0, None, None, true),
        // At that instant, and not before it.
        (NOON.plus_millis(-4 * 60 * SECOND_MS), 9, sum(3, 2, 4_021, RunStatus::Running), b, false),
        (NOON.plus_millis(-4 * 60 * SECOND_MS + 1), 9, sum(2, 1, 21, RunStatus::Running), b, false),
        (NOON, 9, None, None, false),
    ] {
        let found = sums(from, runs_max).await;
        assert_eq!((found.of("a"), found.of("b"), found.is_cut()), (a, of_b, is_cut), "{from} {runs_max}");
        let cost = [a, of_b].into_iter().flatten().map(|sum| sum.cost).sum::<Usd>();
        let runs: u64 = [a, of_b].into_iter().flatten().map(|sum| sum.runs).sum();
        assert_eq!((found.runs(), found.cost()), (runs, cost), "{from} {runs_max}");
    }
    // Of all agents together.
    let all = sums(before, 9).await;
    let of_statuses = RunStatus::ALL.map(|status| all.with_status(status));
    assert_eq!(of_statuses, [1, 2, 1, 1, 0], "by {:?}", RunStatus::ALL);
    assert_eq!(all.newest_failed(), [stories[1].key.run, stories[3].key.run]);
    assert_eq!(sums(before, 2).await.newest_failed(), [stories[1].key.run]);
}

pub(super) async fn unpriced_models_are_listed_in_the_month_of_receipt(store: &StoreUnderTest) {
    let team = fresh();
    let (may, june) = (Month::of(NOON), Month::of(NOON).next());
    let call = |model, price| model_call(fresh(), NOON, model, price);
    let mut story = Story::of_team(team)
        .tell(NOON, start("a"))
        .tell(NOON, vec![call("new", None), call("old", Some(1)), call("new", None), call("b", None)])
        .tell(june.start(), vec![call("new", None), call("later", None)]);
    // One write that spans both months: each event counts by its own receipt.
    let write = story.write();
    for _ in 0..2 {
        store.save(vec![write.clone()]).await;
        let unpriced = async |month| store.queries.spend(team, month, NOON).await.expect("read").unpriced;
        let of = |model: &str| ("anthropic".to_owned(), model.to_owned());
        assert_eq!(unpriced(may).await, [of("b"), of("new")]);
        assert_eq!(unpriced(june).await, [of("later"), of("new")]);
        assert_eq!(unpriced(june.next()).await, []);
    }
}

pub(super) async fn agents_come_from_runs_and_from_tokens(store: &StoreUnderTest) {
    let team: TeamId = fresh();
    let plan = Plan::Business;
    store
        .registry
        .create_team(Team { id: team, name: format!("Team of {team}"), plan, created_at: NOON, archived_at: None })
        .await
        .expect("created");
    for (agent, at) in [("both", NOON.plus_millis(-DAY_MS)), ("token only", NOON)] {
        let token =
            TokenRow { id: fresh(), team, agent: slug(agent), created_at: at, revoked_at: None, expires_at: None };
        let mut hash = [0; 32];
        hash[..10].copy_from_slice(&RandomIds.random());
        store.registry.create_token(token, CredentialHash(hash)).await.expect("created");
    }
    let later = NOON.plus_millis(HOUR_MS);
    let openings = [("both", NOON), ("a run only", later), ("a run only", NOON), ("a run only", NOON.plus_millis(1))];
    let open = |(agent, at): (&str, Timestamp)| Story::of_team(team).tell(at, start(agent)).write();
    for opening in openings {
        store.save(vec![open(opening)]).await;
    }
    store.save(vec![Story::of_team(team).tell(NOON, heartbeat("beat", HeartbeatStatus::Ok)).write()]).await;
    store.save(vec![Story::of_team(fresh()).tell(NOON, start("elsewhere")).write()]).await;

    let row = |text: &str, first_seen: Timestamp, last_seen: Option<Timestamp>| {
        let slug: Slug = slug(text);
        AgentRow { id: agent_id(team, &slug), slug, first_seen, last_seen, archived_at: None }
    };
    let expected = vec![
        row("a run only", NOON, Some(later)),
        row("beat", NOON, Some(NOON)),
        row("both", NOON.plus_millis(-DAY_MS), Some(NOON)),
        row("token only", NOON, None),
    ];
    let slugs: Vec<Slug> = expected.iter().map(|row| row.slug.clone()).collect();
    assert_eq!(store.queries.agents(team).await, Ok(expected));
    let mut found = store.agents.slugs(team).await.expect("read");
    found.sort();
    assert_eq!(found, slugs);
}

pub(super) async fn an_archived_agent_does_not_count_until_it_is_seen_again(store: &StoreUnderTest) {
    let team: TeamId = fresh();
    let plan = Plan::Business;
    let row = Team { id: team, name: format!("Team of {team}"), plan, created_at: NOON, archived_at: None };
    store.registry.create_team(row).await.expect("created");
    let seen = async |agent: &str, at: Timestamp| {
        store.save(vec![Story::of_team(team).tell(at, start(agent)).write()]).await;
    };
    let counted = async || -> Vec<String> {
        let mut slugs = store.agents.slugs(team).await.expect("read");
        slugs.sort();
        slugs.iter().map(ToString::to_string).collect()
    };
    seen("kept", NOON).await;
    seen("typo", NOON).await;
    let archived_at = NOON.plus_millis(HOUR_MS);
    store.registry.archive_agent(team, slug("typo"), archived_at).await.expect("archived");
    assert_eq!(counted().await, ["kept"]);
    let listed = store.queries.agents(team).await.expect("read");
    let told: Vec<_> = listed.iter().map(|row| (row.slug.as_str(), row.archived_at, row.is_archived())).collect();
    assert_eq!(told, [("kept", None, false), ("typo", Some(archived_at), true)]);

    // What was received before it was archived may be applied after it.
    seen("typo", archived_at).await;
    assert_eq!(counted().await, ["kept"]);
    seen("typo", archived_at.plus_millis(1)).await;
    assert_eq!(counted().await, ["kept", "typo"]);
    store.registry.archive_agent(team, slug("typo"), archived_at.plus_millis(2)).await.expect("archived again");
    assert_eq!(counted().await, ["kept"]);
}
