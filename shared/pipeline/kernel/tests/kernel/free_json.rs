//! Free JSON is judged by what it says.

use proptest::prelude::*;
use serde_json::Value;
use tidegate_kernel::FreeJsonError;
use tidegate_kernel::free_json::{FreeJsonLimits, content_hash, content_hash_noting};

const LIMITS: FreeJsonLimits = FreeJsonLimits { max_depth: 4, max_members: 5 };

#[test]
fn spelling_does_not_change_the_hash() {
    for (one, other) in [
        (r#"{"a":1,"b":[true,null]}"#, " {\"b\" : [ true , null ] ,\n\"a\": 1 } "),
        (r#"{"a":"é"}"#, r#"{"a":"\u00e9"}"#),
        ("1", "1.0"),
        ("[100]", "[1e2]"),
        ("0", "-0.0"),
        ("0", "0e5"),
        ("1e18", "1000000000000000000"),
        ("-1200", "-1.2e3"),
        ("0.1", "0.100"),
        ("0.30000000000000004", "3.0000000000000004e-1"),
        ("1e25", "10000000000000000000000000"),
        ("18446744073709551616.50", "18446744073709551616.5"),
        ("18446744073709551617", "18446744073709551617.0"),
        ("123456789012345678901234567890", "1.2345678901234567890123456789e29"),
        ("1e-400", "10e-401"),
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

/// Pairs that a 64-bit integer or float takes for the same, and no reader of digits does.
#[test]
fn numbers_are_compared_digit_by_digit() {
    for (one, other) in [
        ("18446744073709551616", "18446744073709551617"),
        ("10000000000000000000000", "10000000000000000000001"),
        ("-18446744073709551616", "-18446744073709551617"),
        ("9223372036854775808", "-9223372036854775808"),
        ("18446744073709551615", "-1"),
        ("9007199254740993.0", "9007199254740992"),
        ("0.1", "0.10000000000000000555"),
        ("0.12345678901234567", "0.12345678901234568"),
        ("0.123456789012345678", "0.123456789012345679"),
        ("1.00000000000000000001", "1"),
        ("1e-400", "0"),
        ("1e-400", "1e-401"),
        ("123456789012345678901234567890", "-123456789012345678901234567890"),
        ("1e-99999999999999999999", "1e-99999999999999999998"),
    ] {
        for (one, other) in
            [(one.to_owned(), other.to_owned()), (format!("{{\"a\":[{one}]}}"), format!("{{\"a\":[{other}]}}"))]
        {
            assert_ne!(content_hash(&one, LIMITS), content_hash(&other, LIMITS), "{one} and {other}");
        }
    }
}

/// What was stored by builds that compared numbers by their 64-bit values is known again.
#[test]
fn the_hash_of_earlier_builds_is_there_where_it_differs() {
    let both = |text: &str| content_hash_noting(text, LIMITS, &mut |_, _| {}).expect("JSON");
    for text in
        ["1", "-1", "0.1", "1e2", "0.30000000000000004", "1.7976931348623157e308", "9223372036854775807", "5e-324"]
    {
        assert_eq!(both(text).earlier, None, "{text}");
    }
    // Computed by the build before.
    for (text, stored) in EARLIER_HASHES {
        let found = both(text);
        assert_eq!(found.earlier, Some(stored), "{text}");
        assert_ne!(found.hash, stored, "{text}");
    }
}

/// Each text and what the build before made of it.
const EARLIER_HASHES: [(&str, u64); 4] = [
    (r#"{"a":18446744073709551617}"#, 18_268_490_649_479_854_198),
    (r#"{"a":[0.123456789012345678,1]}"#, 9_178_950_012_418_453_420),
    ("18446744073709551615", 12_002_821_702_205_421_283),
    ("1e18", 16_897_616_075_130_278_476),
];

#[test]
fn a_repeated_member_is_refused_at_any_depth() {
    let large: Vec<String> = (0..40).map(|name| format!("\"m{name}\":1")).collect();
    let large = |more: &str| format!("{{{}{more}}}", large.join(","));
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"[{"a":{"b":1,"b":2}}]"#,
        &large(r#","m39":2"#),
        &large(r#","m0":2"#),
    ] {
        assert_eq!(content_hash(text, FreeJsonLimits::DEFAULT), Err(FreeJsonError::Repeated), "{text}");
    }
    for text in [r#"{"a":{"a":{"a":1}}}"#, r#"[{"a":1},{"a":1}]"#, &large(""), r#"{"a":1,"A":1}"#] {
        assert!(content_hash(text, FreeJsonLimits::DEFAULT).is_ok(), "{text}");
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
    let text = r#" { "a" : "x\n" , "b":{"inner": 1}, "\u0063":2.5 , "l":[{"inner":2}] } "#;
    let noted = content_hash_noting(text, LIMITS, &mut |name, raw| seen.push((name.to_owned(), raw)));
    assert_eq!(noted, Err(FreeJsonError::TooManyMembers { max: 5 }));
    let expected = [("a", r#""x\n""#), ("b", r#"{"inner": 1}"#), ("c", "2.5")];
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
        let judged = content_hash(&text, FreeJsonLimits::DEFAULT);
        prop_assert_eq!(judged != Err(FreeJsonError::NotJson), read.is_ok(), "{}", text);
    }
}

/// A number in one spelling, and its value as whole units of 10^-40.
fn any_decimal() -> impl Strategy<Value = (String, i128)> {
    (-999..=999i128, 0..36u32, 0..4u32, any::<bool>()).prop_map(|(digits, power, zeros, exponential)| {
        let value = digits * 10_i128.pow(power);
        let sign = if digits < 0 { "-" } else { "" };
        let text = if exponential {
            let scaled = digits.abs() * 10_i128.pow(zeros);
            format!("{sign}{scaled}e{}", i64::from(power) - i64::from(zeros) - 20)
        } else {
            let padded = format!("{:0>40}", value.abs());
            let (whole, fraction) = padded.split_at(20);
            let whole = whole.trim_start_matches('0');
            format!("{sign}{}.{fraction}{}", if whole.is_empty() { "0" } else { whole }, "0".repeat(zeros as usize))
        };
        (text, value)
    })
}

proptest! {
    /// Two numbers have one hash if they are one number, and else two.
    #[test]
    fn equal_numbers_have_equal_hashes(one in any_decimal(), other in any_decimal(), more in 0..3i128) {
        let hash = |text: &str| content_hash(text, FreeJsonLimits::DEFAULT).expect("a number");
        prop_assert_eq!(hash(&one.0) == hash(&other.0), one.1 == other.1, "{} and {}", one.0, other.0);
        let near = one.1 + more;
        let sign = if near < 0 { "-" } else { "" };
        let near_text = format!("{sign}{}e-20", near.abs());
        prop_assert_eq!(hash(&one.0) == hash(&near_text), more == 0, "{} and {}", one.0, near_text);
    }
}

fn escape(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
