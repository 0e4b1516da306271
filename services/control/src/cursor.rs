//! Cursors: where the next page begins. They are opaque to clients, and each is bound to its query: that of a listing
//! to the filter, that of a run's events to the run.

use tidegate_agentping::id::IdKind;
use tidegate_agentping::{EventId, Id, RunId};
use tidegate_agentping_ports::RunFilter;
use tidegate_kernel::{Region, Timestamp, free_json};

/// The version digit, so that an old cursor is refused and never misread.
const VERSION: &str = "1";
const CHARS: usize = 1 + 2 + 16 + 32 + 16;
const EVENT_CHARS: usize = 1 + 2 + 32 + 16;

/// After which run the next page begins. Runs that appear meanwhile move nothing: a page is found by what its runs
/// are, not by counting.
pub(crate) fn encode(listed_at: Timestamp, id: RunId, filter: &RunFilter) -> String {
    let (millis, filter) = (listed_at.as_millis() as u64, fingerprint(filter));
    format!("{VERSION}{}{millis:016x}{:032x}{filter:016x}", id.region(), id.bits())
}

/// `None` for a text that is no cursor of ours, or is of another filter.
pub(crate) fn decode(text: &str, filter: &RunFilter) -> Option<(Timestamp, RunId)> {
    let (region, digits) = parts(text, CHARS)?;
    let millis = u64::from_str_radix(&digits[..16], 16).ok()?;
    let (id, bound_to) = id_and_binding(region, &digits[16..])?;
    (bound_to == fingerprint(filter)).then_some((Timestamp::from_millis(millis as i64), id))
}

/// After which event of a run the next page begins.
pub(crate) fn encode_event(run: RunId, last: EventId) -> String {
    format!("{VERSION}{}{:032x}{:016x}", last.region(), last.bits(), run_fingerprint(run))
}

/// `None` for a text that is no cursor of ours, or is of another run.
pub(crate) fn decode_event(text: &str, run: RunId) -> Option<EventId> {
    let (region, digits) = parts(text, EVENT_CHARS)?;
    let (id, bound_to) = id_and_binding(region, digits)?;
    (bound_to == run_fingerprint(run)).then_some(id)
}

/// The region and the digits of a cursor of this length.
fn parts(text: &str, chars: usize) -> Option<(Region, &str)> {
    let rest = text.strip_prefix(VERSION).filter(|_| text.len() == chars && text.is_ascii())?;
    let (region, digits) = rest.split_at(2);
    let all_digits = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    region.parse().ok().filter(|_| all_digits).map(|region| (region, digits))
}

fn id_and_binding<K: IdKind>(region: Region, digits: &str) -> Option<(Id<K>, u64)> {
    let bits = u128::from_str_radix(&digits[..32], 16).ok()?;
    let bound_to = u64::from_str_radix(&digits[32..], 16).ok()?;
    Some((Id::from_bits(region, bits), bound_to))
}

fn run_fingerprint(run: RunId) -> u64 {
    free_json::text_hash(&[b"events of a run", &run.bits().to_be_bytes()])
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
    fn a_cursor_of_events_reads_back_for_its_own_run_only() {
        let [run, other] = [7, 8].map(|bits| RunId::from_bits(Region::Eu, bits));
        for (region, bits) in [(Region::Eu, 0), (Region::Us, u128::MAX), (Region::Eu, 7 << 80)] {
            let text = encode_event(run, EventId::from_bits(region, bits));
            assert_eq!(text.len(), EVENT_CHARS);
            assert_eq!(decode_event(&text, run), Some(EventId::from_bits(region, bits)));
            assert_eq!(decode_event(&text, other), None);
            assert_eq!(decode_event(&text[1..], run), None);
            assert_eq!(decode(&text, &filter(None)), None, "a listing's cursor is another one");
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
