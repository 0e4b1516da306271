//! AC-64: the links of mails.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping_alerts::rows::{OUTBOX, SHARDS, bucket_of, outbox_shard};
use tidegate_agentping_settings::MailQuestions;
use tidegate_ports::{Clock, DocumentList, DocumentWrite, Documents, Expected, RowScan, Rows, ScanOrder};

use crate::house::*;

async fn mail_route(house: &House) -> (String, String) {
    let made =
        house.post("/v1/routes", &json!({"name": "m", "kind": "email", "to": "ops@example.com"})).await.with(201);
    let path = format!("/v1/routes/{}", made["id"].as_str().unwrap());
    assert_eq!(made["health"], json!({"state": "unconfirmed"}));
    (path, token(house, &made).await)
}

async fn token(house: &House, made: &Value) -> String {
    let stored =
        house.documents.get(&team(1).to_string(), "route", made["id"].as_str().unwrap()).await.unwrap().unwrap();
    let stored: Value = serde_json::from_slice(&stored.doc).unwrap();
    stored["token"].as_str().unwrap().to_owned()
}

/// What waits to be sent.
async fn waiting(house: &House) -> usize {
    let mut count = 0;
    for shard in 0..SHARDS {
        let shard = outbox_shard(shard, bucket_of(house.clock.now()));
        let scan = RowScan { table: &OUTBOX, shard, after: None, order: ScanOrder::Ascending, limit: 100 };
        count += house.rows.scan(&scan).await.unwrap().len();
    }
    count
}

