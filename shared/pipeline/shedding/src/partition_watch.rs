//! What a reading of the lag means for the whole log and for each of its partitions. A partition of which nothing is
//! applied is left out of the sums: it sheds what would go to it, and the others continue. Where requests wait for
//! their records, every partition sheds by itself, and none for another.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_kernel::Partition;
use tidegate_ports::{Halt, PartitionLag, Waits};

use crate::policy::{Decision, ShedCause};
use crate::shed_watch::ShedWatch;
use crate::thresholds::ShedThresholds;

/// One reading may meet a broker that has just taken a partition over; two in a row do not.
const READINGS_TO_BELIEVE: u32 = 2;

/// The state from one reading to the next.
pub(crate) struct PartitionWatch {
    thresholds: ShedThresholds,
    by_partition: bool,
    waits: Waits,
    pub all: ShedWatch,
    /// For how long no reading came, whatever the last one said.
    silence: ShedWatch,
    /// Those that a consumer halted; all of them, where each sheds by itself.
    watches: BTreeMap<Partition, ShedWatch>,
    /// Readings in a row that found the log's end below what is accounted for.
    went_back: BTreeMap<Partition, u32>,
}

/// What holds after a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// For every request.
    pub decision: Decision,
    /// Records that wait in partitions that are applied, and the age of the oldest.
    pub records: u64,
    pub age_ms: u64,
    /// In the order of the reading.
    pub partitions: Vec<PartitionJudged>,
}

/// One partition after a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionJudged {
    pub standstill: Option<Standstill>,
    /// What it sheds, if nothing of it is applied or if each partition sheds by itself.
    pub decision: Option<Decision>,
    /// Everything below is accounted for.
    pub accounted: i64,
}

/// Why nothing of a partition is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standstill {
    /// A consumer halted it: too many of its records cannot be read.
    Halted,
    /// The log ends before what is accounted for. What was appended there would be skipped.
    LogWentBack,
}

impl Standstill {
    pub const ALL: [Standstill; 2] = [Standstill::Halted, Standstill::LogWentBack];

    /// Its name in metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Standstill::Halted => "halted",
            Standstill::LogWentBack => "log_went_back",
        }
    }
}

impl PartitionWatch {
    /// Every `at` is the time since some fixed moment, by a clock that never steps.
    pub fn new(thresholds: ShedThresholds, by_partition: bool, at: Duration) -> Self {
        PartitionWatch {
            thresholds,
            by_partition,
            waits: Waits::default(),
            all: ShedWatch::new(thresholds, at),
            silence: ShedWatch::new(thresholds, at),
            watches: BTreeMap::new(),
            went_back: BTreeMap::new(),
        }
    }

    /// A reading that came, and the halts that consumers have stated.
    pub fn take(&mut self, lags: &[PartitionLag], halts: &[Halt], at: Duration) -> Judged {
        self.waits.note(at, lags);
        let judge = |lag: &PartitionLag| self.judge(lag, halts, at);
        let partitions: Vec<PartitionJudged> = lags.iter().map(judge).collect();
        let going =
            || lags.iter().zip(&partitions).filter(|(_, judged)| judged.standstill.is_none()).map(|(lag, _)| lag);
        let records = going().map(PartitionLag::records).sum();
        let age_ms = self.waits.oldest_ms(at, going());
        let of_all = self.all.known(records, age_ms, at);
        self.silence.known(0, 0, at);
        let decision = if self.by_partition { Decision::default() } else { of_all };
        Judged { decision, records, age_ms, partitions }
    }

    /// No reading came. Partitions that shed by themselves keep doing so.
    pub fn unknown(&mut self, at: Duration) -> Decision {
        if self.by_partition { self.silence.unknown(at) } else { self.all.unknown(at) }
    }

