//! Operations that wait during a call of their team share the next call.

use futures_util::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use tidegate_agentping::Limits;
use tidegate_agentping_ports::{Ask, ClaimOutcome, Gate, Seed, Verdict};
use tidegate_redis::metrics as names;

use crate::asking::{admitted, ask, claim, gate, new_team, outcome, run_born};
use crate::server::{OwnRedis, clear_away, options, shared_url, wait_until};

/// The value of a metric's line that begins so.
fn value(rendered: &str, line: &str) -> f64 {
    let found = rendered.lines().find_map(|rendered| rendered.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {line} in {rendered}")).parse().unwrap()
}

#[tokio::test]
async fn asks_of_one_team_share_calls_and_each_gets_its_own_answer() {
    let url = shared_url().await;
    let options = options(&url);
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let gate = metrics::with_local_recorder(&recorder, || gate(&options));
    let team = new_team();
    gate.seed(team, Seed::default()).await.unwrap();
    let limits = Limits { sustained_per_s: Some(1), burst: Some(150), ..Limits::default() };
    let asked = Ask { limits, ..ask(team, vec![]) };
    let runs: Vec<_> = (0..200).map(|_| run_born(asked.now)).collect();
    let ask_for = |number: usize| Ask { claims: vec![claim(runs[number], number as u64)], ..asked.clone() };
    let verdicts = join_all((0..200).map(|number| gate.admit(ask_for(number)))).await;
    for (number, verdict) in verdicts.into_iter().enumerate() {
        match verdict.unwrap() {
            Verdict::Admitted { claims, ticket, .. } => {
                assert!(number < 150, "the burst is taken in the order of asking: {number}");
                assert_eq!(claims, vec![ClaimOutcome::New { store: tidegate_agentping_ports::StoreRead::NotNeeded }]);
                assert_eq!(ticket.held, vec![(ask_for(number).claims[0].key, ask_for(number).claims[0].fingerprint)]);
                gate.confirm(ticket).await;
            }
            Verdict::Refused(_) => assert!(number >= 150, "{number}"),
            other => panic!("{other:?}"),
        }
    }
    let rendered = handle.render();
    let (asks, calls) = (format!("{}_sum", names::ASKS_PER_CALL), format!("{}_count", names::ASKS_PER_CALL));
    assert_eq!(value(&rendered, &asks), 200.0);
    assert!((2.0..=4.0).contains(&value(&rendered, &calls)), "the first alone, then as many as one call takes");
    assert!(value(&rendered, &format!("{}{{outcome=\"ok\"}}", names::CALLS)) >= value(&rendered, &calls));
    assert_eq!(value(&rendered, names::UP.name()), 1.0);

    // Who asks after a confirmation is behind it in the queue.
    let again = Ask { limits: Limits::default(), ..ask_for(0) };
    assert!(matches!(outcome(gate.admit(again).await.unwrap()), ClaimOutcome::Repeat { .. }));
    clear_away(&url, &options).await;
}

#[tokio::test]
async fn confirmations_go_out_by_themselves() {
    let redis = OwnRedis::start(&[]).await;
    let options = options(redis.url());
    let (confirming, asking) = (gate(&options), gate(&options));
    let team = new_team();
    confirming.seed(team, Seed::default()).await.unwrap();
    let asked = ask(team, vec![]);
    let run = run_born(asked.now);
    let start = || Ask { claims: vec![claim(run, 1)], ..asked.clone() };
    let (_, ticket) = admitted(confirming.admit(start()).await.unwrap());
    confirming.confirm(ticket).await;
    wait_until("another front door sees the confirmation", async || {
        matches!(outcome(asking.admit(start()).await.unwrap()), ClaimOutcome::Repeat { .. })
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_answer_blocks_no_other() {
    let url = shared_url().await;
    let options = options(&url);
    let gate = gate(&options);
    let team = new_team();
    gate.seed(team, Seed::default()).await.unwrap();
    let asked = ask(team, vec![]);
    for _ in 0..50 {
        let leaving = gate.admit(Ask { unclaimed_units: 1, ..asked.clone() });
        assert!(crate::asking::at_once(leaving).is_none(), "it waits for Redis");
    }
    let (_, _ticket) = admitted(gate.admit(asked).await.unwrap());
    clear_away(&url, &options).await;
}
