//! What follows from a run: listings, days, agents, usage, unpriced models. Absolute values, so that writing them
//! again changes nothing.

use std::collections::BTreeSet;

use tidegate_domain::free_json::text_hash_128;
use tidegate_domain::{Month, Run, RunKey, Timestamp};
use tidegate_ports::{RunWrite, StoreError};

use super::ScyllaStore;
use super::line::Line;
use super::places::{Day, Facet, LISTING_BUCKETS, USAGE_BUCKETS, bucket_of, cql_instant};
use super::save::json;
use crate::session::PartitionBatch;

/// A first sight is written at this minus its instant in milliseconds: the earliest is the latest write, and stays.
/// In microseconds it lies in the past, since servers may refuse timestamps of the future.
pub(crate) const FIRST_WINS: i64 = 1_000_000_000_000_000;

/// Batches to be written, and those of their rows that need not be written again.
#[derive(Default)]
struct FollowUps {
    batches: Vec<PartitionBatch>,
    lasting: Vec<u128>,
}

impl ScyllaStore {
    /// Everything that is derived from a run as it stands.
    pub(super) async fn save_follow_ups(&self, key: RunKey, run: &Run, at: i64) -> Result<(), StoreError> {
        let mut follow_ups = FollowUps::default();
        self.add_listings(&mut follow_ups, key, run, at)?;
        self.add_days(&mut follow_ups, key, run, at);
        self.add_agents(&mut follow_ups, key, run);
        self.add_usage(&mut follow_ups, key, run, at);
        self.write_all(follow_ups.batches).await?;
        self.remembered.add(&follow_ups.lasting);
        Ok(())
    }

    /// The run's line in every listing it belongs to. Lines that it left elsewhere go: where a start has replaced an
    /// implied one, and where a build before listed it by a start that no clock could say.
    fn add_listings(&self, to: &mut FollowUps, key: RunKey, run: &Run, at: i64) -> Result<(), StoreError> {
        let Some(opening) = run.opening() else {
            return Ok(());
        };
        let (team, id) = (key.team.to_string(), key.run.to_string());
        let bucket = bucket_of(key.run, LISTING_BUCKETS);
        let line = Line::of(run, &opening.start);
        let (line, line_without_cost) = (json(&line)?, json(&line.without_cost())?);
        let facets = Facet::of_start(&opening.start);
        let listed_at = opening.listed_at();
        let place = |listed_at: Timestamp, facet: &Facet| {
            let day = Day::of(listed_at).to_cql();
            (team.clone(), facet.name, facet.label.clone(), day, bucket, cql_instant(listed_at), id.clone())
        };
        for facet in &facets {
            let line = if *facet == Facet::all() { &line } else { &line_without_cost };
            let (team, name, label, day, bucket, started_at, id) = place(listed_at, facet);
            // What a line says only ever goes forward, so the same text need not be written again.
            let place = [&started_at.0.to_be_bytes()[..], id.as_bytes()].concat();
            let row = text_hash_128(&[b"line", team.as_bytes(), name.as_bytes(), &place, line.as_bytes()]);
            if self.remembered.has(row) {
                continue;
            }
            let mut batch = PartitionBatch::new("save_line");
            batch.add(
                &self.cql.statements().save_line,
                (team, name, label, day, bucket, started_at, id, line.clone(), at),
            );
            to.batches.push(batch);
            to.lasting.push(row);
        }
        let replaced = run.start.as_ref().and(run.implied.as_ref());
        for (one, is_replaced) in std::iter::once((opening, false)).chain(replaced.map(|implied| (implied, true))) {
            let by_start = Some(one.start.started_at).filter(|started_at| *started_at != one.listed_at());
            let left = is_replaced.then(|| one.listed_at()).into_iter().chain(by_start);
            for (left, facet) in
                left.flat_map(|left| Facet::of_start(&one.start).into_iter().map(move |facet| (left, facet)))
            {
                if left == listed_at && facets.contains(&facet) {
                    continue;
                }
                let (team, name, label, day, bucket, left, id) = place(left, &facet);
                let mut batch = PartitionBatch::new("delete_line");
                batch.add(&self.cql.statements().delete_line, (at, team, name, label, day, bucket, left, id));
                to.batches.push(batch);
            }
        }
        Ok(())
    }