    fn judge(&mut self, lag: &PartitionLag, halts: &[Halt], at: Duration) -> PartitionJudged {
        let partition = lag.partition;
        let readings = match lag.went_back() {
            true => self.went_back.get(&partition).map_or(1, |readings| readings.saturating_add(1)),
            false => 0,
        };
        self.went_back.insert(partition, readings);
        let states = |halt: &Halt| {
            halt.generation == lag.generation && halt.partition == partition && halt.is_in_force(lag.next())
        };
        let (standstill, decision) = if readings >= READINGS_TO_BELIEVE {
            (Some(Standstill::LogWentBack), Some(shut(&self.thresholds)))
        } else if halts.iter().any(states) {
            let decision = self.by_its_own_lag(lag, at).because(ShedCause::PartitionHalted);
            (Some(Standstill::Halted), Some(decision))
        } else if self.by_partition {
            (None, Some(self.by_its_own_lag(lag, at)))
        } else {
            self.watches.remove(&partition);
            (None, None)
        };
        PartitionJudged { standstill, decision, accounted: lag.accounted }
    }

    fn by_its_own_lag(&mut self, lag: &PartitionLag, at: Duration) -> Decision {
        let age_ms = self.waits.age_ms(at, lag);
        let watch = self.watches.entry(lag.partition).or_insert_with(|| ShedWatch::new(self.thresholds, at));
        watch.known(lag.records(), age_ms, at)
    }
}

