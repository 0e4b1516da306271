//! A route goes, and with it every mention of its name.

use tidegate_agentping::Slug;
use tidegate_agentping_settings::{AgentDoc, AgentRoutes, TeamDoc, kinds};
use tidegate_kernel::SmolStr;
use tidegate_ports::DocumentWrite;

use super::{kept, tag};
use crate::call::Call;
use crate::manage::{Change, ETag, Kept};
use crate::problem::Problem;

/// Mentions that are removed in the same step, far below what one step may write. Of others the name stays, and means
/// nothing.
const MOST_AGENTS: usize = 300;

/// # Errors
/// [`Problem::Unknown`], [`Problem::Stale`], and those of a change.
pub(super) async fn remove(call: &Call, id: &str) -> Result<(), Problem> {
    let decide = || async move {
        let kept = kept(call, id).await?;
        ETag::matched(Some(&tag(id, kept.next_version(false))?), call.headers())?;
        let name = kept.doc.name.clone();
        let mut writes = vec![kept.removal()];
        writes.extend(of_team(call, &name).await?);
        let settings = call.settings();
        let naming = settings.agents.iter().filter(|(_, agent)| mentions(&agent.routes, &name));
        let slugs: Vec<&Slug> = naming.map(|(slug, _)| slug).take(MOST_AGENTS).collect();
        for slug in slugs {
            writes.extend(of_agent(call, slug, &name).await?);
        }
        Ok(Change { writes, audited: Some(("route.delete", name.to_string())), answer: () })
    };
    call.change(decide).await
}

async fn of_team(call: &Call, name: &SmolStr) -> Result<Option<DocumentWrite>, Problem> {
    let team = call.reader.team;
    let mut kept: Kept<TeamDoc> = Kept::read(&call.reads, team, kinds::TEAM, kinds::WHOLE_TEAM).await?;
    let before = kept.doc.routes.len();
    kept.doc.routes.retain(|route| route != name);
    if kept.doc.routes.len() == before { Ok(None) } else { Ok(Some(kept.write()?)) }
}

async fn of_agent(call: &Call, slug: &Slug, name: &SmolStr) -> Result<Option<DocumentWrite>, Problem> {
    let mut kept: Kept<AgentDoc> = Kept::read(&call.reads, call.reader.team, kinds::AGENT, slug.as_str()).await?;
    if !mentions(&kept.doc.routes, name) {
        return Ok(None);
    }
    match &mut kept.doc.routes {
        AgentRoutes::Inherit => {}
        AgentRoutes::Only(names) | AgentRoutes::Add(names) => names.retain(|route| route != name),
    }
    Ok(Some(kept.write()?))
}

fn mentions(routes: &AgentRoutes, name: &SmolStr) -> bool {
    match routes {
        AgentRoutes::Inherit => false,
        AgentRoutes::Only(names) | AgentRoutes::Add(names) => names.contains(name),
    }
}
