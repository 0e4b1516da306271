//! A route's health.

use tidegate_agentping_alerts::{HealthState, RouteHealth};
use tidegate_agentping_settings::RouteDoc;

use crate::rig::at;

const DAYS: i64 = 1_440;

fn route(target: &str) -> RouteDoc {
    let text = format!(
        r#"{{"name":"ops",{target},"enabled":true,"min_severity":"info","min_interval_s":1,"reminders":true,"created_at_ms":1}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// AC-58: three days without a success and ten failed messages, and not one of them alone.
#[test]
fn ac_58_three_days_of_failure_disable() {
    let mut health = RouteHealth::default();
    for number in 0..9 {
        assert!(!health.failed(at(number), true, "status 500"));
    }
    assert!(!health.failed(at(4 * DAYS), false, "status 500"), "nine messages");
    assert!(health.failed(at(4 * DAYS), true, "status 500"));
    let mut quick = RouteHealth::default();
    assert!((0..100).all(|number| !quick.failed(at(number), true, "status 500")), "not for three days");
    assert!(!quick.failed(at(3 * DAYS - 1), true, "status 500"));
    assert!(quick.failed(at(3 * DAYS), true, "status 500"));
    quick.succeeded(at(3 * DAYS));
    assert!(!quick.failed(at(9 * DAYS), true, "status 500"), "a success in between");
}

#[test]
fn the_states_shown() {
    let mut health = RouteHealth::default();
    let webhook = route(r#""kind":"slack","url":"https://a.test""#);
    assert_eq!(health.shown(&webhook), (HealthState::Ok, None));
    health.failed(at(0), true, "status 500");
    assert_eq!(health.shown(&webhook), (HealthState::Failing, Some("status 500")));
    let disabled = route(r#""kind":"slack","url":"https://a.test","disabled":{"at_ms":1,"reason":"gone"}"#);
    assert_eq!(health.shown(&disabled), (HealthState::Disabled, Some("gone")));
    let mail = route(r#""kind":"email","to":"a@example.com","token":"t""#);
    assert_eq!(RouteHealth::default().shown(&mail), (HealthState::Unconfirmed, None));
    health.succeeded(at(5));
    assert_eq!((health.shown(&webhook).0, health.last_success_at), (HealthState::Ok, Some(at(5))));
}
