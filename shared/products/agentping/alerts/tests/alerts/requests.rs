//! Requests of HTTP: signatures, headers, and what they must not have.

use standardwebhooks::Webhook;
use tidegate_agentping_alerts::alert_request;
use tidegate_agentping_alerts::signature::{check_secret, new_secret, signature};
use tidegate_agentping_settings::RouteDoc;
use tidegate_kernel::Timestamp;

const ID: &str = "whd_eu_0190a1b2c3d47e8f9a0b1c2d3e4f5061";
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BODY: &str = r#"{"alert":"test","agent":"daily-summary"}"#;

fn route(target: &str) -> RouteDoc {
    let text = format!(
        r#"{{"name":"ops",{target},"enabled":true,"min_severity":"info","min_interval_s":1,"reminders":true,"created_at_ms":1}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// AC-55: the vector of the reference.
#[test]
fn ac_55_the_vector_is_reproduced() {
    let signed = signature(SECRET, ID, 1_781_514_862, BODY).unwrap();
    assert_eq!(signed, "v1,C5iloISrStLdQppQ4QDWa+nXlO8FnTWfk1uDIKbblhI=");
}

/// AC-55: a stock verifier takes both secrets for a day after a rotation, and the new one alone from then on.
#[test]
fn ac_55_a_stock_verifier_accepts_also_during_rotation() {
    let now = time::now();
    let old = new_secret(&[9; 32]);
    let until = now.plus_millis(1_000);
    let target = format!(
        r#""kind":"webhook","url":"https://a.test/","secret":"{SECRET}","previous":{{"secret":"{}","until_ms":{}}}"#,
        old.expose(),
        until.as_millis()
    );
    let verify = |secret: &str, at: Timestamp| {
        let request = alert_request(&route(&target), ID, BODY, "Tidegate/1", at).unwrap();
        let mut headers = http::HeaderMap::new();
        for (name, value) in &request.headers {
            headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Webhook::new(secret).unwrap().verify(request.body.as_bytes(), &headers).is_ok()
    };
    assert!(verify(SECRET, now) && verify(old.expose(), now));
    assert!(verify(SECRET, until) && !verify(old.expose(), until));
    assert!(!verify(new_secret(&[8; 32]).expose(), now));
}

mod time {
    use tidegate_ports::{Clock, SystemClock};

    /// The stock verifier has the machine's clock.
    pub fn now() -> tidegate_kernel::Timestamp {
        SystemClock.now()
    }
}

#[test]
fn a_secret_has_24_to_64_bytes() {
    assert_eq!(check_secret(SECRET), Ok(()));
    for bad in ["", "whsec_", "whsec_!", "AAECAwQF", "whsec_AAECAwQF", &SECRET[1..]] {
        assert!(check_secret(bad).is_err(), "{bad}");
    }
}

/// Own headers are sent, and replace none of ours; each try has its own time.
#[test]
fn a_webhook_has_its_headers() {
    let target = format!(
        r#""kind":"webhook","url":"https://a.test/x","headers":[["X-A","b"],["webhook-id","forged"]],"secret":"{SECRET}""#
    );
    let request =
        alert_request(&route(&target), ID, BODY, "Tidegate/1", Timestamp::from_millis(1_781_514_862_999)).unwrap();
    let last = |name: &str| request.headers.iter().rev().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap();
    assert_eq!(last("x-a").1, "b");
    assert_eq!((last("webhook-id").1.as_str(), last("webhook-timestamp").1.as_str()), (ID, "1781514862"));
    assert_eq!(last("webhook-signature").1, "v1,C5iloISrStLdQppQ4QDWa+nXlO8FnTWfk1uDIKbblhI=");
    assert_eq!((last("user-agent").1.as_str(), request.body.as_str()), ("Tidegate/1", BODY));
    assert!(!format!("{request:?}{:?}", route(&target)).contains("whsec_"));
}
