//! Two regions side by side on one stack share nothing: not topics, keyspaces, or the gate's keys; and each refuses
//! the other's credentials before it looks anything up.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, LogClient, Settings};
use tidegate_tests::team::text;
use tidegate_tests::{Plan, Target, Team, ids, wire};

use crate::BINARY;

/// All look-ups of one deployment's store, of whatever kind.
async fn asked_of_the_store(target: &Target) -> u64 {
    let now = target.metrics().await;
    let kinds = now.values("tidegate_cql_requests_total", "kind");
    let of_credentials: Vec<&String> = kinds.iter().filter(|kind| kind.contains("credential")).collect();
    assert!(!of_credentials.is_empty(), "no kind of request is about credentials: {kinds:?}");
    of_credentials.iter().map(|kind| now.sum("tidegate_cql_requests_total", &[("kind", kind)])).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_regions_share_nothing() {
    let eu = Settings::small();
    let us = Settings { region: "us", name: eu.name.clone(), ..Settings::small() };
    let (east, west) = tokio::join!(Target::on_the_stack(BINARY, &us), Target::on_the_stack(BINARY, &eu));
    let targets = [(&west, &eu), (&east, &us)];
    let mut teams = Vec::new();
    for (target, settings) in targets {
        let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
        let run = team.run_id();
        assert!(run.starts_with(&format!("run_{}_", settings.region)));
        team.start(&wire::start(&run, "a")).await.expect(202);
        team.stored_run(&run).await;
        team.lists_exactly(std::slice::from_ref(&run)).await;
        teams.push((team, run));
    }

    for (mine, theirs) in [(0, 1), (1, 0)] {
        let ((target, here), (_, there)) = (targets[mine], targets[theirs]);
        let ((team, _), (stranger, strange_run)) = (&teams[mine], &teams[theirs]);
        let (here, there) = (here.region, there.region);
        let message = format!(
            "Credential region '{there}' does not match endpoint region '{here}'. Send this request to \
             https://{here}.ingest.agentping.io/v1/... from the {there} region, or use an {here} credential."
        );
        let before = asked_of_the_store(target).await;
        let token = stranger.token("a").await;
        for credential in [&stranger.key, &token.token, &ids::fresh("apk", there)] {
            let refused = team.bare("POST", "/v1/runs").bearer(credential).json(&wire::start(&team.run_id(), "a"));
            assert_eq!(refused.send().await.refused(401, "region_mismatch", None).message(), message);
            let ping = team.bare("GET", "/v1/ping?agent=a").bearer(credential).send().await.expect(401);
            assert_eq!(ping.header("x-agentping-error"), Some("region_mismatch"));
        }
        assert_eq!(asked_of_the_store(target).await, before, "a credential of {there} was looked up in {here}");
        // The counter does count: an unknown credential of its own region is looked up.
        let unknown = team.bare("POST", "/v1/runs").bearer(&ids::fresh("apk", here)).json(&json!({}));
        unknown.send().await.refused(401, "invalid_credential", None);
        assert!(asked_of_the_store(target).await > before, "look-ups are not counted");

        team.start(&wire::start(strange_run, "a")).await.refused(400, "invalid_id", Some("id"));
        team.finish(strange_run, &wire::finish()).await.refused(400, "invalid_id", Some("id"));
        let read = team.client.get(&format!("{}/v1/runs", team.deployment.control)).bearer(&stranger.key);
        assert_eq!(read.send().await.status, 401, "nor does the read API take it");
    }
    apart_on_the_stack(targets.map(|(_, settings)| settings)).await;
}

/// Each region's topic, keyspace and keys hold its own records only.
async fn apart_on_the_stack(regions: [&Settings; 2]) {
    let stack = Addresses::found();
    let store = Rows::connect(&stack.cql).await.unwrap();
    let client = redis::Client::open(format!("redis://{}", stack.redis)).unwrap();
    let mut gate = client.get_multiplexed_async_connection().await.unwrap();
    for settings in regions {
        let log = LogClient::connect(&stack, &settings.records_topic(), &settings.group());
        let on_log = log.records().await.unwrap();
        let of: BTreeSet<String> =
            on_log.iter().map(|seen| text(&serde_json::from_slice(&seen.payload).unwrap(), "region")).collect();
        assert_eq!(of, BTreeSet::from([settings.region.to_owned()]), "on {}", settings.records_topic());
        let rows = store.select(&format!("SELECT JSON DISTINCT team, run FROM {}.runs", settings.keyspace())).await;
        let rows = rows.unwrap();
        let own = format!("_{}_", settings.region);
        assert!(!rows.is_empty() && rows.iter().all(|row| text(row, "run").contains(&own)), "{rows:?}");
        let pattern = format!("*{}*", settings.prefix());
        let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut gate).await.unwrap();
        let other = if settings.region == "eu" { "_us_" } else { "_eu_" };
        assert!(!keys.is_empty() && keys.iter().all(|key| !key.contains(other)), "{keys:?}");
    }
}
