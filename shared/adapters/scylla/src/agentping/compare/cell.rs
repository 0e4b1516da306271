//! The order and the text form of single values.

use std::cmp::Ordering;

use scylla::value::CqlValue;
use tidegate_agentping::Event;

/// Characters of a shown text at most; longer ones are cut.
const SHOWN_CHARS: usize = 300;

/// The order of two values of our tables' key types.
pub(super) fn order(one: Option<&CqlValue>, other: Option<&CqlValue>) -> Ordering {
    match (one, other) {
        (Some(CqlValue::Text(one)), Some(CqlValue::Text(other))) => one.as_bytes().cmp(other.as_bytes()),
        (Some(CqlValue::BigInt(one)), Some(CqlValue::BigInt(other))) => one.cmp(other),
        (Some(CqlValue::TinyInt(one)), Some(CqlValue::TinyInt(other))) => one.cmp(other),
        (Some(CqlValue::Timestamp(one)), Some(CqlValue::Timestamp(other))) => one.0.cmp(&other.0),
        (Some(CqlValue::Date(one)), Some(CqlValue::Date(other))) => one.0.cmp(&other.0),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Whether two values of a column have the same content. An event may be written in either of two forms.
pub(super) fn same(column: &str, one: Option<&CqlValue>, other: Option<&CqlValue>) -> bool {
    let event = |value: Option<&CqlValue>| match value {
        Some(CqlValue::Text(text)) if column == "body" => serde_json::from_str::<Event>(text).ok(),
        _ => None,
    };
    one == other || event(one).is_some_and(|event_of_one| Some(event_of_one) == event(other))
}

pub(super) fn shown(value: &CqlValue) -> String {
    let text = match value {
        CqlValue::Text(text) => format!("'{text}'"),
        CqlValue::BigInt(number) => number.to_string(),
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

    use super::{SHOWN_CHARS, order, same, shown};

    #[test]
    fn values_are_ordered_and_shown() {
        let text = |text: &str| CqlValue::Text(text.to_owned());
        assert_eq!(order(Some(&text("Z")), Some(&text("a"))), Ordering::Less);
        let instant = |ms| CqlValue::Timestamp(CqlTimestamp(ms));
        assert_eq!(order(Some(&instant(-1)), Some(&instant(0))), Ordering::Less);
        assert_eq!(order(None, Some(&instant(0))), Ordering::Less);
        assert_eq!(shown(&CqlValue::Date(CqlDate((1 << 31) + 1))), "1970-01-02");
        assert_eq!(shown(&instant(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(shown(&text(&"é".repeat(SHOWN_CHARS * 2))).chars().count(), SHOWN_CHARS + 1);
    }

    #[test]
    fn an_event_says_the_same_in_either_form() {
        let text = |text: String| Some(CqlValue::Text(text));
        let id = "evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b1";
        let named = text(format!(r#"{{"id":"{id}","type":"x","ts_ms":1,"data":{{}},"content_hash":7}}"#));
        let listed = |turn| text(format!(r#"["{id}","x",1,{turn},{{}},7,false,null]"#));
        assert!(same("body", named.as_ref(), listed("null").as_ref()));
        assert!(!same("body", named.as_ref(), listed("2").as_ref()));
        assert!(!same("line", named.as_ref(), listed("null").as_ref()));
        assert!(!same("body", text("altered".to_owned()).as_ref(), text("else".to_owned()).as_ref()));
        assert!(same("body", None, None) && !same("body", None, named.as_ref()));
    }
}
