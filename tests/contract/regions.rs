//! The other region is served by the same program.

use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::{Plan, Target, Team, ids, wire};

use crate::BINARY;

/// AP-09, AP-49: a front door of `us` mints and takes ids and credentials of `us`, and refuses those of `eu` with the
/// published texts. (It starts a server of its own, whatever else is tested: a target has one region.)
#[tokio::test]
async fn us_is_a_region_like_any_other() {
    let target = Target::dev_in(BINARY, "us", Extra::default()).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let token = team.token("nightly").await;
    assert!(team.id.starts_with("team_us_") && team.key.starts_with("apk_us_") && token.token.starts_with("ping_us_"));

    let run = ids::fresh("run", "us");
    team.start(&wire::start(&run, "a")).await.expect(202);
    team.batch(&run, &[wire::log_event(&ids::fresh("evt", "us"))]).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
    assert_eq!(team.run_with_events(&run, 1).await["id"], json!(run));
    let minted = team.heartbeat(&json!({"agent": "a"})).await.expect(202).json();
    assert!(ids::is_minted(minted["id"].as_str().unwrap(), "run", "us"), "{minted}");
    let pinged = team.bare("GET", "/v1/ping?agent=nightly").bearer(&token.token).send().await.expect(200);
    assert_eq!(pinged.text(), "OK\n");

    let message = "Credential region 'eu' does not match endpoint region 'us'. Send this request to \
                   https://us.ingest.agentping.io/v1/... from the eu region, or use an us credential.";
    for credential in [ids::fresh("apk", "eu"), ids::fresh("ping", "eu"), team.key.replace("apk_us_", "apk_eu_")] {
        let refused = team.bare("POST", "/v1/heartbeats").bearer(&credential).json(&json!({"agent": "a"}));
        assert_eq!(refused.send().await.refused(401, "region_mismatch", None).message(), message);
    }
    let here_not = ids::fresh("run", "eu");
    team.start(&wire::start(&here_not, "a")).await.refused(400, "invalid_id", Some("id"));
    team.heartbeat(&json!({"id": here_not, "agent": "a"})).await.refused(400, "invalid_id", Some("id"));
    team.finish(&here_not, &wire::finish()).await.refused(400, "invalid_id", Some("id"));
    let (ok, _, told) = target.try_manage(&["teams", "create", "far", "--plan", "team", "--region", "eu"]).await;
    assert!(!ok && told.contains("us"), "a team of the other region has no place here: {told}");
}
