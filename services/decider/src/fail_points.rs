//! Where a fault harness ends this process between two writes, by name. Only a build with the feature `fail-points` has
//! any of it.

/// A step of the writes that follow from a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteStep {
    Views,
    Facts,
    Effects,
    Books,
}

/// The step is acknowledged.
#[cfg(feature = "fail-points")]
pub(crate) fn after(step: WriteStep) {
    match step {
        WriteStep::Views => fail::fail_point!("decider::after_views", |_| std::process::abort()),
        WriteStep::Facts => fail::fail_point!("decider::after_facts", |_| std::process::abort()),
        WriteStep::Effects => fail::fail_point!("decider::after_effects", |_| std::process::abort()),
        WriteStep::Books => fail::fail_point!("decider::after_books", |_| std::process::abort()),
    }
}

/// The step is acknowledged.
#[cfg(not(feature = "fail-points"))]
pub(crate) const fn after(_step: WriteStep) {}