    /// Which days and buckets hold runs. Of both openings, so that it does not depend on when the second came.
    fn add_days(&self, to: &mut FollowUps, key: RunKey, run: &Run, at: i64) {
        let bucket = bucket_of(key.run, LISTING_BUCKETS);
        for opening in run.start.iter().chain(&run.implied) {
            let day = Day::of(opening.listed_at()).to_cql();
            for facet in Facet::of_start(&opening.start) {
                let place = [&day.0.to_be_bytes()[..], &[bucket.unsigned_abs()]].concat();
                let team = key.team.to_string();
                let row =
                    text_hash_128(&[b"day", team.as_bytes(), facet.name.as_bytes(), facet.label.as_bytes(), &place]);
                if !self.remembered.has(row) {
                    let mut batch = PartitionBatch::new("save_day");
                    batch.add(&self.cql.statements().save_day, (team, facet.name, facet.label, day, bucket, at));
                    to.batches.push(batch);
                    to.lasting.push(row);
                }
            }
        }
    }

    /// Written at timestamps of their own: the earliest first sight and the latest last one stay, whoever comes last.
    fn add_agents(&self, to: &mut FollowUps, key: RunKey, run: &Run) {
        let statements = self.cql.statements();
        let team = key.team.to_string();
        for opening in run.start.iter().chain(&run.implied) {
            let slug = opening.start.agent.as_str().to_owned();
            let (seen, seen_ms) = (cql_instant(opening.received_at), opening.received_at.as_millis());
            let row = text_hash_128(&[b"agent", team.as_bytes(), slug.as_bytes(), &seen_ms.to_be_bytes()]);
            if self.remembered.has(row) {
                continue;
            }
            let mut batch = PartitionBatch::new("save_agent");
            batch.add(&statements.save_agent_first, (FIRST_WINS - seen_ms, seen, team.clone(), slug.clone()));
            batch.add(&statements.save_agent_last, (seen_ms, seen, team.clone(), slug));
            to.batches.push(batch);
            to.lasting.push(row);
        }
    }

    fn add_usage(&self, to: &mut FollowUps, key: RunKey, run: &Run, at: i64) {
        for (month, units) in &run.units {
            let units = i64::try_from(*units).unwrap_or(i64::MAX);
            let bucket = bucket_of(key.run, USAGE_BUCKETS);
            let values = (key.team.to_string(), month.to_string(), bucket, key.run.to_string(), units, at);
            let mut batch = PartitionBatch::new("save_usage");
            batch.add(&self.cql.statements().save_usage, values);
            to.batches.push(batch);
        }
    }

    /// Models without a rate among a write's new events, by month of receipt.
    pub(super) async fn save_unpriced(&self, write: &RunWrite) -> Result<(), StoreError> {
        let unpriced = write.new_events.iter().filter_map(|row| {
            let call = row.event.call.as_ref().filter(|call| !call.priced)?;
            Some((Month::of(row.received_at), call.provider.as_str(), call.model.as_str()))
        });
        let team = write.key.team.to_string();
        let mut follow_ups = FollowUps::default();
        for (month, provider, model) in unpriced.collect::<BTreeSet<_>>() {
            let month = month.to_string();
            let row = [b"unpriced", team.as_bytes(), month.as_bytes(), provider.as_bytes(), model.as_bytes()];
            let row = text_hash_128(&row);
            if self.remembered.has(row) {
                continue;
            }
            let mut batch = PartitionBatch::new("save_unpriced");
            let (provider, model) = (provider.to_owned(), model.to_owned());
            let at = write.position.write_timestamp();
            batch.add(&self.cql.statements().save_unpriced, (team.clone(), month, provider, model, at));
            follow_ups.batches.push(batch);
            follow_ups.lasting.push(row);
        }
        self.write_all(follow_ups.batches).await?;
        self.remembered.add(&follow_ups.lasting);
        Ok(())
    }
}
