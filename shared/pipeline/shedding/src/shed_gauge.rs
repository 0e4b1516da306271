//! The decisions in force, as requests ask for them: one load each while nothing is shed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use tidegate_kernel::Partition;
use tidegate_kernel::outage::with_jitter;
use tidegate_metric::{Counter, Family, Gauge};

use crate::policy::{self, Decision, ShedCause};
use crate::rank::ShedClass;
use crate::refusal::ShedRefusal;

/// Seconds until trying again is worth it where nothing better is known.
const RETRY_SOON_S: u64 = 1;
/// The shares of a class that refuse any of its requests, and all of them.
const ANY_PERMILLE: u32 = 1;
const ALL_PERMILLE: u32 = 1_000;

/// The metrics that a product declares of its classes.
#[derive(Clone, Copy, Debug)]
pub struct ShedMetrics {
    /// 0 while nothing is shed, 1 while everything is.
    pub pressure: &'static Family<Gauge, 0>,
    /// Requests refused, by the labels `class` and `cause`.
    pub refused: &'static Family<Counter, 2>,
}

/// One decision for every request, and one for each partition that is halted.
pub(crate) struct ShedGauge<C> {
    decision: Packed,
    /// Whether any partition has a decision of its own.
    any_halted: AtomicBool,
    /// By number; made with the first reading.
    partitions: OnceLock<Box<[PartitionGauge]>>,
    classes: Box<[ClassGauge<C>]>,
    pressure: &'static Family<Gauge, 0>,
}

struct ClassGauge<C> {
    class: C,
    /// Requests asked about while the class was shed in part.
    asked: AtomicU32,
    /// By cause; looked up in the registry once.
    refused: [Counter; ShedCause::ALL.len()],
}

/// Pressure in the low 16 bits, the cause in the next 16, the wait in the high 32.
#[derive(Default)]
struct Packed(AtomicU64);

#[derive(Default)]
struct PartitionGauge {
    decision: Packed,
    /// Everything below is accounted for.
    accounted: AtomicI64,
}

impl Packed {
    fn set(&self, decision: &Decision) {
        let cause = decision.cause.map_or(0, |cause| cause as u64);
        let wait = decision.retry_after_s.min(u64::from(u32::MAX));
        self.0.store(u64::from(decision.pressure) | cause << 16 | wait << 32, Ordering::Relaxed);
    }
}

impl<C: ShedClass> ShedGauge<C> {
    /// Registers its counters, so that a scrape finds them at zero before anything is shed.
    pub fn register(metrics: ShedMetrics) -> Self {
        let counter = |class: C, cause: ShedCause| {
            let counter = metrics.refused.with([("class", class.label()), ("cause", cause.label())]);
            counter.increment(0);
            counter
        };
        let gauge = |class: C| ClassGauge {
            class,
            asked: AtomicU32::default(),
            refused: ShedCause::ALL.map(|cause| counter(class, cause)),
        };
        ShedGauge {
            decision: Packed::default(),
            any_halted: AtomicBool::new(false),
            partitions: OnceLock::new(),
            classes: C::ALL.iter().map(|class| gauge(*class)).collect(),
            pressure: metrics.pressure,
        }
    }

    pub fn set(&self, decision: &Decision) {
        self.decision.set(decision);
        self.pressure.handle().set(f64::from(decision.pressure) / f64::from(Decision::FULL));
    }

    /// What holds for each partition, in the order of their numbers: what it sheds if it is halted, and the offset
    /// below which it is accounted for.
    pub fn set_partitions(&self, partitions: &[(Option<Decision>, i64)]) {
        let gauges = self.partitions.get_or_init(|| partitions.iter().map(|_| PartitionGauge::default()).collect());
        for (gauge, (decision, accounted)) in gauges.iter().zip(partitions) {
            gauge.decision.set(&decision.unwrap_or_default());
            gauge.accounted.store(*accounted, Ordering::Relaxed);
        }
        let any_sheds = partitions.iter().any(|(decision, _)| decision.is_some_and(|decision| decision.sheds()));
        self.any_halted.store(any_sheds, Ordering::Release);
    }

    /// From now on nothing goes to this partition, until the next reading says what holds.
    pub fn shut(&self, partition: Partition, decision: &Decision) {
        if let Some(gauge) = self.of(partition) {
            gauge.decision.set(decision);
            self.any_halted.store(true, Ordering::Release);
        }
    }

    /// Everything below this offset of a partition is accounted for, as far as is known here.
    pub fn accounted(&self, partition: Partition) -> i64 {
        self.of(partition).map_or(0, |gauge| gauge.accounted.load(Ordering::Relaxed))
    }

    /// Whether any partition sheds by itself: until then a request's partition is not needed.
    pub fn any_halted(&self) -> bool {
        self.any_halted.load(Ordering::Acquire)
    }

    /// Whether requests for this partition are shed, all or some.
    pub fn sheds(&self, partition: Partition) -> bool {
        self.any_halted() && self.of(partition).is_some_and(|gauge| gauge.decision.0.load(Ordering::Relaxed) != 0)
    }

    /// A refusal for another reason than the decision in force.
    pub fn refuse(&self, class: C, cause: ShedCause) -> ShedRefusal<C> {
        self.of_class(class).refused[cause as usize].increment(1);
        ShedRefusal { class, cause, retry_after_s: RETRY_SOON_S }
    }

    pub fn ask(&self, class: C) -> Result<(), ShedRefusal<C>> {
        self.judge(&self.decision, class, ANY_PERMILLE)
    }

