//! The runs around a run: those that it was started by, and those that it started.

use std::sync::Arc;

use maud::{Markup, html};
use tidegate_agentping::{Run, RunId};
use tidegate_agentping_ports::RunFilter;

use crate::parts::amount::usd;
use crate::parts::{status, time};
use crate::problem::Problem;
use crate::visit::Visit;
use crate::walk::{SeenRun, Walk};

/// How far up and down is looked.
const LEVELS: usize = 8;
/// Runs among which children are looked for: those that began while the run went on.
const CANDIDATES: usize = 1_000;
/// Children of one run that are shown at most.
const SHOWN: usize = 50;
/// A child may begin shortly after its parent has ended, and its host's clock may be behind or ahead.
const MARGIN_MS: i64 = 60_000;

/// Parents and children as nested lists of links; nothing for a run that stands alone.
pub(super) async fn related(visit: &Visit, id: RunId, run: &Run) -> Result<Markup, Problem> {
    let parents = parents(visit, run).await?;
    let walk = candidates(visit, id, run).await?;
    let has_children = walk.runs.iter().any(|run| run.parent == Some(id));
    let below = children(visit, &walk, id, 0);
    let own = html! { li.here { strong { "this run" } (below) } };
    let tree = parents.iter().fold(own, |below, parent| html! { li { (line(visit, parent)) ul { (below) } } });
    Ok(html! {
        @if !parents.is_empty() || has_children {
            section aria-labelledby="related" {
                h2 #related { "Parent and children" }
                ul.tree { (tree) }
                @if walk.more {
                    p.hint { "Children were looked for among the latest " (CANDIDATES) " runs that began while this one went on." }
                }
            }
        }
    })
}

/// The run's parent, its parent, and so on.
async fn parents(visit: &Visit, run: &Run) -> Result<Vec<SeenRun>, Problem> {
    let mut parents: Vec<SeenRun> = Vec::new();
    let mut next = run.opening().and_then(|opening| opening.start.parent_run_id);
    while let Some(id) = next.take()
        && parents.len() < LEVELS
        // Clients name parents as they like: in a circle, too.
        && parents.iter().all(|parent| parent.id != id)
    {
        let Some(parent) = visit.seen(id).await? else { break };
        next = parent.parent;
        parents.push(parent);
    }
    Ok(parents)
}

/// The runs that can be children: there is no index of them, so they are looked for where they must be. The page of a run that
/// goes on is renewed every second, so they are kept where that took long.
async fn candidates(visit: &Visit, id: RunId, run: &Run) -> Result<Arc<Walk>, Problem> {
    let Some(opening) = run.opening() else { return Ok(Arc::default()) };
    let end = run.finished_at(visit.now).unwrap_or(visit.now);
    let filter = RunFilter {
        from: Some(opening.listed_at().plus_millis(-MARGIN_MS)),
        to: Some(end.max(opening.listed_at()).plus_millis(MARGIN_MS)),
        ..RunFilter::default()
    };
    let ask = async {
        let mut walk = visit.walk(&filter, CANDIDATES).await?;
        walk.runs.retain(|run| run.parent.is_some());
        Ok::<_, Problem>(walk)
    };
    let pages = &visit.pages;
    pages.kept(&pages.children, visit.key_of(id), ask).await
}

fn children(visit: &Visit, walk: &Walk, of: RunId, level: usize) -> Markup {
    let all = || walk.runs.iter().rev().filter(|run| run.parent == Some(of) && run.id != of);
    let total = all().count();
    html! {
        @if total > 0 && level < LEVELS {
            ul {
                @for child in all().take(SHOWN) { li { (line(visit, child)) (children(visit, walk, child.id, level + 1)) } }
                @if total > SHOWN { li { (total - SHOWN) " more" } }
            }
        }
    }
}

fn line(visit: &Visit, run: &SeenRun) -> Markup {
    html! {
        a href=(visit.run_url(run.id)) { (run.agent) }
        " " (status::status(run.status))
        @if run.errored { " " (status::errored()) }
        " " span.note {
            @if let Some(ms) = run.duration_ms { (time::span(ms)) ", " }
            (usd(run.cost))
        }
    }
}
