//! What answers mean, and when a message is tried again.

use std::time::Duration;

use tidegate_agentping_alerts::verdict::{TRIES, TryVerdict, of_reply, of_status, pause};
use tidegate_agentping_settings::RouteTarget;

fn target(kind: &str) -> RouteTarget {
    let text = match kind {
        "webhook" => r#"{"kind":"webhook","url":"https://a.test/","secret":"whsec_AA=="}"#,
        "slack" => r#"{"kind":"slack","url":"https://a.test/"}"#,
        _ => r#"{"kind":"pagerduty","routing_key":"R1","url":null}"#,
    };
    serde_json::from_str(text).unwrap()
}

/// AC-56: at 0, 5 s, 5 min, 35 min, 2.5 h, 7.5 h, 17.5 h, 31.5 h, each pause by a fifth shorter or longer.
#[test]
fn ac_56_tries_follow_the_table() {
    let mut at = Duration::ZERO;
    let mut tries = vec![0];
    for number in 1..TRIES {
        at += pause(number, 500, None).unwrap();
        tries.push(at.as_secs());
        let whole = pause(number, 500, None).unwrap();
        assert_eq!(pause(number, 0, None), Some(whole * 8 / 10));
        assert_eq!(pause(number, 1_000, None), Some(whole * 12 / 10));
    }
    assert_eq!(tries, [0, 5, 300, 2_100, 9_000, 27_000, 63_000, 113_400]);
    assert_eq!(pause(TRIES, 500, None), None);
}

/// AC-56: what the receiver asks for holds, up to an hour, and never shortens a pause.
#[test]
fn ac_56_retry_after_is_honoured() {
    let [minute, day, zero] = [60, 86_400, 0].map(|seconds| Some(Duration::from_secs(seconds)));
    assert_eq!(pause(1, 500, minute), minute);
    assert_eq!(pause(1, 500, day), Some(Duration::from_secs(3_600)));
    assert_eq!(pause(1, 500, zero), Some(Duration::from_secs(5)));
    assert_eq!(pause(2, 500, minute), Some(Duration::from_secs(295)));
    assert_eq!(pause(TRIES, 500, minute), None, "the last one is the last one");
}

/// AC-57, AC-58, AC-63: each answer has one meaning.
#[test]
fn answers_and_their_meaning() {
    for kind in ["webhook", "slack", "pagerduty"] {
        let target = target(kind);
        for status in 100..600 {
            let verdict = of_status(&target, status, b"", None);
            let expected = match (kind, status) {
                (_, 200..=299) => "sent",
                ("webhook", 410) | ("slack", 404 | 410) => "gone",
                ("slack" | "pagerduty", 400) => "refused",
                (_, 429 | 502 | 504) => "slow",
                _ => "again",
            };
            let found = match verdict {
                TryVerdict::Sent => "sent",
                TryVerdict::Gone(_) => "gone",
                TryVerdict::Refused => "refused",
                TryVerdict::Again { slows_route: true, .. } => "slow",
                TryVerdict::Again { slows_route: false, .. } => "again",
            };
            assert_eq!(found, expected, "{kind} {status}");
        }
    }
    assert!(matches!(of_status(&target("slack"), 400, b"invalid_token\n", None), TryVerdict::Gone(_)));
    assert_eq!(of_status(&target("slack"), 400, b"invalid_payload", None), TryVerdict::Refused);
    let asked = Some(Duration::from_secs(7));
    assert_eq!(of_status(&target("slack"), 429, b"", asked), TryVerdict::Again { after: asked, slows_route: true });
    assert_eq!(of_reply(true), TryVerdict::Refused);
    assert_eq!(of_reply(false), TryVerdict::Again { after: None, slows_route: false });
}