/// Nothing is taken for a partition whose records would be skipped.
pub(crate) fn shut(thresholds: &ShedThresholds) -> Decision {
    Decision::everything(ShedCause::PartitionHalted, thresholds.longest_retry_s())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rank::Rank;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lag(partition: Partition, accounted: i64, end: i64) -> PartitionLag {
        PartitionLag {
            generation: 1,
            partition,
            first: 0,
            committed: 0,
            accounted,
            end,
            oldest_appended_at: None,
            log_time: None,
        }
    }

    fn halt(partition: Partition, offset: i64) -> Halt {
        Halt { generation: 1, partition, offset }
    }

    #[test]
    fn a_halted_partition_sheds_by_its_own_age_and_the_others_do_not() {
        let mut watch = PartitionWatch::new(ShedThresholds::default(), false, s(0));
        let halts = [halt(1, 100), Halt { generation: 2, ..halt(0, 500) }];
        watch.take(&[lag(0, 0, 0), lag(1, 100, 100)], &[], s(0));
        let mut last = None;
        for second in 1..=400 {
            // One continues, a second behind; the other stays at 100.
            let came = 100 * second as i64;
            let judged = watch.take(&[lag(0, came - 100, came), lag(1, 100, 100 + came)], &halts, s(second));
            assert_eq!((judged.records, judged.age_ms, judged.decision.sheds()), (100, 0, false), "at {second}");
            assert_eq!(judged.partitions[0].standstill, None);
            assert_eq!(judged.partitions[1].standstill, Some(Standstill::Halted));
            let sheds = judged.partitions[1].decision.is_some_and(|decision| decision.sheds());
            assert_eq!(sheds, second > 60, "at {second}: by the same thresholds as everywhere");
            last = judged.partitions[1].decision;
        }
        let last = last.expect("it is halted");
        assert_eq!((last.cause, last.retry_after_s), (Some(ShedCause::PartitionHalted), 60));
        let shares = Rank::ALL.map(|rank| last.share_permille(rank));
        assert!(shares[2..] == [1_000; 2] && (1..1_000).contains(&shares[1]) && shares[0] == 0, "{shares:?}");
        // A release that can read them continues.
        let judged = watch.take(&[lag(0, 40_000, 40_000), lag(1, 101, 40_100)], &halts, s(401));
        assert_eq!((judged.records, judged.partitions[1].standstill), (39_999, None));
    }

    #[test]
    fn a_log_that_ends_before_what_is_accounted_for_is_shut_once_it_is_certain() {
        let mut watch = PartitionWatch::new(ShedThresholds::default(), false, s(0));
        let mut standstill = |lags: &[PartitionLag], at| {
            let judged = watch.take(lags, &[], s(at));
            assert_eq!(judged.decision, Decision::default());
            judged.partitions.iter().map(|one| one.standstill).collect::<Vec<_>>()
        };
        let (whole, back) = (lag(0, 40, 50), lag(0, 40, 39));
        assert_eq!(standstill(&[whole, lag(1, 7, 7)], 0), [None, None]);
        assert_eq!(standstill(&[back, lag(1, 7, 7)], 1), [None, None], "one reading");
        assert_eq!(standstill(&[whole, lag(1, 7, 7)], 2), [None, None]);
        assert_eq!(standstill(&[back, lag(1, 7, 7)], 3), [None, None], "and another one, later");
        assert_eq!(standstill(&[back, lag(1, 7, 7)], 4), [Some(Standstill::LogWentBack), None]);
        assert_eq!(standstill(&[lag(0, 40, 0), lag(1, 7, 7)], 5), [Some(Standstill::LogWentBack), None]);
        let shut = watch.take(&[back], &[], s(6)).partitions[0].decision.expect("it is shut");
        assert_eq!(Rank::ALL.map(|rank| shut.share_permille(rank)), [1_000; 4]);
        assert_eq!(watch.take(&[lag(0, 0, 0)], &[], s(7)).partitions[0].standstill, None);
    }

    #[test]
    fn each_partition_sheds_by_its_own_lag_where_requests_wait() {
        let mut watch = PartitionWatch::new(ShedThresholds::OF_COMMANDS, true, s(0));
        watch.take(&[lag(0, 0, 0), lag(1, 0, 0)], &[], s(0));
        let behind = [lag(0, 5, 5), lag(1, 0, 9)];
        watch.take(&behind, &[], s(1));
        let judged = watch.take(&behind, &[], s(3));
        assert!(!judged.decision.sheds());
        let shed = |partition: usize| judged.partitions[partition].decision.map(|decision| decision.cause);
        assert_eq!([shed(0), shed(1)], [Some(None), Some(Some(ShedCause::Age))]);
        assert!(!watch.unknown(s(4)).sheds());
        assert_eq!(watch.unknown(s(70)).cause, Some(ShedCause::Unknown));
    }

    /// Readings come every 200 ms, as at a front door of commands.
    #[test]
    fn commands_are_shed_after_a_second_of_standstill_and_all_of_them_after_five() {
        let mut watch = PartitionWatch::new(ShedThresholds::OF_COMMANDS, true, s(0));
        let mut shares_at = |at_ms: i64| {
            // A command of partition 0 came before the second reading and stays undecided. Partition 1 decides what
            // came until the reading before.
            let came = at_ms.min(1);
            let lags = [lag(0, 0, came), lag(1, at_ms, at_ms + came)];
            let judged = watch.take(&lags, &[], Duration::from_millis(at_ms.unsigned_abs()));
            let [stands, goes_on] = [0_usize, 1].map(|partition| {
                let decision = judged.partitions[partition].decision.expect("each partition sheds by itself");
                Rank::ALL.map(|rank| decision.share_permille(rank))
            });
            assert_eq!(goes_on, [0; 4], "the partition that goes on, at {at_ms} ms");
            stands
        };
        let shares: BTreeMap<i64, [u32; 4]> = (0..=8_000).step_by(200).map(|at_ms| (at_ms, shares_at(at_ms))).collect();
        let first = shares.iter().find(|(_, shares)| **shares != [0; 4]).map(|(at_ms, _)| *at_ms);
        assert_eq!(first, Some(1_200), "1 s after the command was seen");
        for (at_ms, expected) in [
            (1_000, [0, 0, 0, 0]),
            (1_200, [0, 0, 0, 1]),
            (1_800, [0, 0, 0, 600]),
            (2_200, [0, 0, 0, 1_000]),
            (2_400, [0, 0, 200, 1_000]),
            (3_400, [0, 200, 1_000, 1_000]),
            (5_000, [800, 1_000, 1_000, 1_000]),
            (5_200, [1_000, 1_000, 1_000, 1_000]),
        ] {
            assert_eq!(shares[&at_ms], expected, "at {at_ms} ms");
        }
        assert!(shares.range(5_200..).all(|(_, shares)| *shares == [1_000; 4]), "{shares:?}");
        let judged = watch.take(&[lag(0, 1, 1)], &[], Duration::from_millis(8_200));
        assert!(judged.partitions[0].decision.is_some_and(|decision| !decision.sheds()), "it has caught up");
    }
}
