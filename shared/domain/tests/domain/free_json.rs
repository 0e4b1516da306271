//! Free JSON is judged by what it says.

use tidegate_domain::FreeJsonError;
use tidegate_domain::free_json::{FreeJsonLimits, content_hash};

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
