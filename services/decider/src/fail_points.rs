//! Where a fault harness ends or suspends this process between two writes, by name. Only a build with the feature
//! `fail-points` has any of it.

/// A step of the writes that follow from a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteStep {
    Views,
    Facts,
    Effects,
    Books,
}

/// The step is acknowledged. A point that is armed with `return` ends the process, with `return(suspend)` it suspends it
/// as SIGSTOP does: whoever continues it finds it between two writes.
#[cfg(feature = "fail-points")]
pub(crate) fn after(step: WriteStep) {
    use tidegate_lifecycle::fail_points::end_or_suspend;
    match step {
        WriteStep::Views => fail::fail_point!("decider::after_views", end_or_suspend),
        WriteStep::Facts => fail::fail_point!("decider::after_facts", end_or_suspend),
        WriteStep::Effects => fail::fail_point!("decider::after_effects", end_or_suspend),
        WriteStep::Books => fail::fail_point!("decider::after_books", end_or_suspend),
    }
}

/// The step is acknowledged.
#[cfg(not(feature = "fail-points"))]
pub(crate) const fn after(_step: WriteStep) {}
