//! A ping's refusals as text (AgentPing: ping): two published bodies, and one line for everything else.

use tidegate_admission::Refusal;

use crate::parse::Fault;
use crate::refusal_table::{Entry, Problem};

/// Always ends in a newline. The first word of an unpublished body is the code.
pub(crate) fn ping_text(problem: &Problem, entry: &Entry) -> String {
    match problem {
        Problem::Fault(Fault::Missing { field }) => format!("missing required parameter: {field}\n"),
        Problem::Refusal(Refusal::ScopeAgent { own, asked }) => format!(
            "This ping token is scoped to agent \"{own}\".\nYou attempted to fire a heartbeat for \"{asked}\".\n"
        ),
        _ => {
            // The message may contain what a client sent, and the body must stay one line.
            let line: String = entry.message.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
            format!("{} {line}\n", entry.code)
        }
    }
}
