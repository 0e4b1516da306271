//! The receipt of a run: when what of it was received, by the server's clock, and what of it counts.

use maud::{Markup, html};
use tidegate_agentping::Run;
use tidegate_kernel::Timestamp;

use crate::parts::amount::counted;
use crate::parts::time;

/// A difference of clocks that is shown, in milliseconds.
const NOTED_MS: u64 = 1_000;

pub(super) fn receipt(run: &Run) -> Markup {
    let opening = run.opening();
    let units: u64 = run.units.iter().map(|(_, units)| units).sum();
    html! {
        section aria-labelledby="receipt" {
            h2 #receipt { "Receipt" }
            dl.facts {
                @if let Some(opening) = opening {
                    div {
                        dt { @if run.start.is_some() { "Start received" } @else { "First heartbeat received" } }
                        dd { (time::stamped(opening.received_at)) (apart(opening.start.started_at, opening.received_at)) }
                    }
                }
                @if let Some(finish) = &run.finish {
                    div { dt { "End received" } dd { (time::stamped(finish.received_at)) (apart(finish.finished_at, finish.received_at)) } }
                }
                div { dt { "Last record received" } dd { (time::stamped(run.last_received)) } }
                div { dt { "Counts as" } dd { (counted(units, "event")) " of the quota" } }
            }
        }
    }
}

/// How far what the client's clock says is from when it was received.
fn apart(sent: Timestamp, received: Timestamp) -> Markup {
    html! {
        @match (received.millis_from(sent), sent.millis_from(received)) {
            (Some(later), _) if later >= NOTED_MS => { " " span.note { (time::span(later)) " after the client's time" } }
            (None, Some(before)) if before >= NOTED_MS => { " " span.note { (time::span(before)) " before the client's time" } }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::NOON;

    use super::*;

    #[test]
    fn clocks_that_differ_are_noted() {
        let shown = |ms: i64| apart(NOON, NOON.plus_millis(ms)).into_string();
        assert_eq!((shown(999), shown(-999)), (String::new(), String::new()));
        assert!(shown(61_000).contains("1 min 01 s after the client's time"), "{}", shown(61_000));
        assert!(shown(-2_000).contains("2.0 s before the client's time"), "{}", shown(-2_000));
    }
}
