//! Listing a team's runs, newest first.
//!
//! The rows of a listing say which runs may be on the page. Each run is then read from its own partition, so that the
//! list shows its current state.

use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_agentping::{RunKey, TeamId};
use tidegate_agentping_ports::{AgentSums, ListedRun, RunFilter, RunPage, RunsPage};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::layout::Facet;
use super::slots::{Listed, Slot, SlotRows, Stretch};

/// How many partitions are read concurrently; more only if one day has more.
const LANES: usize = 16;
/// Runs read at once: each may have megabytes.
const RUNS_PER_READ: usize = 32;
/// Rows per read: at least, and at most.
const PAGE_ROWS: (usize, usize) = (20, 500);
/// Rows that are merged at once for sums.
const ROWS_AT_ONCE: usize = 1_000;

impl ScyllaStore {
    pub(super) async fn list_runs(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        let stretch = stretch_of(filter, page);
        let mut found = RunsPage::default();
        if page.limit == 0 || stretch.is_empty() {
            return Ok(found);
        }
        let facet = Facet::for_filter(filter);
        let slots = self.cql.slots(team, &facet, &stretch).await?;
        for slots in in_groups(&slots) {
            let page_rows = page.limit.clamp(PAGE_ROWS.0, PAGE_ROWS.1) as i32;
            let slots_rows = slots.iter().map(|slot| SlotRows::of(team, &facet, *slot, &stretch, page_rows));
            let mut slots_rows: Vec<SlotRows> = slots_rows.collect();
            loop {
                let wanted = (page.limit - found.runs.len()).min(RUNS_PER_READ);
                let candidates = self.next_candidates(&mut slots_rows, filter, now, wanted).await?;
                if candidates.is_empty() {
                    break;
                }
                for run in self.read_listed(team, candidates, filter, now).await? {
                    if !found.take(page, run) {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Sums the newest rows of the listing of all runs as they are read.
    pub(super) async fn sums_of_newest(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        let (filter, facet) = (RunFilter { from: Some(from), ..RunFilter::default() }, Facet::all());
        let stretch = stretch_of(&filter, &RunPage::first(runs_max));
        let mut sums = AgentSums::of_newest(runs_max);
        let slots = self.cql.slots(team, &facet, &stretch).await?;
        for slots in in_groups(&slots) {
            let page_rows = PAGE_ROWS.1 as i32;
            let slots_rows = slots.iter().map(|slot| SlotRows::of(team, &facet, *slot, &stretch, page_rows));
            let mut slots_rows: Vec<SlotRows> = slots_rows.collect();
            loop {
                let rows = self.next_candidates(&mut slots_rows, &filter, now, ROWS_AT_ONCE).await?;
                if rows.is_empty() {
                    break;
                }
                for Listed { run, line, .. } in &rows {
                    if !sums.take(*run, line.agent(), line.status_at(now), line.cost()) {
                        return Ok(sums);
                    }
                }
            }
        }
        Ok(sums)
    }

    /// The next rows of the slots_rows' common order that the filter admits, up to `wanted`.
    async fn next_candidates(
        &self,
        slots_rows: &mut [SlotRows],
        filter: &RunFilter,
        now: Timestamp,
        wanted: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut candidates = Vec::new();
        while candidates.len() < wanted {
            if slots_rows.iter().any(SlotRows::needs_filling) {
                let filling = slots_rows
                    .iter_mut()
                    .filter(|slot_rows| slot_rows.needs_filling())
                    .map(|slot_rows| slot_rows.fill(&self.cql));
                futures_util::future::try_join_all(filling).await?;
            }
            let heads = slots_rows.iter_mut().filter(|slot_rows| !slot_rows.rows.is_empty());
            let newest = heads.max_by_key(|slot_rows| slot_rows.rows.front().map(|row| (row.listed_at, row.run)));
            let Some(row) = newest.and_then(|slot_rows| slot_rows.rows.pop_front()) else {
                break;
            };
            if row.line.is_admitted(filter, now) {
                candidates.push(row);
            }
        }
        Ok(candidates)
    }

    /// Reads the runs of the rows. A row that is older or newer than its run is skipped if the run does not match.
    async fn read_listed(
        &self,
        team: TeamId,
        candidates: Vec<Listed>,
        filter: &RunFilter,
        now: Timestamp,
    ) -> Result<Vec<ListedRun>, StoreError> {
        let read = |row: Listed| {
            let store = self.clone();
            async move {
                let summary = store.summary(RunKey { team, run: row.run }).await?;
                Ok::<_, StoreError>((row, summary))
            }
        };
        let read: Vec<_> = stream::iter(candidates).map(read).buffered(self.cql.concurrency()).try_collect().await?;
        let fits = read.into_iter().filter_map(|(row, summary)| {
            let (Listed { listed_at, run: id, .. }, run) = (row, summary?.run);
            let opening = run.opening()?;
            // Earlier builds listed every run by its start. Such rows remain until the run is written again.
            let stands = [opening.listed_at(), opening.start.started_at].contains(&listed_at);
            (stands && filter.admits(&run, listed_at, now)).then_some(ListedRun { listed_at, id, run })
        });
        Ok(fits.collect())
    }
}

fn stretch_of(filter: &RunFilter, page: &RunPage) -> Stretch {
    let to = filter.to.map(|to| (to, String::new()));
    let after = page.after.map(|(listed_at, run)| (listed_at, run.to_string()));
    let end = (Timestamp::from_millis(i64::MAX), String::new());
    Stretch {
        from: filter.from.unwrap_or(Timestamp::from_millis(i64::MIN)),
        before: to.into_iter().chain(after).min().unwrap_or(end),
    }
}

/// Slots in groups of whole days.
fn in_groups(slots: &[Slot]) -> Vec<&[Slot]> {
    let mut groups = Vec::new();
    let mut rest = slots;
    while !rest.is_empty() {
        let mut end = rest.len().min(LANES);
        while end < rest.len() && rest[end].day == rest[end - 1].day {
            end += 1;
        }
        let (group, after) = rest.split_at(end);
        groups.push(group);
        rest = after;
    }
    groups
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Timestamp;

    use super::super::layout::Day;
    use super::{LANES, Slot, in_groups};

    #[test]
    fn a_day_is_never_split() {
        let day = |n: i64| Day::of(Timestamp::from_millis(n * 86_400_000));
        let slots: Vec<Slot> =
            (0..40).rev().flat_map(|n| (0..7).map(move |bucket| Slot { day: day(n), bucket })).collect();
        let groups = in_groups(&slots);
        assert_eq!(groups.concat(), slots);
        for pair in groups.windows(2) {
            assert!(pair[0].last().map(|slot| slot.day) > pair[1].first().map(|slot| slot.day));
            assert!(pair[0].len() >= LANES && pair[0].len() < LANES + 7);
        }
        assert!(in_groups(&[]).is_empty());
    }
}
