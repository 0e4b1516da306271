//! Where a test ends or suspends this process between two steps of an alert, by name. Only a build with the feature
//! `fail-points` has any of it.

/// A step from what was found to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlertStep {
    /// The messages are stored; slots, incidents and the judge's state are not.
    Messages,
    /// Slots and incidents are stored, too; the judge's state is not.
    Incidents,
    /// The receiver has answered; that it has is not stored.
    Try,
}

/// The step is done. A point that is armed with `return` ends the process, with `return(suspend)` it suspends it as
/// SIGSTOP does.
#[cfg(feature = "fail-points")]
pub(crate) fn after(step: AlertStep) {
    use tidegate_lifecycle::fail_points::end_or_suspend;
    match step {
        AlertStep::Messages => fail::fail_point!("pulse::after_messages", end_or_suspend),
        AlertStep::Incidents => fail::fail_point!("pulse::after_incidents", end_or_suspend),
        AlertStep::Try => fail::fail_point!("pulse::after_try", end_or_suspend),
    }
}

/// The step is done.
#[cfg(not(feature = "fail-points"))]
pub(crate) const fn after(_step: AlertStep) {}
