//! What is stored of a team, as far as files are about it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_settings::{AgentDoc, RouteDoc, kinds};
use tidegate_kernel::SmolStr;
use tidegate_ports::{Document, DocumentList, DocumentWrite, ScanOrder};

use crate::alert_routes::questions::UnconfirmedRoute;
use crate::call::Call;
use crate::manage::Kept;
use crate::problem::Problem;

const KINDS: [&str; 9] = [
    kinds::TEAM,
    kinds::AGENT,
    kinds::SCHEDULE,
    kinds::ROUTE,
    kinds::RULE,
    kinds::RULE_NAME,
    kinds::CHECK,
    kinds::CHECK_NAME,
    kinds::CONFIG,
];
const PAGE: usize = 500;

/// Documents by kind and name, and the agents that there are.
pub(super) struct Stored {
    documents: BTreeMap<&'static str, BTreeMap<SmolStr, Document>>,
    pub rows: BTreeMap<Slug, AgentRow>,
}

impl Stored {
    /// # Errors
    /// The store's.
    pub async fn read(call: &Call) -> Result<Self, Problem> {
        let (reads, space) = (&call.reads, call.reader.team.to_string());
        let mut documents: BTreeMap<&'static str, BTreeMap<SmolStr, Document>> = BTreeMap::new();
        for kind in KINDS {
            let of_kind = documents.entry(kind).or_default();
            let mut after: Option<SmolStr> = None;
            loop {
                let order = ScanOrder::Ascending;
                let list =
                    DocumentList { space: &space, kind, prefix: "", after: after.as_deref(), order, limit: PAGE };
                let page = reads.ask(reads.managed.documents.list(&list)).await?;
                let is_last = page.len() < PAGE;
                after = page.last().map(|document| document.name.clone());
                of_kind.extend(page.into_iter().map(|document| (document.name.clone(), document)));
                if is_last {
                    break;
                }
            }
        }
        let rows = reads.ask(call.queries.agents(call.reader.team)).await?;
        let rows = rows.into_iter().map(|row| (row.slug.clone(), row)).collect();
        Ok(Stored { documents, rows })
    }

    /// One document, or its default where there is none.
    ///
    /// # Errors
    /// [`Problem::StoreBroken`]: it cannot be read.
    pub fn kept<T>(&self, kind: &'static str, name: &str) -> Result<Kept<T>, Problem>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        match self.documents.get(kind).and_then(|of_kind| of_kind.get(name)) {
            Some(document) => Kept::of(kind, document),
            None => Ok(Kept::new(kind, name, T::default())),
        }
    }

    /// All documents of a kind, by name.
    ///
    /// # Errors
    /// [`Problem::StoreBroken`]: one cannot be read.
    pub fn all<T: DeserializeOwned + Serialize>(&self, kind: &'static str) -> Result<Vec<(SmolStr, Kept<T>)>, Problem> {
        let of_kind = self.documents.get(kind).into_iter().flatten();
        of_kind.map(|(name, document)| Ok((name.clone(), Kept::of(kind, document)?))).collect()
    }

    /// The removal of a document, if it is there.
    pub fn removal(&self, kind: &'static str, name: &str) -> Option<DocumentWrite> {
        let document = self.documents.get(kind)?.get(name)?;
        Some(Kept::<serde_json::Value>::of(kind, document).ok()?.removal())
    }

    /// Whether there is such an agent.
    pub fn has_agent(&self, slug: &Slug, doc: &AgentDoc) -> bool {
        self.rows.get(slug).is_some_and(|row| doc.is_there(row.last_seen))
    }

    /// The agents that these writes delete: their slots are free then.
    pub fn pruned(&self, writes: &[DocumentWrite]) -> Vec<Slug> {
        let deletes = |write: &&DocumentWrite| {
            let doc: Option<AgentDoc> = write.doc.as_deref().and_then(|doc| serde_json::from_slice(doc).ok());
            write.kind == kinds::AGENT && doc.is_some_and(|doc| doc.deleted_at.is_some())
        };
        writes.iter().filter(deletes).filter_map(|write| Slug::parse(&write.name).ok()).collect()
    }

    /// The team's routes by id, as they are once these writes are made.
    pub fn routes_after(&self, writes: &[DocumentWrite]) -> BTreeMap<SmolStr, RouteDoc> {
        let stored = self.documents.get(kinds::ROUTE).into_iter().flatten();
        let stored = stored.map(|(name, document)| (name.clone(), Some(document.doc.as_slice())));
        let of_routes = writes.iter().filter(|write| write.kind == kinds::ROUTE);
        let written = of_routes.map(|write| (write.name.clone(), write.doc.as_deref()));
        // What is written comes last, and counts.
        let after: BTreeMap<SmolStr, Option<&[u8]>> = stored.chain(written).collect();
        after.into_iter().filter_map(|(id, doc)| Some((id, serde_json::from_slice(doc?).ok()?))).collect()
    }

    /// The mail routes of these writes that have not confirmed.
    pub fn unconfirmed(&self, writes: &[DocumentWrite]) -> Vec<UnconfirmedRoute> {
        let of_routes = writes.iter().filter(|write| write.kind == kinds::ROUTE);
        let read = |write: &DocumentWrite| {
            let route: RouteDoc = serde_json::from_slice(write.doc.as_deref()?).ok()?;
            let before = self.documents.get(kinds::ROUTE).and_then(|routes| routes.get(&write.name));
            let before: Option<RouteDoc> = before.and_then(|known| serde_json::from_slice(&known.doc).ok());
            route.target.is_unconfirmed().then(|| UnconfirmedRoute { id: write.name.to_string(), route, before })
        };
        of_routes.filter_map(read).collect()
    }
}
