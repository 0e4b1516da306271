//! How times are written on the wire.

use serde::Serializer;
use tidegate_kernel::Timestamp;

/// ISO 8601 in UTC with whole seconds.
pub(crate) fn whole_seconds(at: Timestamp) -> String {
    let seconds = Timestamp::from_millis(at.as_millis().div_euclid(1_000).saturating_mul(1_000));
    seconds.to_string().replace(".000Z", "Z")
}

/// `#[serde(serialize_with = "seconds")]`.
pub(crate) fn seconds<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&whole_seconds(*at))
}

/// The same for an optional instant (pair it with `skip_serializing_if`).
pub(crate) fn seconds_option<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => seconds(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_whole_seconds() {
        let at = |text| whole_seconds(Timestamp::parse(text).unwrap());
        assert_eq!(at("2026-01-15T10:30:00.999Z"), "2026-01-15T10:30:00Z");
        assert_eq!(at("2026-01-15T10:30:00Z"), "2026-01-15T10:30:00Z");
    }
}
