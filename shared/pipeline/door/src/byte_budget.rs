//! Bounds the bytes of request bodies in progress, as sent and decoded: a request takes its permit before a byte is
//! read, and gives it back when it is done, however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate_metric::Gauge;

use crate::metrics::{BODY_BYTES_IN_FLIGHT, BODY_BYTES_IN_FLIGHT_MAX};

/// The bound. Cheap to clone.
#[derive(Clone)]
pub struct ByteBudget(Arc<Inner>);

struct Inner {
    taken: AtomicUsize,
    max: usize,
    /// `None` where another port of the process reports its own.
    gauge: Option<Gauge>,
}

/// One request's part of it: given back when dropped.
pub struct BytePermit {
    of: ByteBudget,
    bytes: AtomicUsize,
}

/// There is no budget for so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget;

impl ByteBudget {
    /// Registers its metrics.
    pub fn new(max: usize) -> Self {
        BODY_BYTES_IN_FLIGHT_MAX.handle().set(max as f64);
        let gauge = BODY_BYTES_IN_FLIGHT.handle();
        gauge.set(0.0);
        ByteBudget(Arc::new(Inner { taken: AtomicUsize::new(0), max, gauge: Some(gauge) }))
    }

    /// Without metrics: for a port whose bodies are few and small.
    pub fn unmeasured(max: usize) -> Self {
        ByteBudget(Arc::new(Inner { taken: AtomicUsize::new(0), max, gauge: None }))
    }

    /// None of it yet.
    pub fn none(&self) -> BytePermit {
        BytePermit { of: self.clone(), bytes: AtomicUsize::new(0) }
    }

    /// Bytes that requests have now.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::SeqCst)
    }

    fn take(&self, bytes: usize) -> Result<(), OverBudget> {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.0.max);
        self.0.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).map_err(|_| OverBudget)?;
        if let Some(gauge) = &self.0.gauge {
            gauge.increment(bytes as f64);
        }
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.0.taken.fetch_sub(bytes, Ordering::SeqCst);
            if let Some(gauge) = &self.0.gauge {
                gauge.decrement(bytes as f64);
            }
        }
    }
}

impl BytePermit {
    /// Takes so much more.
    pub fn take(&self, bytes: usize) -> Result<(), OverBudget> {
        self.of.take(bytes)?;
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        Ok(())
    }

    /// Gives back what is above so much.
    pub fn keep(&self, bytes: usize) {
        let had = self.bytes.fetch_min(bytes, Ordering::SeqCst);
        self.of.give_back(had.saturating_sub(bytes));
    }
}

impl Drop for BytePermit {
    fn drop(&mut self) {
        self.of.give_back(*self.bytes.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Enter,
        Take { of: usize, bytes: usize },
        Keep { of: usize, bytes: usize },
        Leave { of: usize },
        Panic { of: usize, bytes: usize },
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let bytes = 0..2_000usize;
        prop_oneof![
            Just(Step::Enter),
            (any::<usize>(), bytes.clone()).prop_map(|(of, bytes)| Step::Take { of, bytes }),
            (any::<usize>(), bytes.clone()).prop_map(|(of, bytes)| Step::Keep { of, bytes }),
            any::<usize>().prop_map(|of| Step::Leave { of }),
            (any::<usize>(), bytes).prop_map(|(of, bytes)| Step::Panic { of, bytes }),
        ]
    }

    proptest! {
        /// Never more than the bound is taken, the sum is what each has, and all of it comes back.
        #[test]
        fn never_more_than_the_bound_and_all_comes_back(
            max in 0..5_000usize,
            steps in prop::collection::vec(any_step(), 0..200),
        ) {
            let bound = ByteBudget::new(max);
            let mut rooms: Vec<(BytePermit, usize)> = Vec::new();
            for step in steps {
                match step {
                    Step::Enter => rooms.push((bound.none(), 0)),
                    _ if rooms.is_empty() => {}
                    Step::Take { of, bytes } => {
                        let before = bound.taken();
                        let of = of % rooms.len();
                        let (room, has) = &mut rooms[of];
                        let fits = before + bytes <= max;
                        prop_assert_eq!(room.take(bytes).is_ok(), fits);
                        *has += if fits { bytes } else { 0 };
                    }
                    Step::Keep { of, bytes } => {
                        let of = of % rooms.len();
                        let (room, has) = &mut rooms[of];
                        room.keep(bytes);
                        *has = (*has).min(bytes);
                    }
                    Step::Leave { of } => drop(rooms.swap_remove(of % rooms.len())),
                    Step::Panic { of, bytes } => {
                        let (room, _) = rooms.swap_remove(of % rooms.len());
                        let broken = catch_unwind(AssertUnwindSafe(move || {
                            let _ = room.take(bytes);
                            std::panic::resume_unwind(Box::new("a defect"))
                        }));
                        prop_assert!(broken.is_err());
                    }
                }
                prop_assert!(bound.taken() <= max);
                prop_assert_eq!(bound.taken(), rooms.iter().map(|(_, has)| has).sum::<usize>());
            }
            rooms.clear();
            prop_assert_eq!(bound.taken(), 0);
        }
    }

    #[test]
    fn threads_together_never_take_more_than_the_bound() {
        const MAX: usize = 10_000;
        let bound = ByteBudget::new(MAX);
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let bound = &bound;
                scope.spawn(move || {
                    for turn in 0..20_000 {
                        let room = bound.none();
                        let taken = room.take(thread * 997 + turn % 2_000).and_then(|()| room.take(1_500));
                        assert!(bound.taken() <= MAX);
                        if taken.is_ok() {
                            room.keep(turn % 900);
                        }
                    }
                });
            }
        });
        assert_eq!(bound.taken(), 0);
    }
}
