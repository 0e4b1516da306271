//! The status of a run: a word and a sign, so that colour alone says nothing.

use maud::{Markup, html};
use tidegate_agentping::RunStatus;

/// The status as a mark.
pub(crate) fn status(status: RunStatus) -> Markup {
    let sign = match status {
        RunStatus::Running => "●",
        RunStatus::Success => "✓",
        RunStatus::Failed => "✕",
        RunStatus::Timeout => "◷",
        RunStatus::Cancelled => "–",
    };
    html! { span class={ "status " (status) } { span aria-hidden="true" { (sign) } " " (status) } }
}

/// A mark for a run in which an event reported an error.
pub(crate) fn errored() -> Markup {
    html! { span class="status errored" title="An event of the run reported an error" { span aria-hidden="true" { "!" } " errors" } }
}
