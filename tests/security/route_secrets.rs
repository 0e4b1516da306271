//! What a route's owner gave as a secret is in no file of the data folder, and messages still go out with it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tidegate_tests::process::Extra;
use tidegate_tests::receiver::{self, Receiver};
use tidegate_tests::team::text;
use tidegate_tests::{Answer, Target, Team};

use crate::secrets::find;
use crate::{BINARY, team_of};

fn reaching_receivers() -> Extra {
    let variable = |name: &str, value: &str| (format!("TIDEGATE_ALERTS__{name}"), value.to_owned());
    let trusted = receiver::ca_file().display().to_string();
    let environment = vec![variable("ALLOW_TARGETS", "127.0.0.0/8"), variable("CA_FILE", &trusted)];
    Extra { environment, ..Extra::default() }
}

async fn manage(team: &Team, method: &str, path: &str, body: &Value) -> Answer {
    let url = format!("{}{path}", team.deployment.control);
    team.client.call(method, &url).bearer(&team.key).json(body).send().await
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |entry: fs::DirEntry| match entry.path() {
        path if path.is_dir() => files(&path),
        path => vec![(path.display().to_string(), fs::read(path).unwrap())],
    };
    fs::read_dir(folder).unwrap().flat_map(|entry| read(entry.unwrap())).collect()
}

#[track_caller]
fn absent(folder: &Path, secrets: &[&str], when: &str) {
    for (name, content) in files(folder) {
        for secret in secrets {
            assert_eq!(find(&content, secret.as_bytes()), None, "{name} holds '{secret}' {when}");
        }
    }
}

/// AC-72: URL, header, key, and signing secret; while it runs and after it has ended, and after a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_route_is_in_the_data_folder() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let target = Target::dev_on(BINARY, &data, reaching_receivers()).await;
    let team = team_of(&target).await;
    let receiver = Receiver::start().await;
    let hook = json!({"name": "ops-route", "kind": "webhook", "url": receiver.url("/p4th-s3cret"), "headers": {"X-Own": "h3ader-s3cret"}});
    let made = manage(&team, "POST", "/v1/routes", &hook).await.expect(201).json();
    let pager = json!({"name": "p", "kind": "pagerduty", "routing_key": "R0s3cretKEY0123456789"});
    manage(&team, "POST", "/v1/routes", &pager).await.expect(201);
    let (id, secret) = (text(&made, "id"), text(&made, "secret"));
    let signing = secret.trim_start_matches("whsec_").to_owned();
    let secrets = ["p4th-s3cret", "h3ader-s3cret", "R0s3cretKEY", &secret, &signing];
    let test = async |count: usize| {
        let tried = manage(&team, "POST", &format!("/v1/routes/{id}/test"), &json!({})).await.expect(200).json();
        assert_eq!(tried["ok"], true, "{tried}");
        receiver.wait_for("/p4th-s3cret", count).await.last().unwrap().headers["x-own"].clone()
    };
    assert_eq!(test(1).await, "h3ader-s3cret");
    manage(&team, "PATCH", &format!("/v1/routes/{id}"), &json!({"min_severity": "error"})).await.expect(200);
    // That the search finds what is there: what names the route elsewhere.
    assert!(files(&data).iter().any(|(_, content)| find(content, b"ops-route").is_some()), "the audit names the route");
    absent(&data, &secrets, "while it runs");
    assert!(target.stop().await);
    absent(&data, &secrets, "after it has ended");
    assert!(!secrets.iter().any(|secret| target.log().contains(secret)), "the log has no secret");
    drop(target);
    // The next process opens what was sealed.
    let again = Target::dev_on(BINARY, &data, reaching_receivers()).await;
    let listed = manage(&team_on(&team, &again), "GET", "/v1/routes", &json!({})).await.expect(200).json();
    assert_eq!(listed["routes"].as_array().unwrap().len(), 2, "{listed}");
    assert!(again.stop().await);
}

/// The same team at another process.
fn team_on(team: &Team, target: &Target) -> Team {
    Team { deployment: target.deployment(), ..team.clone() }
}
