//! The rows derived from a run, as values: [`follow_ups`](super::follow_ups) writes them, and a dry run of a replay
//! looks for them. Pure.

use std::collections::BTreeSet;

use scylla::value::{CqlDate, CqlTimestamp};
use tidegate_agentping::run::Opening;
use tidegate_agentping::{EventId, Run, RunKey, Slug};
use tidegate_agentping_ports::EventRow;
use tidegate_kernel::free_json::text_hash_128;
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use super::layout::{Day, Facet, LISTING_BUCKETS, USAGE_BUCKETS, bucket_of, cql_instant};
use super::listing_cell::ListingCell;
use super::save::json;

/// The key of a row of `run_listing`, in the table's order.
pub(super) type LineKey = (String, &'static str, String, CqlDate, i8, CqlTimestamp, String);
/// The key of a row of `run_days`, in the table's order.
pub(super) type DayKey = (String, &'static str, String, CqlDate, i8);
/// The key of a row of `run_usage`, in the table's order.
pub(super) type UsageKey = (String, String, i8, String);

/// The key of a row of `run_repeats`, in the table's order.
pub(super) type RepeatsKey = (String, String, i8, String, String);

/// A run's row in one listing.
pub(super) struct LineRow {
    pub key: LineKey,
    pub line: String,
}

/// An agent, seen by one opening of a run.
pub(super) struct Sighting {
    pub team: String,
    pub slug: String,
    pub at: Timestamp,
}

/// A model without a rate.
pub(super) struct Unpriced {
    pub team: String,
    pub month: String,
    pub provider: String,
    pub model: String,
}

/// The run's row in each of its listings; none for an orphan.
///
/// # Errors
/// [`StoreError::Broken`]: a listing cell does not serialize.
pub(super) fn lines(key: RunKey, run: &Run) -> Result<Vec<LineRow>, StoreError> {
    let Some(opening) = run.opening() else {
        return Ok(Vec::new());
    };
    let line = ListingCell::of(run, &opening.start);
    let (line, line_without_cost) = (json(&line)?, json(&line.without_cost())?);
    let row = |facet: &Facet| {
        let line = if *facet == Facet::all() { &line } else { &line_without_cost };
        LineRow { key: line_key(key, opening.listed_at(), facet), line: line.clone() }
    };
    Ok(Facet::of_start(&opening.start).iter().map(row).collect())
}

/// Obsolete rows of the run: those of an implied start that a real one has replaced, and those that an earlier build
/// listed by an implausible start time.
pub(super) fn left_lines(key: RunKey, run: &Run) -> Vec<LineKey> {
    let Some(opening) = run.opening() else {
        return Vec::new();
    };
    let (facets, listed_at) = (Facet::of_start(&opening.start), opening.listed_at());
    let replaced = run.start.as_ref().and(run.implied.as_ref());
    let mut left = Vec::new();
    for (one, is_replaced) in std::iter::once((opening, false)).chain(replaced.map(|implied| (implied, true))) {
        let by_start = Some(one.start.started_at).filter(|started_at| *started_at != one.listed_at());
        for at in is_replaced.then(|| one.listed_at()).into_iter().chain(by_start) {
            let elsewhere = |facet: &Facet| at != listed_at || !facets.contains(facet);
            let of_it = Facet::of_start(&one.start).into_iter().filter(elsewhere);
            left.extend(of_it.map(|facet| line_key(key, at, &facet)));
        }
    }
    left
}

fn line_key(key: RunKey, listed_at: Timestamp, facet: &Facet) -> LineKey {
    let bucket = bucket_of(key.run, LISTING_BUCKETS);
    let (day, listed_at) = (Day::of(listed_at).to_cql(), cql_instant(listed_at));
    (key.team.to_string(), facet.name, facet.label.clone(), day, bucket, listed_at, key.run.to_string())
}

/// The days and buckets that contain the run, for both openings, so that they do not depend on when the second came.
pub(super) fn days(key: RunKey, run: &Run) -> Vec<DayKey> {
    let bucket = bucket_of(key.run, LISTING_BUCKETS);
    let of_opening = |opening: &Opening| {
        let day = Day::of(opening.listed_at()).to_cql();
        let key = |facet: Facet| (key.team.to_string(), facet.name, facet.label, day, bucket);
        Facet::of_start(&opening.start).into_iter().map(key).collect::<Vec<_>>()
    };
    run.start.iter().chain(&run.implied).flat_map(of_opening).collect()
}

/// The agents of both openings.
pub(super) fn sightings(key: RunKey, run: &Run) -> Vec<Sighting> {
    let sighting = |opening: &Opening| Sighting {
        team: key.team.to_string(),
        slug: opening.start.agent.as_str().to_owned(),
        at: opening.received_at,
    };
    run.start.iter().chain(&run.implied).map(sighting).collect()
}

/// Units counted towards the quota, by month.
pub(super) fn usage(key: RunKey, run: &Run) -> Vec<(UsageKey, i64)> {
    let bucket = bucket_of(key.run, USAGE_BUCKETS);
    let row = |(month, units): &(Month, u64)| {
        let key = (key.team.to_string(), month.to_string(), bucket, key.run.to_string());
        (key, i64::try_from(*units).unwrap_or(i64::MAX))
    };
    run.units.iter().map(row).collect()
}

/// How often the run's id was used again, by month, in the buckets of usage.
pub(super) fn repeats(key: RunKey, run: &Run) -> Vec<(RepeatsKey, i64)> {
    let row = |(agent, month, times)| (repeats_key(key, agent, month), i64::try_from(times).unwrap_or(i64::MAX));
    run.repeats_by_month().map(row).collect()
}

/// Obsolete rows under the agent of a closing heartbeat that differs from the agent of the start which replaced it.
pub(super) fn left_repeats(key: RunKey, run: &Run) -> Vec<RepeatsKey> {
    let replaced = run.start.as_ref().and(run.implied.as_ref()).map(|implied| &implied.start.agent);
    let left = |(agent, month, _): (&Slug, Month, u64)| {
        let other = replaced.filter(|implied| *implied != agent)?;
        Some(repeats_key(key, other, month))
    };
    run.repeats_by_month().filter_map(left).collect()
}

fn repeats_key(key: RunKey, agent: &Slug, month: Month) -> RepeatsKey {
    let bucket = bucket_of(key.run, USAGE_BUCKETS);
    (key.team.to_string(), month.to_string(), bucket, agent.as_str().to_owned(), key.run.to_string())
}

/// Models without a rate among events, by month of receipt.
pub(super) fn unpriced<'e>(key: RunKey, events: impl IntoIterator<Item = &'e EventRow>) -> Vec<Unpriced> {
    let found = events.into_iter().filter_map(|row| {
        let call = row.event.call.as_ref().filter(|call| !call.priced)?;
        Some((Month::of(row.received_at), call.provider.as_str(), call.model.as_str()))
    });
    let row = |(month, provider, model): (Month, &str, &str)| Unpriced {
        team: key.team.to_string(),
        month: month.to_string(),
        provider: provider.to_owned(),
        model: model.to_owned(),
    };
    found.collect::<BTreeSet<_>>().into_iter().map(row).collect()
}

impl LineRow {
    /// A hash of the row's key and its cell.
    pub fn hash(&self) -> u128 {
        let (team, name, _, _, _, started_at, run) = &self.key;
        let row_key = [&started_at.0.to_be_bytes()[..], run.as_bytes()].concat();
        text_hash_128(&[b"line", team.as_bytes(), name.as_bytes(), &row_key, self.line.as_bytes()])
    }
}

pub(super) fn day_hash((team, name, label, day, bucket): &DayKey) -> u128 {
    let row_key = [&day.0.to_be_bytes()[..], &[bucket.unsigned_abs()]].concat();
    text_hash_128(&[b"day", team.as_bytes(), name.as_bytes(), label.as_bytes(), &row_key])
}

impl Sighting {
    pub fn hash(&self) -> u128 {
        let at = self.at.as_millis().to_be_bytes();
        text_hash_128(&[b"agent", self.team.as_bytes(), self.slug.as_bytes(), &at])
    }

    /// A hash of the agent's row, which all its sightings share.
    pub fn agent_hash(&self) -> u128 {
        text_hash_128(&[b"agent", self.team.as_bytes(), self.slug.as_bytes()])
    }
}

impl Unpriced {
    pub fn hash(&self) -> u128 {
        let Unpriced { team, month, provider, model } = self;
        text_hash_128(&[b"unpriced", team.as_bytes(), month.as_bytes(), provider.as_bytes(), model.as_bytes()])
    }
}

pub(super) fn usage_hash((team, month, _, run): &UsageKey) -> u128 {
    text_hash_128(&[b"usage", team.as_bytes(), month.as_bytes(), run.as_bytes()])
}

pub(super) fn repeats_hash((team, month, _, agent, run): &RepeatsKey) -> u128 {
    text_hash_128(&[b"repeats", team.as_bytes(), month.as_bytes(), agent.as_bytes(), run.as_bytes()])
}

pub(super) fn owner_hash(key: RunKey, event: EventId) -> u128 {
    text_hash_128(&[b"owner", &key.to_bytes(), event.to_string().as_bytes()])
}
