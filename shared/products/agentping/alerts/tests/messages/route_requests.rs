//! What people send to make or change a route.

use serde_json::{Value, json};
use tidegate_agentping_alerts::route_request::{RouteRandom, RouteRequest};
use tidegate_agentping_settings::{RouteDoc, RouteId, RouteTarget};
use tidegate_kernel::{Region, Timestamp};

use crate::rig::{NOW, TEAM};

const ID: RouteId = RouteId::from_bits(Region::Eu, 1);
const RANDOM: RouteRandom = RouteRandom([1; 32]);

fn judge(url: &str) -> Result<(), String> {
    if url.starts_with("https://") { Ok(()) } else { Err("its scheme is not https".to_owned()) }
}

fn create(body: Value) -> Result<RouteDoc, String> {
    let request = RouteRequest::new(body.as_object().unwrap().clone());
    request.create((TEAM, ID), &RANDOM, &judge, NOW).map_err(|fault| format!("{}: {fault}", fault.path))
}

fn change(route: &RouteDoc, body: Value) -> Result<RouteDoc, String> {
    let request = RouteRequest::new(body.as_object().unwrap().clone());
    let random = RouteRandom([2; 32]);
    request.change((TEAM, ID), route, &random, &judge, NOW).map_err(|fault| format!("{}: {fault}", fault.path))
}

fn with(base: &Value, members: Value) -> Value {
    let mut all = base.as_object().unwrap().clone();
    all.extend(members.as_object().unwrap().clone());
    all.into()
}

#[test]
fn each_kind_is_made_with_its_defaults() {
    let webhook = create(json!({"name": "ops", "kind": "webhook", "url": "https://a.test/"})).unwrap();
    assert_eq!(
        (webhook.enabled, webhook.reminders, webhook.min_interval_s, webhook.alerts.as_ref()),
        (true, true, 3_600, None)
    );
    let RouteTarget::Webhook(target) = &webhook.target else { panic!("{webhook:?}") };
    assert!(target.secret.reveal().starts_with("whsec_AQEB"), "32 random bytes");
    let slack =
        create(json!({"name": "s", "kind": "slack", "url": "https://hooks.slack.com/x", "min_severity": "error"}));
    assert!(slack.unwrap().is_serving());
    let mail = create(json!({"name": "m", "kind": "email", "to": "ops+a@mail.example.com"})).unwrap();
    assert!(!mail.is_serving() && mail.target.is_unconfirmed());
    assert!(create(json!({"name": "p", "kind": "pagerduty", "routing_key": "R0123456789"})).is_ok());
}

#[test]
fn what_is_wrong_is_named() {
    let hook = json!({"name": "ops", "kind": "webhook", "url": "https://a.test/"});
    let mail = json!({"name": "ops", "kind": "email", "to": "a@b.test"});
    let pager = json!({"name": "ops", "kind": "pagerduty", "routing_key": "R1"});
    for (body, field) in [
        (json!({}), "kind"),
        (json!({"kind": 1}), "kind"),
        (json!({"kind": "sms"}), "kind"),
        (json!({"kind": "webhook", "url": "https://a.test/"}), "name"),
        (json!({"kind": "webhook", "name": "a"}), "url"),
        (with(&hook, json!({"name": ""})), "name"),
        (with(&hook, json!({"name": " a"})), "name"),
        (with(&hook, json!({"name": "a\nb"})), "name"),
        (with(&hook, json!({"name": "x".repeat(65)})), "name"),
        (with(&hook, json!({"url": "http://a.test/"})), "url"),
        (with(&hook, json!({"url": 7})), "url"),
        (with(&hook, json!({"url": format!("https://{}", "x".repeat(2_048))})), "url"),
        (with(&hook, json!({"to": "a@b.test"})), "to"),
        (with(&hook, json!({"secret": "whsec_short"})), "secret"),
        (with(&hook, json!({"headers": []})), "headers"),
        (with(&hook, json!({"headers": {"Host": "x"}})), "headers.Host"),
        (with(&hook, json!({"headers": {"content-type": "x"}})), "headers.content-type"),
        (with(&hook, json!({"headers": {"Webhook-Id": "x"}})), "headers.Webhook-Id"),
        (with(&hook, json!({"headers": {"Connection": "x"}})), "headers.Connection"),
        (with(&hook, json!({"headers": {"X-A": "a\r\nb: c"}})), "headers.X-A"),
        (with(&hook, json!({"headers": {"X A": "a"}})), "headers.X A"),
        (with(&hook, json!({"headers": {"X-A": 1}})), "headers.X-A"),
        (with(&hook, json!({"headers": {"X-A": "1", "x-a": "2"}})), "headers.x-a"),
        (with(&hook, json!({"alerts": "run_failed"})), "alerts"),
        (with(&hook, json!({"alerts": ["run_failed", "nothing"]})), "alerts[1]"),
        (with(&hook, json!({"min_severity": "grave"})), "min_severity"),
        (with(&hook, json!({"min_interval_s": -1})), "min_interval_s"),
        (with(&hook, json!({"min_interval_s": 1.5})), "min_interval_s"),
        (with(&hook, json!({"min_interval_s": 2_592_001})), "min_interval_s"),
        (with(&hook, json!({"reminders": 1})), "reminders"),
        (with(&hook, json!({"enabled": "yes"})), "enabled"),
        (with(&hook, json!({"id": "x"})), "id"),
        (with(&mail, json!({"to": "a"})), "to"),
        (with(&mail, json!({"to": "a@b.test, c@d.test"})), "to"),
        (with(&mail, json!({"to": "a@b.test\r\nBcc: c@d.test"})), "to"),
        (with(&mail, json!({"to": "<a@b.test>"})), "to"),
        (with(&mail, json!({"to": "a..b@c.test"})), "to"),
        (with(&mail, json!({"to": "a@-b.test"})), "to"),
        (with(&mail, json!({"url": "https://a.test"})), "url"),
        (with(&mail, json!({"digest": "hourly"})), "digest"),
        (with(&mail, json!({"digest": 1})), "digest"),
        (with(&mail, json!({"digest": "daily", "digest_timezone": "Mars/Base"})), "digest_timezone"),
        (with(&mail, json!({"digest_timezone": "UTC"})), "digest_timezone"),
        (with(&hook, json!({"digest": "daily"})), "digest"),
        (with(&pager, json!({"routing_key": ""})), "routing_key"),
        (with(&pager, json!({"routing_key": "R 1"})), "routing_key"),
        (with(&pager, json!({"url": "ftp://a.test"})), "url"),
    ] {
        let fault = create(body.clone()).expect_err(&body.to_string());
        assert!(fault.starts_with(&format!("{field}: ")), "{body}: {fault}");
    }
    let unknown = RouteRequest::new(with(&hook, json!({"id": 1})).as_object().unwrap().clone());
    let fault = unknown.create((TEAM, ID), &RANDOM, &judge, NOW).unwrap_err();
    assert!(fault.is_unknown);
}

