//! Agents that are paused or muted, each with the button that ends it.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::amount::count;
use crate::parts::control::button;
use crate::parts::health::Health;
use crate::parts::value::Members;
use crate::url::encoded;
use crate::visit::Visit;

/// Agents that are listed.
const SHOWN: usize = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    Paused,
    Muted,
}

impl Quiet {
    const fn flag(self) -> &'static str {
        match self {
            Quiet::Paused => "paused",
            Quiet::Muted => "muted",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Quiet::Paused => "Paused agents",
            Quiet::Muted => "Muted agents",
        }
    }

    /// The button that ends it, and its path below the agent's.
    const fn end(self) -> (&'static str, &'static str) {
        match self {
            Quiet::Paused => ("Resume", "resume"),
            Quiet::Muted => ("Unmute", "unmute"),
        }
    }
}

/// Those that are so by themselves: where the whole team is, its page says it.
pub(crate) fn agents(visit: &Visit, health: &Health, quiet: Quiet) -> Markup {
    let is_whole = health.team().flag(quiet.flag());
    let mut found: Vec<&Value> = health.agents().filter(|agent| !is_whole && agent.flag(quiet.flag())).collect();
    found.sort_by_key(|agent| agent.text("agent").to_owned());
    let (label, path) = quiet.end();
    html! {
        @if !found.is_empty() {
            section aria-labelledby=(quiet.flag()) {
                h2 id=(quiet.flag()) { (quiet.title()) }
                ul.rows {
                    @for agent in found.iter().take(SHOWN) {
                        @let name = agent.text("agent");
                        li { a href=(visit.agent_url(name)) { (name) } " " (button(visit, &format!("/agents/{}/{path}", encoded(name)), label)) }
                    }
                    @if found.len() > SHOWN {
                        li {
                            a href=(visit.at("/agents")) { (count((found.len() - SHOWN) as u64)) " more" }
                            ", marked in the list of agents"
                        }
                    }
                }
            }
        }
    }
}
