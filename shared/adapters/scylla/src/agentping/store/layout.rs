//! The data's layout: days, buckets, facets. Pure. A change needs a rebuilt keyspace.

use scylla::value::{CqlDate, CqlTimestamp};
use tidegate_agentping::record::Start;
use tidegate_agentping::{EventId, RunId};
use tidegate_agentping_ports::RunFilter;
use tidegate_kernel::free_json::text_hash_128;
use tidegate_kernel::{SmolStr, Timestamp};

const DAY_MS: i64 = 24 * 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// Days from day 0 of the CQL type `date` to 1970.
const EPOCH: i64 = 1 << 31;

/// Partitions of a team's runs of one day.
pub(super) const LISTING_BUCKETS: u8 = 8;
/// Partitions of a team's usage of one month.
pub(super) const USAGE_BUCKETS: u8 = 16;
/// Partitions of a day's orphans of all teams.
pub(super) const ORPHAN_BUCKETS: u8 = 16;

/// A day in UTC, counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Day(i64);

impl Day {
    /// The first day of the CQL type `date`, which covers more than the years 0 to 9999.
    const FIRST: Day = Day(-EPOCH);
    const LAST: Day = Day(EPOCH - 1);

    pub fn of(instant: Timestamp) -> Self {
        Day(instant.as_millis().div_euclid(DAY_MS)).max(Day::FIRST).min(Day::LAST)
    }

    pub fn to_cql(self) -> CqlDate {
        CqlDate(u32::try_from(self.0 + EPOCH).unwrap_or(u32::MAX))
    }

    pub fn from_cql(date: CqlDate) -> Self {
        Day(i64::from(date.0) - EPOCH)
    }
}

pub(super) fn cql_instant(instant: Timestamp) -> CqlTimestamp {
    CqlTimestamp(instant.as_millis())
}

pub(super) fn instant(cql: CqlTimestamp) -> Timestamp {
    Timestamp::from_millis(cql.0)
}

/// The partition of a run's row, below `buckets`.
pub(super) fn bucket_of(run: RunId, buckets: u8) -> i8 {
    let hash = text_hash_128(&[&run.bits().to_be_bytes()]);
    // Below 128.
    (hash % u128::from(buckets)) as i8
}

/// The minute of an event's birth in its id, counted from 1970.
pub(super) fn born_minute(event: EventId) -> i64 {
    event.birth().as_millis().div_euclid(MINUTE_MS)
}

/// A property that runs are listed by, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facet {
    pub name: &'static str,
    pub label: String,
}

impl Facet {
    pub fn all() -> Self {
        Facet { name: "all", label: String::new() }
    }

    /// Every listing that contains a run with this opening.
    pub fn of_start(start: &Start) -> Vec<Self> {
        let named = |name: &'static str, label: &Option<SmolStr>| {
            label.as_ref().map(|label| Facet { name, label: label.to_string() })
        };
        let agent = Facet { name: "agent", label: start.agent.as_str().to_owned() };
        let labels = [named("customer", &start.customer_id), named("feature", &start.feature)];
        [Facet::all(), agent].into_iter().chain(labels.into_iter().flatten()).collect()
    }

    /// The narrowest listing that contains all runs that the filter admits.
    pub fn for_filter(filter: &RunFilter) -> Self {
        let RunFilter { agent, customer_id, feature, .. } = filter;
        match (customer_id, agent, feature) {
            (Some(label), ..) => Facet { name: "customer", label: label.clone() },
            (_, Some(agent), _) => Facet { name: "agent", label: agent.as_str().to_owned() },
            (.., Some(label)) => Facet { name: "feature", label: label.clone() },
            (None, None, None) => Facet::all(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::Id;
    use tidegate_kernel::{Region, Timestamp};

    use super::{Day, LISTING_BUCKETS, bucket_of};

    #[test]
    fn days_begin_at_midnight_and_survive_the_trip() {
        for ms in [0, -1, 1, 1_778_846_400_000, -62_167_219_200_000, 253_402_300_799_999] {
            let day = Day::of(Timestamp::from_millis(ms));
            assert!(day.0 * 86_400_000 <= ms && ms < (day.0 + 1) * 86_400_000, "{ms}");
            assert_eq!(Day::from_cql(day.to_cql()), day);
        }
        assert_eq!(Day::of(Timestamp::from_millis(0)).to_cql().0, 1 << 31);
        assert_eq!(Day::from_cql(Day::of(Timestamp::from_millis(i64::MIN)).to_cql()), Day::FIRST);
        assert_eq!(Day::from_cql(Day::of(Timestamp::from_millis(i64::MAX)).to_cql()), Day::LAST);
    }

    #[test]
    fn every_bucket_is_used_and_stays() {
        let runs = (0..1_000).map(|n| Id::from_bits(Region::Eu, n));
        let mut seen = [0; LISTING_BUCKETS as usize];
        runs.for_each(|run| seen[bucket_of(run, LISTING_BUCKETS) as usize] += 1);
        assert!(seen.iter().all(|runs| *runs > 60), "{seen:?}");
        // Fixed values, since stored rows depend on them.
        let first: Vec<i8> = (0..8).map(|n| bucket_of(Id::from_bits(Region::Eu, n), LISTING_BUCKETS)).collect();
        assert_eq!(first, [7, 3, 3, 2, 4, 4, 5, 3]);
    }
}
