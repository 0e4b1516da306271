//! The metrics of deliveries, whoever makes them and whoever sends them.

use crate::delivery::{Began, DeliveryDoc, DeliveryState};

tidegate_metric::declare! {
    pub(crate) DELIVERIES: Counter = "tidegate_pulse_deliveries_total" { state },
        "Deliveries of alerts by state (made; resent: finished, and asked for again; sent; failed: given up; muted), the questions to mail addresses included; made and resent are the sum of the others and of those that wait or are withheld.";
}

const MADE: &str = "made";
const RESENT: &str = "resent";

/// Every series stands at zero before anything is made.
pub(crate) fn register() {
    let ended = [DeliveryState::Sent, DeliveryState::Failed, DeliveryState::Muted].map(DeliveryState::as_str);
    for state in [MADE, RESENT].into_iter().chain(ended) {
        DELIVERIES.with([("state", state)]).increment(0);
    }
}

/// Counts a delivery that was stored for the first time. What is part of a group is none of its own.
pub(crate) fn count_made(doc: &DeliveryDoc) {
    if doc.began != Began::Grouped {
        DELIVERIES.with([("state", MADE)]).increment(1);
        count_ended(doc.first_state());
    }
}

/// Counts a delivery that had ended and was asked for again.
pub(crate) fn count_resent() {
    DELIVERIES.with([("state", RESENT)]).increment(1);
}

/// Counts a delivery whose new state was stored, if it has ended by it.
pub fn count_ended(state: DeliveryState) {
    if state.is_finished() {
        DELIVERIES.with([("state", state.as_str())]).increment(1);
    }
}
