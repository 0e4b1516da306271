//! Free JSON is judged by what it says.

use proptest::prelude::*;
use serde_json::Value;
use tidegate_domain::FreeJsonError;
use tidegate_domain::free_json::{FreeJsonLimits, content_hash, content_hash_noting};

const LIMITS: FreeJsonLimits = FreeJsonLimits { max_depth: 4, max_members: 5 };

#[test]
fn spelling_does_not_change_the_hash() {
    for (one, other) in [
        (r#"{"a":1,"b":[true,null]}"#, " {\"b\" : [ true , null ] ,\n\"a\": 1 } "),
        (r#"{"a":"é"}"#, r#"{"a":"\u00e9"}"#),
        ("1", "1.0"),
        ("[100]", "[1e2]"),
        ("0", "-0.0"),
    ] {
        assert_eq!(content_hash(one, LIMITS), content_hash(other, LIMITS), "{one} and {other}");
    }
}

#[test]
fn content_does() {
    let texts = [
        "null",
        "false",
        "true",
        "0",
        "1",
        "-1",
        "1.5",
        "\"\"",
        "\"1\"",
        "[]",
        "{}",
        "[0]",
        "[[]]",
        "[1,2]",
        "[2,1]",
        r#"{"a":1}"#,
        r#"{"a":2}"#,
        r#"{"b":1}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"a":2,"b":1}"#,
    ];
    for (index, one) in texts.iter().enumerate() {
        for other in &texts[index + 1..] {
            assert_ne!(content_hash(one, LIMITS), content_hash(other, LIMITS), "{one} and {other}");
        }
    }
}

#[test]
fn structure_is_bounded() {
    assert!(content_hash("[[[[1]]]]", LIMITS).is_ok());
    assert_eq!(content_hash("[[[[[1]]]]]", LIMITS), Err(FreeJsonError::TooDeep { max: 4 }));
    assert!(content_hash(r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#, LIMITS).is_ok());
    let six = r#"[{"a":1,"b":1,"c":1},{"d":1,"e":1,"f":1}]"#;
    assert_eq!(content_hash(six, LIMITS), Err(FreeJsonError::TooManyMembers { max: 5 }));
    let deep = "[".repeat(100_000);
    assert_eq!(content_hash(&deep, LIMITS), Err(FreeJsonError::TooDeep { max: 4 }));
    assert_eq!(content_hash("{", LIMITS), Err(FreeJsonError::NotJson));
}

/// The hash is stored: these values must never change.
#[test]
fn hashes_are_stable() {
    assert_eq!(content_hash("{}", LIMITS), Ok(STABLE_EMPTY));
    assert_eq!(content_hash(r#"{"a":[1,"x",null,1.5,true]}"#, LIMITS), Ok(STABLE_MIXED));
}

const STABLE_EMPTY: u64 = 15_508_806_900_845_186_074;
const STABLE_MIXED: u64 = 12_919_111_013_269_956_013;

#[test]
fn members_of_the_object_itself_are_shown() {
    let mut seen = Vec::new();
    let text = r#" { "a" : "x\n" , "b":{"inner": 1}, "\u0061":2.5 , "l":[{"inner":2}] } "#;
    let noted = content_hash_noting(text, LIMITS, &mut |name, raw| seen.push((name.to_owned(), raw)));
    assert_eq!(noted, Err(FreeJsonError::TooManyMembers { max: 5 }));
    let expected = [("a", r#""x\n""#), ("b", r#"{"inner": 1}"#), ("a", "2.5")];
    assert_eq!(seen, expected.map(|(name, raw)| (name.to_owned(), raw)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_another_reader_reads(json in any_json()) {
        let hash = |text: &str| content_hash(text, FreeJsonLimits::DEFAULT);
        let text = json.to_string();
        prop_assert!(hash(&text).is_ok(), "{}", text);
        let pretty = serde_json::to_string_pretty(&json).expect("a text");
        prop_assert_eq!(hash(&text), hash(&pretty), "{}", text);
        let escaped: String = text.chars().map(|c| if c.is_ascii() { c.to_string() } else { escape(c) }).collect();
        prop_assert_eq!(hash(&text), hash(&escaped), "{}", escaped);
    }

    /// What no reader takes for JSON is refused, and nothing else is, wherever a byte is struck out or put in.
    #[test]
    fn what_is_no_json_is_refused(json in any_json(), at in any::<prop::sample::Index>(), put in "[-+.eE0-9\"\\\\,:{}\\[\\] \ntfn]?") {
        let mut chars: Vec<char> = json.to_string().chars().collect();
        let at = at.index(chars.len());
        chars.splice(at..=at, put.chars());
        let text: String = chars.into_iter().collect();
        let read: Result<Value, _> = serde_json::from_str(&text);
        prop_assert_eq!(content_hash(&text, FreeJsonLimits::DEFAULT).is_ok(), read.is_ok(), "{}", text);
    }
}

fn escape(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
