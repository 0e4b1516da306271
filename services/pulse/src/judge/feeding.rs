//! A turn's reading of the feed: each row goes to the agent that it is about.

use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_pulse::Watermark;
use tidegate_agentping_pulse::watermark::{PartitionProgress, PartitionReading};
use tidegate_kernel::Timestamp;

use super::doubts::is_canary;
use super::progress::PartitionTarget;
use super::reading::FeedReading;
use super::{Judge, JudgePorts, Unjudged};
use crate::metrics::FEED_ROWS;

/// Rows of the feed of one turn.
const MAX_ROWS: usize = 20_000;
/// The rows of one turn were appended within this time. Openings wait until slots are judged, and an agent keeps so
/// many: of those of a whole day some would have to go.
const MAX_SPAN_MS: u64 = 6 * 3_600_000;
/// Findings beyond this are written before more is read.
const MAX_FINDINGS: usize = 2_000;

impl Judge {
    /// Reads the feed up to where each partition is settled, or as far as one turn goes, and returns how far each then
    /// is. Everything that was received until `complete_to` is in it, if that is known.
    pub(super) async fn read_feed(
        &mut self,
        targets: Vec<PartitionTarget>,
        complete_to: Option<Timestamp>,
    ) -> Result<Vec<PartitionReading>, Unjudged> {
        let JudgePorts { feed, accounts, .. } = &self.ports;
        let mut reading = FeedReading::new(feed.clone(), accounts.clone(), targets, &self.cursors);
        let mut taken = 0;
        let read = self.take_rows(&mut reading, complete_to, &mut taken).await;
        // Also after a failure: what was handed out is taken.
        self.cursors.extend(reading.cursors());
        FEED_ROWS.handle().increment(taken);
        read?;
        Ok(reading.readings())
    }

    /// Takes rows as far as one turn goes. The cursors, and how many rows there were, are noted once for all of them.
    async fn take_rows(
        &mut self,
        reading: &mut FeedReading,
        complete_to: Option<Timestamp>,
        taken: &mut u64,
    ) -> Result<(), Unjudged> {
        let mut first_appended_at: Option<Timestamp> = None;
        for _ in 0..MAX_ROWS {
            let Some(entry) = reading.next().await? else { break };
            self.feed(&entry, complete_to.filter(|_| !reading.lacks_rows()));
            *taken += 1;
            if self.findings.len() > MAX_FINDINGS {
                self.write().await?;
            }
            let appended_at = entry.row.appended_at;
            if appended_at.millis_since(*first_appended_at.get_or_insert(appended_at)) > MAX_SPAN_MS {
                break;
            }
        }
        Ok(())
    }

    /// Partitions that the log does not have any more, of which a shard of the state lacks something.
    pub(super) fn gone(&self, targets: &[PartitionTarget]) -> Vec<PartitionTarget> {
        let left = self.saved.left(&self.cursors).into_iter();
        let gone = left.filter(|(id, _)| targets.iter().all(|target| target.reading.id != *id));
        let target = |(id, settled)| {
            let progress = PartitionProgress::Unreadable;
            let reading = PartitionReading { id, applied: settled, progress };
            PartitionTarget { reading, settled, dead: 0, asked_at: self.watermark.now() }
        };
        gone.map(target).collect()
    }

    fn feed(&mut self, entry: &FeedEntry, complete_to: Option<Timestamp>) {
        self.doubts.take(entry);
        let row_to = entry.row.appended_at.plus_millis(-Watermark::CLOCK_DIFFERENCE_MS - self.options.hold_ms);
        // Rows come in the order of their append: all that was received until then has been taken.
        if let Some(taken_to) = complete_to.map(|to| to.min(row_to))
            && self.doubts.judge_volume(taken_to)
        {
            self.bench.doubts = self.doubts_of_all(taken_to);
            self.bench.runs_known_to = self.doubts.runs_known_to();
        }
        if is_canary(entry.row.team) {
            return;
        }
        let turn = self.bench.turn(self.agents.judged_to(), row_to);
        if self.saved.had(entry) {
            self.agents.fed_again(entry, &turn, &mut self.findings);
        } else {
            self.agents.fed(entry, &turn, &mut self.findings);
        }
    }
}