    pub fn ask_partition(&self, partition: Partition, class: C) -> Result<(), ShedRefusal<C>> {
        self.of(partition).map_or(Ok(()), |gauge| self.judge(&gauge.decision, class, ANY_PERMILLE))
    }

    /// Refuses only where the whole class is refused.
    pub fn ask_all(&self, class: C) -> Result<(), ShedRefusal<C>> {
        self.judge(&self.decision, class, ALL_PERMILLE)
    }

    /// Refuses only where the whole class is refused for this partition.
    pub fn ask_all_of_partition(&self, partition: Partition, class: C) -> Result<(), ShedRefusal<C>> {
        self.of(partition).map_or(Ok(()), |gauge| self.judge(&gauge.decision, class, ALL_PERMILLE))
    }

    fn of(&self, partition: Partition) -> Option<&PartitionGauge> {
        self.partitions.get()?.get(partition as usize)
    }

    fn of_class(&self, class: C) -> &ClassGauge<C> {
        self.classes.iter().find(|gauge| gauge.class == class).expect("ALL has every class")
    }

    /// A share below `least_permille` refuses nothing.
    fn judge(&self, decision: &Packed, class: C, least_permille: u32) -> Result<(), ShedRefusal<C>> {
        let packed = decision.0.load(Ordering::Relaxed);
        // The mask leaves no more than fits.
        let share = class.rank().share_permille((packed & 0xffff) as u32);
        if share < least_permille {
            return Ok(());
        }
        let gauge = self.of_class(class);
        let n = gauge.asked.fetch_add(1, Ordering::Relaxed);
        if !policy::falls(n, share) {
            return Ok(());
        }
        // Only `set` packs, and it packs causes in the order of ALL (a test holds the enum to that).
        let cause = (packed >> 16 & 0xffff) as usize % ShedCause::ALL.len();
        gauge.refused[cause].increment(1);
        let retry_after_s = with_jitter((packed >> 32).max(1), n);
        Err(ShedRefusal { class, cause: ShedCause::ALL[cause], retry_after_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::Rank;

    const PRESSURE: Family<Gauge, 0> = Family::new("tidegate_tested_pressure", []);
    const REFUSED: Family<Counter, 2> = Family::new("tidegate_tested_total", ["class", "cause"]);

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Class {
        Single,
        Bulk,
    }

    impl ShedClass for Class {
        const ALL: &'static [Class] = &[Class::Single, Class::Bulk];

        fn rank(self) -> Rank {
            match self {
                Class::Single => Rank::Last,
                Class::Bulk => Rank::First,
            }
        }

        fn label(self) -> &'static str {
            match self {
                Class::Single => "single",
                Class::Bulk => "bulk",
            }
        }
    }

    #[test]
    fn the_causes_are_in_the_order_of_their_list() {
        for (index, cause) in ShedCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
        }
    }

    #[test]
    fn a_partition_sheds_by_itself() {
        let gauge = ShedGauge::register(ShedMetrics { pressure: &PRESSURE, refused: &REFUSED });
        assert_eq!((gauge.sheds(2), gauge.accounted(2), gauge.ask_partition(2, Class::Bulk)), (false, 0, Ok(())));
        let all = Decision::everything(ShedCause::PartitionHalted, 60);
        gauge.set_partitions(&[(None, 5), (Some(Decision::default()), 6), (Some(all), 7)]);
        assert_eq!([0, 1, 2, 3].map(|partition| gauge.sheds(partition)), [false, false, true, false]);
        assert_eq!([0, 1, 2, 3].map(|partition| gauge.accounted(partition)), [5, 6, 7, 0]);
        let cause = |asked: Result<(), ShedRefusal<Class>>| asked.err().map(|refusal| refusal.cause);
        for class in Class::ALL.iter().copied() {
            assert_eq!(cause(gauge.ask(class)), None);
            let causes = [0, 1, 2, 3].map(|partition| cause(gauge.ask_partition(partition, class)));
            assert_eq!(causes, [None, None, Some(ShedCause::PartitionHalted), None]);
        }
        gauge.set_partitions(&[(None, 5), (None, 6), (None, 7)]);
        assert!(!gauge.any_halted() && !gauge.sheds(2));
        gauge.shut(1, &all);
        assert_eq!([0, 1, 2].map(|partition| gauge.sheds(partition)), [false, true, false]);
    }

    #[test]
    fn a_request_that_was_let_through_is_refused_only_with_its_whole_class() {
        let gauge = ShedGauge::register(ShedMetrics { pressure: &PRESSURE, refused: &REFUSED });
        let mut decision = Decision::everything(ShedCause::Age, 60);
        for (pressure, bulk_is_refused) in [(0, false), (1, false), (999, false), (1_000, true), (Decision::FULL, true)]
        {
            decision.pressure = pressure;
            gauge.set(&decision);
            gauge.set_partitions(&[(Some(decision), 0)]);
            let refused = (0..1_000).filter(|_| gauge.ask_all(Class::Bulk).is_err()).count();
            assert_eq!(refused, if bulk_is_refused { 1_000 } else { 0 }, "at {pressure}");
            assert_eq!(gauge.ask_all_of_partition(0, Class::Bulk).is_err(), bulk_is_refused, "at {pressure}");
            assert_eq!(gauge.ask_all(Class::Single).is_err(), pressure == Decision::FULL, "at {pressure}");
        }
    }
}