/// A new address is asked; following the link changes nothing, the form's button does.
#[tokio::test]
async fn ac_64_an_address_confirms_by_a_form() {
    let house = House::open().await;
    let (path, token) = mail_route(&house).await;
    assert_eq!(waiting(&house).await, 1, "the question");
    let link = format!("/confirm/{token}");
    for _ in 0..2 {
        let form = house.get_as(None, &link).await;
        assert_eq!((form.status.as_u16(), form.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(form.text.contains("<form method=\"post\">") && !form.text.contains("<script"), "{}", form.text);
        assert!(form.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(form.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(house.get(&path).await.ok()["health"]["state"], "unconfirmed");
    }
    for _ in 0..2 {
        house.clock.advance_ms(1);
        assert_eq!(house.send(Method::POST, &link, &[]).await.status, 200);
        assert_eq!(house.get(&path).await.ok()["health"]["state"], "ok");
    }
    let entries = house.get("/v1/audit").await.ok()["entries"].clone();
    assert_eq!((&entries[0]["action"], &entries[0]["by"]), (&json!("route.confirm"), &json!("mail")));
    assert_eq!(entries.as_array().unwrap().len(), 2, "once");
    // Another address has to confirm as well, and the old link is none any more.
    house.patch(&path, &json!({"to": "other@example.com"})).await.ok();
    assert_eq!(
        (house.get(&path).await.ok()["health"]["state"].clone(), waiting(&house).await),
        (json!("unconfirmed"), 2)
    );
    assert_eq!(house.send(Method::POST, &link, &[]).await.status, 404);
}

/// AC-64: an address is asked once a day, whichever routes name it, and its answer holds for all of them.
#[tokio::test]
async fn ac_64_an_address_is_asked_once_a_day() {
    let house = House::open().await;
    let (path, token) = mail_route(&house).await;
    let other = json!({"name": "n", "kind": "email", "to": "OPS@example.com"});
    let other = house.post("/v1/routes", &other).await.with(201);
    let other_path = format!("/v1/routes/{}", other["id"].as_str().unwrap());
    house.patch(&path, &json!({"to": "ops@example.com", "min_severity": "error"})).await.ok();
    assert_eq!(waiting(&house).await, 1, "no further question");
    assert_eq!(house.get(&other_path).await.ok()["health"]["state"], "unconfirmed");
    house.clock.advance_ms(1_500);
    assert_eq!(house.send(Method::POST, &format!("/confirm/{token}"), &[]).await.status, 200);
    for path in [&path, &other_path] {
        assert_eq!(house.get(path).await.ok()["health"]["state"], "ok");
    }
    house.delete(&other_path).await.is_empty_204();
    // The link of today's question holds no more once the route had another address, and there is no second one today.
    house.patch(&path, &json!({"to": "anna@example.com"})).await.ok();
    assert_eq!(waiting(&house).await, 2);
    let before = house.get(&path).await;
    let refused = house.patch(&path, &json!({"to": "ops@example.com"})).await;
    assert_refusal(&refused, 429, "mail_limit", Some("to"));
    assert_eq!(refused.header("retry-after"), Some("86399"));
    let file = "version: 1\nroutes:\n  m: {kind: email, to: ops@example.com}\n";
    let applied = house.put("/v1/config", &json!({ "yaml": file })).await;
    assert_refusal(&applied, 429, "mail_limit", Some("to"));
    let dry = house.put("/v1/config", &json!({"yaml": file, "dry_run": true})).await;
    assert_refusal(&dry, 429, "mail_limit", Some("to"));
    assert_refusal(&house.post("/v1/config/diff", &json!({ "yaml": file })).await, 429, "mail_limit", Some("to"));
    assert_eq!((house.get(&path).await.etag(), waiting(&house).await), (before.etag(), 2), "nothing has changed");
    // Another team has its own day.
    let of_other_team = json!({"name": "m", "kind": "email", "to": "ops@example.com"}).to_string();
    house.post_as(Some(KEY_B), "/v1/routes", of_other_team).await.with(201);
    house.clock.advance_ms(86_400_000);
    house.patch(&path, &json!({"to": "ops@example.com"})).await.ok();
    assert_eq!(waiting(&house).await, 1, "of today");
}

/// AC-64: an answer of today holds for a route that is made after it, and no further question is sent.
#[tokio::test]
async fn ac_64_an_answer_holds_for_routes_that_come_after_it() {
    let house = House::open().await;
    let (_, token) = mail_route(&house).await;
    house.send(Method::POST, &format!("/confirm/{token}"), &[]).await;
    house.clock.advance_ms(3_600_000);
    let later = |name: &str| json!({"name": name, "kind": "email", "to": "OPS@example.com"});
    assert_eq!(house.post("/v1/routes", &later("n")).await.with(201)["health"], json!({"state": "ok"}));
    let file = "version: 1\nroutes:\n  o: {kind: email, to: ops@example.com}\n";
    house.post("/v1/config/diff", &json!({ "yaml": file })).await.ok();
    house.put("/v1/config", &json!({ "yaml": file })).await.ok();
    let routes = house.get("/v1/routes").await.ok()["routes"].clone();
    let states: Vec<&Value> = routes.as_array().unwrap().iter().map(|route| &route["health"]["state"]).collect();
    assert_eq!(states, ["ok", "ok", "ok"]);
    assert_eq!(waiting(&house).await, 1, "the first question");
    house.post_as(None, &format!("/unsubscribe/{token}"), "").await;
    let made = house.post("/v1/routes", &later("p")).await.with(201);
    assert_eq!(made["health"], json!({"state": "unconfirmed"}), "it has unsubscribed since then");
}

/// AC-64: a route that waited for the answer to another one is asked itself once that one is gone, within no day twice.
#[tokio::test]
async fn ac_64_a_route_is_asked_once_the_one_it_waited_for_is_gone() {
    let house = House::open().await;
    let (first, _) = mail_route(&house).await;
    let other = json!({"name": "n", "kind": "email", "to": "ops@example.com"});
    let other = house.post("/v1/routes", &other).await.with(201);
    let path = format!("/v1/routes/{}", other["id"].as_str().unwrap());
    house.delete(&first).await.is_empty_204();
    house.patch(&path, &json!({"min_severity": "error"})).await.ok();
    let state = async || house.get(&path).await.ok()["health"]["state"].clone();
    assert_eq!((state().await, waiting(&house).await), (json!("unconfirmed"), 1));
    house.clock.advance_ms(86_400_000);
    house.patch(&path, &json!({"min_severity": "info"})).await.ok();
    assert_eq!(waiting(&house).await, 1, "of today");
    house.send(Method::POST, &format!("/confirm/{}", token(&house, &other).await), &[]).await;
    assert_eq!(state().await, json!("ok"));
}

/// AC-64: a route that waits for an answer and the answer itself write one document, so that of both at once one is
/// decided anew.
#[tokio::test]
async fn ac_64_an_answer_and_a_route_that_waits_for_it_meet() {
    let house = House::open().await;
    let (_, token) = mail_route(&house).await;
    let version = async || {
        let found = house.documents.get(&team(1).to_string(), "mail_questions", "").await.unwrap();
        found.unwrap().version
    };
    let asked = version().await;
    let other = json!({"name": "n", "kind": "email", "to": "ops@example.com"});
    house.post("/v1/routes", &other).await.with(201);
    let deferred = version().await;
    house.send(Method::POST, &format!("/confirm/{token}"), &[]).await;
    assert!(asked < deferred && deferred < version().await);
}

/// AC-64: a link confirms its own route, however many others have the address, and of these 199 at a time.
#[tokio::test]
async fn ac_64_a_link_confirms_its_own_route_first() {
    let house = House::open().await;
    let (path, token) = mail_route(&house).await;
    let (space, id) = (team(1).to_string(), path.rsplit('/').next().unwrap().to_owned());
    let stored = house.documents.get(&space, "route", &id).await.unwrap().unwrap();
    let stored: Value = serde_json::from_slice(&stored.doc).unwrap();
    let other = |number: u32| {
        let mut doc = stored.clone();
        (doc["name"], doc["token"]) = (json!(format!("r{number}")), json!(format!("t{number}")));
        DocumentWrite {
            kind: "route".into(),
            // Before the one of the link.
            name: format!("aroute_eu_{number:032x}").into(),
            expected: Expected::Absent,
            doc: Some(doc.to_string().into_bytes()),
            ends_at: None,
        }
    };
    let others: Vec<DocumentWrite> = (0..250).map(other).collect();
    house.documents.write(&space, &others, house.clock.now()).await.unwrap();
    for left in [51, 0] {
        assert_eq!(house.send(Method::POST, &format!("/confirm/{token}"), &[]).await.status, 200);
        assert_eq!(house.get(&path).await.ok()["health"]["state"], "ok");
        let (kind, order) = ("route", ScanOrder::Ascending);
        let list = DocumentList { space: &space, kind, prefix: "", after: None, order, limit: 300 };
        let found = house.documents.list(&list).await.unwrap();
        let is_left = |doc: &Vec<u8>| serde_json::from_slice::<Value>(doc).unwrap()["confirmed_at_ms"].is_null();
        assert_eq!(found.iter().filter(|one| is_left(&one.doc)).count(), left);
    }
}

/// AC-64: one file may name an address for several routes: it is asked once.
#[tokio::test]
async fn ac_64_a_file_asks_an_address_once() {
    let house = House::open().await;
    let file =
        "version: 1\nroutes:\n  a: {kind: email, to: ops@example.com}\n  b: {kind: email, to: ops@example.com}\n";
    house.put("/v1/config", &json!({ "yaml": file })).await.ok();
    assert_eq!(waiting(&house).await, 1);
    assert_eq!(house.put("/v1/config", &json!({ "yaml": file })).await.ok()["changes"], json!([]));
    assert_eq!(waiting(&house).await, 1);
    let first = house.get("/v1/routes").await.ok()["routes"][0].clone();
    let link = format!("/confirm/{}", token(&house, &first).await);
    assert_eq!(house.send(Method::POST, &link, &[]).await.status, 200);
    let routes = house.get("/v1/routes").await.ok()["routes"].clone();
    let states: Vec<&Value> = routes.as_array().unwrap().iter().map(|route| &route["health"]["state"]).collect();
    assert_eq!(states, [&json!("ok"), &json!("ok")]);
}

/// AC-64: a route whose address is changed time and again fills no mailboxes.
#[tokio::test]
async fn ac_64_a_team_has_so_many_addresses_asked_in_a_day() {
    let house = House::open().await;
    let (path, _) = mail_route(&house).await;
    for number in 1..MailQuestions::MOST {
        house.patch(&path, &json!({"to": format!("a{number}@example.com")})).await.ok();
    }
    let one_more = json!({"to": "z@example.com"});
    let refused = house.patch(&path, &one_more).await;
    assert_refusal(&refused, 429, "mail_limit", Some("to"));
    assert_eq!(refused.header("retry-after"), Some("86400"));
    assert_eq!(waiting(&house).await, MailQuestions::MOST);
    house.clock.advance_ms(86_400_000);
    house.patch(&path, &one_more).await.ok();
}

/// One click disables the route, and so it is shown.
#[tokio::test]
async fn ac_64_one_click_unsubscribes() {
    let house = House::open().await;
    let (path, token) = mail_route(&house).await;
    house.send(Method::POST, &format!("/confirm/{token}"), &[]).await;
    let link = format!("/unsubscribe/{token}");
    assert_eq!(house.get_as(None, &link).await.status, 200);
    assert_eq!(house.get(&path).await.ok()["health"]["state"], "ok");
    assert_eq!(house.post_as(None, &link, "List-Unsubscribe=One-Click").await.status, 200);
    let health = house.get(&path).await.ok()["health"].clone();
    assert_eq!((&health["state"], &health["reason"]), (&json!("disabled"), &json!("the address has unsubscribed")));
    house.patch(&path, &json!({"enabled": true})).await.ok();
    assert_eq!(house.get(&path).await.ok()["health"]["state"], "ok");
}

#[tokio::test]
async fn a_link_that_is_not_ours_is_not_found() {
    let house = House::open().await;
    let (_, token) = mail_route(&house).await;
    let forged = format!("{}0", &token[..token.len() - 1]);
    let short = &token[..token.len() - 1];
    for token in ["x", "%FF", "a.b.c", &forged.replace("00", "01"), short] {
        for page in ["confirm", "unsubscribe"] {
            for method in [Method::GET, Method::POST] {
                let answer = house.send(method.clone(), &format!("/{page}/{token}"), &[]).await;
                assert_eq!(answer.status, 404, "{method} {page} {token}");
                assert!(answer.text.contains("Unknown link"), "{}", answer.text);
            }
        }
    }
}
