//! The names by which settings refer to one another.

use serde::Deserialize;
use tidegate_agentping::TeamId;
use tidegate_agentping_settings::{SettingFault, kinds};
use tidegate_kernel::SmolStr;
use tidegate_ports::{DocumentList, ScanOrder};

use crate::problem::Problem;
use crate::reads::Reads;

const PAGE: usize = 200;

/// Checks that each name, given with the path at which it is mentioned, is that of a route of the team.
///
/// # Errors
/// [`Problem::MemberInvalid`] with the first that is none; the store's.
pub(crate) async fn known_routes(reads: &Reads, team: TeamId, mentioned: &[(String, &SmolStr)]) -> Result<(), Problem> {
    if mentioned.is_empty() {
        return Ok(());
    }
    let known = route_names(reads, team).await?;
    match mentioned.iter().find(|(_, name)| !known.contains(name)) {
        Some((path, _)) => Err(SettingFault::at(path, "names no route of the team; GET /v1/routes lists them").into()),
        None => Ok(()),
    }
}

async fn route_names(reads: &Reads, team: TeamId) -> Result<Vec<SmolStr>, Problem> {
    #[derive(Deserialize)]
    struct Named {
        name: SmolStr,
    }
    let (space, mut names, mut after) = (team.to_string(), Vec::new(), None::<SmolStr>);
    loop {
        let (kind, order) = (kinds::ROUTE, ScanOrder::Ascending);
        let list = DocumentList { space: &space, kind, prefix: "", after: after.as_deref(), order, limit: PAGE };
        let page = reads.ask(reads.managed.documents.list(&list)).await?;
        let read = page.iter().filter_map(|document| serde_json::from_slice::<Named>(&document.doc).ok());
        names.extend(read.map(|route| route.name));
        if page.len() < PAGE {
            return Ok(names);
        }
        after = page.last().map(|document| document.name.clone());
    }
}