/// A change keeps what it does not name, `null` brings defaults back, and enabling ends the sender's own state.
#[test]
fn a_change_is_of_what_it_names() {
    let made = create(json!({"name": "ops", "kind": "webhook", "url": "https://a.test/", "headers": {"X-A": "b"},
        "alerts": ["run_failed"], "min_severity": "error", "min_interval_s": 5, "reminders": false}))
    .unwrap();
    assert_eq!(change(&made, json!({})).unwrap(), made);
    let renamed = change(&made, json!({"name": "other"})).unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.target), ("other", &made.target));
    let unset = change(
        &made,
        json!({"alerts": null, "min_severity": null, "min_interval_s": null, "reminders": null, "headers": null}),
    );
    assert_eq!(unset.unwrap(), create(json!({"name": "ops", "kind": "webhook", "url": "https://a.test/"})).unwrap());
    let mut disabled = made.clone();
    disabled.disabled = Some(tidegate_agentping_settings::RouteDisabled { at: NOW, reason: "410".to_owned() });
    assert!(!change(&disabled, json!({"name": "x"})).unwrap().is_serving());
    assert!(change(&disabled, json!({"enabled": true})).unwrap().is_serving());
    for (body, field) in [
        (json!({"kind": "slack"}), "kind"),
        (json!({"secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}), "secret"),
        (json!({"url": null}), "url"),
        (json!({"name": null}), "name"),
        (json!({"to": "a@b.test"}), "to"),
    ] {
        assert!(change(&made, body.clone()).unwrap_err().starts_with(&format!("{field}: ")), "{body}");
    }
}

/// Another address has to confirm as well, the same one does not.
#[test]
fn another_address_has_to_confirm() {
    let mut made = create(json!({"name": "m", "kind": "email", "to": "a@b.test"})).unwrap();
    let RouteTarget::Email(mail) = &mut made.target else { panic!("{made:?}") };
    mail.confirmed_at = Some(Timestamp::from_millis(1));
    let token = mail.token.clone();
    assert_eq!(change(&made, json!({"to": "a@b.test"})).unwrap(), made);
    let changed = change(&made, json!({"to": "c@b.test"})).unwrap();
    let RouteTarget::Email(mail) = &changed.target else { panic!("{changed:?}") };
    assert!(changed.target.is_unconfirmed() && mail.token != token);
}

/// A digest begins when it is asked for, when it becomes another one, and when the route can be sent to again.
#[test]
fn a_digest_is_asked_for_from_an_instant_on() {
    let confirmed = |mut route: RouteDoc| {
        if let RouteTarget::Email(mail) = &mut route.target {
            mail.confirmed_at = Some(NOW);
        }
        route
    };
    let later = |route: &RouteDoc, given: Value, hours: i64| {
        let request = RouteRequest::new(given.as_object().unwrap().clone());
        request.change((TEAM, ID), route, &RANDOM, &judge, NOW.plus_millis(hours * 3_600_000)).unwrap()
    };
    let mail = json!({"name": "m", "kind": "email", "to": "a@b.test"});
    let made = confirmed(create(with(&mail, json!({"digest": "daily"}))).unwrap());
    let of = |route: &RouteDoc| {
        let digest = route.digest.clone().unwrap();
        let since = digest.since.millis_since(NOW) / 3_600_000;
        format!("{} {} {since}", digest.every.as_str(), digest.timezone.name())
    };
    assert_eq!(of(&made), "daily UTC 0");
    assert_eq!(
        of(&later(&made, json!({"name": "other", "digest": "daily", "digest_timezone": "UTC"}), 1)),
        "daily UTC 0"
    );
    assert_eq!(of(&later(&made, json!({"digest": "weekly"}), 1)), "weekly UTC 1");
    let moved = later(&made, json!({"digest_timezone": "europe/berlin"}), 2);
    assert_eq!(of(&moved), "daily Europe/Berlin 2");
    assert_eq!(of(&later(&moved, json!({"digest_timezone": null}), 3)), "daily UTC 3");
    assert_eq!(later(&moved, json!({"digest": null}), 3).digest, None);
    let off = later(&made, json!({"enabled": false}), 4);
    assert_eq!(of(&off), "daily UTC 0");
    assert_eq!(of(&later(&off, json!({"enabled": true}), 5)), "daily UTC 5");
}
