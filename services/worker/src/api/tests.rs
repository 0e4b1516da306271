//! Leases as the server writes them, and URLs.

use super::*;

const LEASE: &str =
    r#"{"run":"run_1","token":2,"expiresAt":"2026-11-29T10:01:00Z","workOrder":{"id":"wo_1","x":1.50}}"#;

fn lease(body: &str, date: Option<&str>) -> Result<Option<Lease>, String> {
    wire::lease(body.as_bytes(), date)
}

#[test]
fn a_leases_length_is_by_the_servers_clock() {
    for (date, expected_s) in [
        (Some("Sun, 29 Nov 2026 10:00:00 GMT"), 60),
        (Some("Sun, 29 Nov 2026 10:00:55 GMT"), 5),
        (Some("Sun, 29 Nov 2026 10:01:00 GMT"), 0),
        // Already over.
        (Some("Sun, 29 Nov 2026 10:02:00 GMT"), 0),
        (None, 60),
        (Some("today"), 60),
    ] {
        let lease = lease(LEASE, date).unwrap().unwrap();
        assert_eq!(lease.length, Duration::from_secs(expected_s), "{date:?}");
    }
}

#[test]
fn the_work_order_is_kept_as_written() {
    let lease = lease(LEASE, None).unwrap().unwrap();
    assert_eq!((lease.run.as_str(), lease.token), ("run_1", 2));
    assert_eq!(lease.work_order.get(), r#"{"id":"wo_1","x":1.50}"#);
    assert_eq!(lease.work_order_id.as_deref(), Some("wo_1"));
}

#[test]
fn an_answer_without_a_run_is_no_lease() {
    assert!(lease("{}", None).unwrap().is_none());
    for broken in ["", "[]x", r#"{"run":"run_1"}"#, r#"{"run":"a b","token":1,"workOrder":{}}"#] {
        assert!(lease(broken, None).is_err(), "{broken}");
    }
}

#[test]
fn a_renewal_tells_the_leases_length_anew() {
    let renewal = |body: &str| wire::renewal(body.as_bytes(), Some("Sun, 29 Nov 2026 10:00:00 GMT"));
    let length = Some(Duration::from_secs(30));
    for (body, expected) in [
        (r#"{"cancelled":true}"#, Renewal { is_cancelled: true, length: None }),
        (r#"{"cancelled":false,"expiresAt":"2026-11-29T10:00:30Z"}"#, Renewal { is_cancelled: false, length }),
        ("{}", Renewal { is_cancelled: false, length: None }),
    ] {
        assert_eq!(renewal(body), Ok(expected), "{body}");
    }
    assert!(renewal("x").is_err());
}

#[test]
fn a_url_names_a_server_without_tls() {
    for good in ["http://127.0.0.1:8082", "http://gate/", "http://[::1]:1/below"] {
        assert!(base(good).is_ok(), "{good}");
    }
    for bad in ["", "127.0.0.1:8082", "localhost:8082", "https://gate", "file:///tmp", "http://"] {
        assert!(base(bad).is_err(), "{bad}");
    }
}
