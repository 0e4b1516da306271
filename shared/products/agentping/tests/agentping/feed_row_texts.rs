//! Rows of the feed as former builds have written them, and what is no row.

use tidegate_agentping::feed::{Did, FeedRowError, FiledUnder, IdleEnd, ModelSpend};
use tidegate_agentping::{FeedRow, FinishStatus, RunStatus, Slug};
use tidegate_agentping_testkit::run_id;
use tidegate_kernel::{Timestamp, Usd};

/// Every member that a row can have, in the order in which they are written.
const WHOLE: &str = concat!(
    r#"{"v":1,"team":"team_eu_00000000000000000000000000000007","run":"run_eu_0000000000000000000000000000002a","#,
    r#""received_at_ms":1778855521124,"appended_at_ms":1778855521125,"opened":true,"ended":true,"reopened":true,"#,
    r#""alive":true,"after_end":true,"replayed":true,"recovered":true,"agent":"nightly \"x\"","customer_id":"acme","#,
    r#""feature":"triage","parent_run_id":"run_eu_00000000000000000000000000000009","started_at_ms":1778855521000,"#,
    r#""listed_at_ms":1778855521001,"status":"timeout","finished_at_ms":1778855521200,"duration_ms":200,"#,
    r#""idle":{"at_ms":1778855581000,"status":"failed"},"alive_at_ms":1778855521100,"cost_nanos_usd":500,"#,
    r#""cost_before_nanos_usd":7,"moved_from":{"agent":"a","customer_id":"c","feature":"f","listed_at_ms":1},"#,
    r#""unpriced":[["p","m"],["p","n"]],"models":[{"p":"p","m":"m","n":500}]}"#,
);

/// Only what every row has.
const BARE: &str = concat!(
    r#"{"v":1,"team":"team_eu_00000000000000000000000000000007","run":"run_eu_0000000000000000000000000000002a","#,
    r#""received_at_ms":1778855521124,"appended_at_ms":1778855521125,"agent":"a","started_at_ms":1778855521000,"#,
    r#""status":"running"}"#,
);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

fn error(text: &str) -> String {
    FeedRow::decode(text).expect_err(text).to_string()
}

#[test]
fn every_member_of_a_stored_row_is_read() {
    let row = FeedRow::decode(WHOLE).expect("a row");
    assert_eq!((row.received_at, row.appended_at), (at(1_778_855_521_124), at(1_778_855_521_125)));
    assert_eq!(row.did, Did { opened: true, ended: true, reopened: true, alive: true, after_end: true });
    assert_eq!((row.replayed, row.recovered), (true, true));
    assert_eq!((row.agent.as_str(), row.customer_id.as_deref()), ("nightly \"x\"", Some("acme")));
    assert_eq!((row.feature.as_deref(), row.parent), (Some("triage"), Some(run_id(9))));
    assert_eq!((row.started_at, row.listed_at()), (at(1_778_855_521_000), at(1_778_855_521_001)));
    assert_eq!((row.status, row.finished_at), (RunStatus::Timeout, Some(at(1_778_855_521_200))));
    assert_eq!((row.duration_ms, row.alive_at), (Some(200), Some(at(1_778_855_521_100))));
    assert_eq!(row.idle, Some(IdleEnd { at: at(1_778_855_581_000), status: FinishStatus::Failed }));
    assert_eq!((row.cost, row.cost_before), (Usd::from_nanos(500), Usd::from_nanos(7)));
    let before =
        FiledUnder { agent: slug("a"), customer_id: Some("c".into()), feature: Some("f".into()), listed_at: at(1) };
    assert_eq!(row.moved_from, Some(before));
    let unpriced: Vec<(&str, &str)> =
        row.unpriced.iter().map(|(provider, model)| (provider.as_str(), model.as_str())).collect();
    assert_eq!(unpriced, [("p", "m"), ("p", "n")]);
    let spend = ModelSpend { provider: "p".into(), model: "m".into(), cost: Usd::from_nanos(500) };
    assert_eq!(row.models, [spend]);
    let bare = FeedRow::decode(BARE).expect("a row");
    assert_eq!((bare.did, bare.status, bare.replayed), (Did::default(), RunStatus::Running, false));
    assert_eq!((bare.cost, bare.listed_at(), bare.moved_from), (Usd::ZERO, bare.started_at, None));
}

/// A former build reads what this one writes: it is what that one wrote.
#[test]
fn a_row_is_written_as_it_was_read() {
    let flags = r#""opened":true,"ended":true,"reopened":true,"alive":true,"after_end":true,"#;
    let one = |flag: &str| WHOLE.replacen(flags, &format!(r#""{flag}":true,"#), 1);
    let mut texts = vec![WHOLE.to_owned(), BARE.to_owned(), WHOLE.replacen(flags, "", 1)];
    texts.extend(["opened", "ended", "reopened", "alive", "after_end"].map(one));
    for text in texts {
        assert_eq!(FeedRow::decode(&text).expect("a row").encode().expect("JSON"), text);
    }
}

#[test]
fn members_come_in_any_order_and_others_are_passed_over() {
    let row = FeedRow::decode(BARE).expect("a row");
    let others = r#"{"a":1.5,"b":[{"c":null}],"did":{"opened":true},"customer_id":null,"opened":false,"#;
    assert_eq!(FeedRow::decode(&BARE.replacen('{', others, 1)).expect("a row"), row);
    let turned = BARE.replacen(r#""v":1,"#, "", 1).replacen(r#""running"}"#, r#""running","v":1}"#, 1);
    assert_eq!(FeedRow::decode(&turned).expect("a row"), row);
}

#[test]
fn what_is_no_row_is_refused() {
    for member in ["team", "run", "received_at_ms", "appended_at_ms", "agent", "started_at_ms", "status", "v"] {
        let text = BARE.replacen(&format!("\"{member}\""), "\"other\"", 1);
        assert!(error(&text).contains(&format!("missing field `{member}`")), "{}", error(&text));
    }
    for (from, to, why) in [
        ("{", r#"{"opened":1,"#, "invalid type: integer `1`, expected a boolean"),
        ("{", r#"{"opened":true,"opened":true,"#, "duplicate field `opened`"),
        ("{", r#"{"agent":"b","#, "duplicate field `agent`"),
        ("{", r#"{"models":[{"p":"p"}],"#, "missing field `m`"),
        (r#""running""#, r#""asleep""#, "unknown variant `asleep`"),
        ("team_eu_0", "run_eu_0", ""),
        (r#""agent":"a""#, r#""agent":"""#, "must be 1 to 128 characters of printable text"),
        (r#""running"}"#, r#""running""#, "EOF while parsing an object"),
        (r#""running"}"#, r#""running"} x"#, "trailing characters"),
    ] {
        let text = BARE.replacen(from, to, 1);
        assert!(error(&text).contains(why), "{text}: {}", error(&text));
    }
    assert!(error("[1]").contains("invalid type: sequence, expected struct FeedRow"), "{}", error("[1]"));
    for version in [0, 2] {
        let found = FeedRow::decode(&BARE.replacen("\"v\":1", &format!("\"v\":{version}"), 1));
        assert!(matches!(found, Err(FeedRowError::Version { found }) if found == version), "{found:?}");
    }
}
