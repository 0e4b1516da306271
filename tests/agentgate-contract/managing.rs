//! What the operator's commands print, member by member: the same in a data folder and in a distributed deployment.

use serde_json::{Value, json};

use crate::World;
use crate::suite::{Client, eventually};

/// A time, for an answer that is compared as a whole.
#[track_caller]
fn time<'v>(of: &'v Value, member: &str) -> &'v Value {
    let is_time = of[member].as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok());
    assert!(is_time, "{member} is no time: {of}");
    &of[member]
}

fn text<'v>(of: &'v Value, member: &str) -> &'v str {
    of[member].as_str().unwrap_or_else(|| panic!("no {member}: {of}"))
}

/// The one that is listed under this id.
fn listed<'v>(list: &'v Value, member: &str, id: &str) -> &'v Value {
    let rows = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let mut found = rows.iter().filter(|row| row[member] == id);
    let one = found.next().unwrap_or_else(|| panic!("{id} is not in {list}"));
    assert_eq!(found.next(), None, "{id} is listed twice");
    one
}

/// Our choice: an organization in JSON has these members and no others, whatever the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_is_shown_with_all_its_members() {
    let world = World::start().await;
    let made = world.operate(&["orgs", "create", "of a story"]).await;
    let org = text(&made, "organization");
    assert!(org.starts_with("org_"), "{made}");
    let mut expected = json!({
        "organization": org,
        "name": "of a story",
        "status": "active",
        "billing": "ok",
        "includedCents": 10_000,
        "purchasedCents": 0,
        "heldCents": 0,
        "availableCents": 10_000,
        "concurrency": 10,
        "openRuns": 0,
        "requestsPerMinute": 100,
        "submissionsPerMinute": 20,
        "createdAt": time(&made, "createdAt"),
    });
    assert_eq!(made, expected);
    let words = ["orgs", "set", org, "--concurrency", "3", "--requests-per-minute", "70", "--submissions-per-minute"];
    let changed = world.operate(&[&words[..], &["5"]].concat()).await;
    for (member, value) in [("concurrency", 3), ("requestsPerMinute", 70), ("submissionsPerMinute", 5)] {
        expected[member] = json!(value);
    }
    assert_eq!(changed, expected);
    let changed = world.operate(&["orgs", "credit", org, "--cents", "12"]).await;
    expected["purchasedCents"] = json!(12);
    expected["availableCents"] = json!(10_012);
    assert_eq!(changed, expected);

    let (_, key) = world.key(org, &["*"]).await;
    Client::new(world.url(), &key).run().await;
    expected["heldCents"] = json!(500);
    expected["availableCents"] = json!(9_512);
    expected["openRuns"] = json!(1);
    assert_eq!(world.operate(&["orgs", "show", org]).await, expected);
    // A list fails where an organization of another test is erased while it is read.
    let mut list = Value::Null;
    eventually("organizations are listed", async || {
        let (done, out, _) = world.target().try_manage(&["agentgate", "orgs", "list"]).await;
        list = serde_json::from_str(&out).unwrap_or_default();
        done
    })
    .await;
    assert_eq!(listed(&list, "organization", org), &expected);

    let changed = world.operate(&["orgs", "suspend", org]).await;
    expected["status"] = json!("suspended");
    assert_eq!(changed, expected);
    let changed = world.operate(&["orgs", "resume", org]).await;
    expected["status"] = json!("active");
    assert_eq!(changed, expected);
    let secret = world.operate(&["orgs", "webhook-secret", org]).await;
    assert!(text(&secret, "secret").starts_with("whsec_"), "{secret}");
    assert_eq!(secret, json!({ "organization": org, "secret": secret["secret"] }));
}

/// A new key as it is shown once: its id, and its secret with this prefix and 24 letters and digits.
fn new_key(made: &Value, owner: &str, prefix: &str) -> (String, String) {
    let (id, key) = (text(made, "id"), text(made, "key"));
    assert_eq!(*made, json!({ "id": id, "key": key, "owner": owner }));
    let token = key.strip_prefix(prefix).unwrap_or_else(|| panic!("no {prefix}…: {made}"));
    assert!(token.len() == 24 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
    (id.to_owned(), key.to_owned())
}

/// Our choice: keys and workers' keys are listed without their secrets. Workers' keys have a `revoke` of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_shown_with_all_their_members() {
    let world = World::start().await;
    let made = world.operate(&["orgs", "create", "of keys"]).await;
    let org = text(&made, "organization");
    let scopes = ["keys", "create", "--org", org, "--scopes", "runs:read,work-orders:write"];
    let (client, _) = new_key(&world.operate(&scopes).await, org, "org_live_");
    let (worker, worker_key) =
        new_key(&world.operate(&["worker-keys", "create", "--org", org]).await, org, "agw_live_");
    let (fleet, _) = new_key(&world.operate(&["worker-keys", "create", "--fleet"]).await, "fleet", "agw_live_");

    let row = |list: &Value, id: &str, owner: &str, key_use: &str, scopes: &[&str]| {
        let found = listed(list, "id", id);
        let expected = json!({
            "id": id,
            "owner": owner,
            "use": key_use,
            "scopes": scopes,
            "createdAt": time(found, "createdAt"),
            "revokedAt": found["revokedAt"],
        });
        assert_eq!(*found, expected);
        found["revokedAt"].clone()
    };
    let sorted = ["work-orders:write", "runs:read"];
    let all = world.operate(&["keys", "list", "--org", org]).await;
    assert_eq!(row(&all, &client, org, "client", &sorted), Value::Null);
    assert_eq!(row(&all, &worker, org, "worker", &[]), Value::Null);
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
    let workers = world.operate(&["worker-keys", "list", "--org", org]).await;
    assert_eq!(row(&workers, &worker, org, "worker", &[]), Value::Null);
    assert_eq!(workers.as_array().map(Vec::len), Some(1), "{workers}");

    // An operator gives a worker's key back: no lease is given for it.
    let asks = json!({ "worker": "a" });
    let at_work = Client::new(world.url(), &worker_key);
    assert_eq!(at_work.post("/worker/v1/leases", &asks).await.expect(200).json(), json!({}));
    for id in [&worker, &fleet] {
        let revoked = world.operate(&["worker-keys", "revoke", id]).await;
        assert_eq!(revoked, json!({ "id": id, "revoked": true }));
    }
    eventually("the worker's key is refused", async || {
        at_work.post("/worker/v1/leases", &asks).await.status.as_u16() == 401
    })
    .await;
    at_work.post("/worker/v1/leases", &asks).await.refused(401, "INVALID_WORKER_KEY");
    let workers = world.operate(&["worker-keys", "list", "--org", org]).await;
    assert_ne!(row(&workers, &worker, org, "worker", &[]), Value::Null);
    time(&workers[0], "revokedAt");
    let of_fleet = world.operate(&["worker-keys", "list", "--fleet"]).await;
    assert_ne!(row(&of_fleet, &fleet, "fleet", "fleet", &[]), Value::Null);

    let (done, out, err) = world.target().try_manage(&["agentgate", "worker-keys", "revoke", "key_unknown"]).await;
    assert!(!done && out.is_empty() && err.contains("there is no key with this id"), "{out} {err}");
    let wrong = world.target().command(&["agentgate", "worker-keys", "create"]).await;
    assert_eq!(wrong.status.code(), Some(2), "neither --org nor --fleet: {wrong:?}");
}
