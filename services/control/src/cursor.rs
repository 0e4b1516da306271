//! The place in a listing from which its next page goes on: opaque to clients, bound to the filter it came from.

use tidegate_domain::{Region, RunId, Timestamp, free_json};
use tidegate_ports::RunFilter;

/// The version digit, so that an old cursor is refused and never misread.
const VERSION: &str = "1";
const CHARS: usize = 1 + 2 + 16 + 32 + 16;

/// After which run the next page begins. Runs that appear meanwhile move nothing: a page is found by what its runs
/// are, not by counting.
pub(crate) fn encode(started_at: Timestamp, id: RunId, filter: &RunFilter) -> String {
    let (millis, filter) = (started_at.as_millis() as u64, fingerprint(filter));
    format!("{VERSION}{}{millis:016x}{:032x}{filter:016x}", id.region(), id.bits())
}

/// `None` for what was never given out, or was for another filter.
pub(crate) fn decode(text: &str, filter: &RunFilter) -> Option<(Timestamp, RunId)> {
    let rest = text.strip_prefix(VERSION).filter(|_| text.len() == CHARS && text.is_ascii())?;
    let (region, digits) = rest.split_at(2);
    let region: Region = region.parse().ok()?;
    if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let millis = u64::from_str_radix(&digits[..16], 16).ok()?;
    let bits = u128::from_str_radix(&digits[16..48], 16).ok()?;
    let bound_to = u64::from_str_radix(&digits[48..], 16).ok()?;
    let place = (Timestamp::from_millis(millis as i64), RunId::from_bits(region, bits));
    (bound_to == fingerprint(filter)).then_some(place)
}

fn fingerprint(filter: &RunFilter) -> u64 {
    let RunFilter { agent, status, customer_id, feature, from, to } = filter;
    let instant = |at: &Option<Timestamp>| at.map(|at| at.as_millis().to_string());
    let parts = [
        agent.as_ref().map(|agent| agent.as_str().to_owned()),
        status.map(|status| status.as_str().to_owned()),
        customer_id.clone(),
        feature.clone(),
        instant(from),
        instant(to),
    ];
    // A filter that is not set and one that is empty are two.
    let parts = parts.map(|part| part.map_or_else(String::new, |part| format!("={part}")));
    free_json::text_hash(&parts.each_ref().map(|part| part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(feature: Option<&str>) -> RunFilter {
        RunFilter { feature: feature.map(str::to_owned), ..RunFilter::default() }
    }

    #[test]
    fn a_cursor_reads_back_for_its_own_filter_only() {
        for (millis, bits) in [(0, 0), (-1, 1), (i64::MAX, u128::MAX), (1_780_000_000_123, 7 << 80)] {
            let place = (Timestamp::from_millis(millis), RunId::from_bits(Region::Us, bits));
            let text = encode(place.0, place.1, &filter(Some("search")));
            assert_eq!(text.len(), CHARS);
            assert_eq!(decode(&text, &filter(Some("search"))), Some(place));
            assert_eq!(decode(&text, &filter(Some("other"))), None);
            assert_eq!(decode(&text, &filter(None)), None);
        }
    }

    #[test]
    fn an_empty_filter_is_not_an_absent_one() {
        assert_ne!(fingerprint(&filter(Some(""))), fingerprint(&filter(None)));
        let customer = RunFilter { customer_id: Some("a".to_owned()), ..RunFilter::default() };
        assert_ne!(fingerprint(&customer), fingerprint(&filter(Some("a"))));
    }

    #[test]
    fn what_was_never_given_out_is_refused() {
        let good = encode(Timestamp::from_millis(5), RunId::from_bits(Region::Eu, 6), &filter(None));
        let upper = good.replacen(|digit: char| digit.is_ascii_lowercase(), "A", 1);
        let signed = format!("{}+{}", &good[..3], &good[4..]);
        let wide = format!("{}é{}", &good[..3], &good[5..]);
        for text in
            ["", "1", "next", &good[1..], &format!("2{}", &good[1..]), &format!("{good}0"), &upper, &signed, &wide]
        {
            assert_eq!(decode(text, &filter(None)), None, "{text}");
        }
    }
}
