//! The order and the text form of single values.

use std::cmp::Ordering;

use scylla::value::CqlValue;

/// Characters of a shown text at most; longer ones are cut.
const SHOWN_CHARS: usize = 300;

/// The order of two values of our tables' key types.
pub(super) fn order(one: Option<&CqlValue>, other: Option<&CqlValue>) -> Ordering {
    match (one, other) {
        (Some(CqlValue::Text(one)), Some(CqlValue::Text(other))) => one.as_bytes().cmp(other.as_bytes()),
        (Some(CqlValue::Blob(one)), Some(CqlValue::Blob(other))) => one.cmp(other),
        (Some(CqlValue::BigInt(one)), Some(CqlValue::BigInt(other))) => one.cmp(other),
        (Some(CqlValue::Int(one)), Some(CqlValue::Int(other))) => one.cmp(other),
        (Some(CqlValue::SmallInt(one)), Some(CqlValue::SmallInt(other))) => one.cmp(other),
        (Some(CqlValue::TinyInt(one)), Some(CqlValue::TinyInt(other))) => one.cmp(other),
        (Some(CqlValue::Timestamp(one)), Some(CqlValue::Timestamp(other))) => one.0.cmp(&other.0),
        (Some(CqlValue::Date(one)), Some(CqlValue::Date(other))) => one.0.cmp(&other.0),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

pub(super) fn shown(value: &CqlValue) -> String {
    let text = match value {
        CqlValue::Text(text) => format!("'{text}'"),
        CqlValue::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("'{text}'"),
            Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        },
        CqlValue::Boolean(flag) => flag.to_string(),
        CqlValue::BigInt(number) => number.to_string(),
        CqlValue::Int(number) => number.to_string(),
        CqlValue::SmallInt(number) => number.to_string(),
        CqlValue::TinyInt(number) => number.to_string(),
        CqlValue::Timestamp(instant) => tidegate_kernel::Timestamp::from_millis(instant.0).to_string(),
        CqlValue::Date(day) => {
            let days = i64::from(day.0) - (1 << 31);
            let midnight = tidegate_kernel::Timestamp::from_millis(days * 86_400_000).to_string();
            midnight.split('T').next().unwrap_or_default().to_owned()
        }
        other => format!("{other:?}"),
    };
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use scylla::value::{CqlDate, CqlTimestamp, CqlValue};

    use super::{SHOWN_CHARS, order, shown};

    #[test]
    fn values_are_ordered_and_shown() {
        let text = |text: &str| CqlValue::Text(text.to_owned());
        assert_eq!(order(Some(&text("Z")), Some(&text("a"))), Ordering::Less);
        let instant = |ms| CqlValue::Timestamp(CqlTimestamp(ms));
        assert_eq!(order(Some(&instant(-1)), Some(&instant(0))), Ordering::Less);
        assert_eq!(order(None, Some(&instant(0))), Ordering::Less);
        assert_eq!(order(Some(&CqlValue::Blob(vec![0x7f])), Some(&CqlValue::Blob(vec![0x80]))), Ordering::Less);
        assert_eq!(order(Some(&CqlValue::SmallInt(-1)), Some(&CqlValue::SmallInt(0))), Ordering::Less);
        assert_eq!(
            (shown(&CqlValue::Blob(b"{}".to_vec())), shown(&CqlValue::Blob(vec![0xff, 1]))),
            ("'{}'".into(), "ff01".into())
        );
        assert_eq!(shown(&CqlValue::Date(CqlDate((1 << 31) + 1))), "1970-01-02");
        assert_eq!(shown(&instant(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(shown(&text(&"é".repeat(SHOWN_CHARS * 2))).chars().count(), SHOWN_CHARS + 1);
    }
}
