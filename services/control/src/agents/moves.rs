//! What is set of an agent moves with its name: documents under its slug, and documents that name it.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_settings::kinds;
use tidegate_kernel::SmolStr;
use tidegate_ports::{Document, DocumentList, DocumentWrite, Expected, ScanOrder};

use crate::problem::Problem;
use crate::reads::Reads;

const PAGE: usize = 200;

/// The names of a rename.
pub(super) struct Move<'m> {
    pub from: &'m Slug,
    pub to: &'m Slug,
    /// What a deleted agent of the new name has left is kept under this.
    pub displaced: &'m Slug,
}

/// The writes, each document at most once.
#[derive(Default)]
struct Moves {
    writes: BTreeMap<(SmolStr, SmolStr), DocumentWrite>,
}

impl Moves {
    /// The document is not there any more, unless another one takes its place.
    fn take(&mut self, document: &Document) {
        let Document { kind, name, version, .. } = document;
        let (expected, key) = (Expected::Version(*version), (kind.clone(), name.clone()));
        let removal = DocumentWrite { kind: kind.clone(), name: name.clone(), expected, doc: None, ends_at: None };
        self.writes.insert(key, removal);
    }

    fn give(&mut self, kind: &str, name: &str, doc: Vec<u8>) {
        let (kind, name) = (SmolStr::new(kind), SmolStr::new(name));
        let write = self.writes.entry((kind.clone(), name.clone())).or_insert(DocumentWrite {
            kind,
            name,
            expected: Expected::Absent,
            doc: None,
            ends_at: None,
        });
        write.doc = Some(doc);
    }
}

impl Move<'_> {
    /// The writes that move everything. Where something was written in between they conflict.
    ///
    /// # Errors
    /// The store's; [`Problem::StoreBroken`]: a document is damaged.
    pub async fn writes(&self, reads: &Reads, team: TeamId) -> Result<Vec<DocumentWrite>, Problem> {
        let Move { from, to, displaced } = *self;
        let mut moves = Moves::default();
        let mut given: Vec<(&str, String, Vec<u8>)> = Vec::new();
        for (before, after) in [(to, displaced), (from, to)] {
            for (kind, name) in under_slug(before) {
                let found = reads.ask(reads.managed.documents.get(&team.to_string(), kind, &name)).await?;
                if let Some(document) = found {
                    moves.take(&document);
                    let name = if kind == kinds::MUTE { kinds::mute_of_agent(after) } else { after.to_string() };
                    given.push((kind, name, document.doc));
                }
            }
            for document in all(reads, team, kinds::CHECK_NAME, &format!("{before}\n")).await? {
                moves.take(&document);
                let name = document.name.strip_prefix(before.as_str()).unwrap_or_default();
                given.push((kinds::CHECK_NAME, format!("{after}{name}"), document.doc));
            }
        }
        for (kind, name, doc) in given {
            moves.give(kind, &name, doc);
        }
        for document in all(reads, team, kinds::CHECK, "").await? {
            moves.name_agent(&document, &["agent"], |agent| match agent {
                agent if agent == from.as_str() => Some(to),
                agent if agent == to.as_str() => Some(displaced),
                _ => None,
            })?;
        }
        // Rules and badges are of a name: what is set for the new one counts for the agent now.
        for (kind, path) in [(kinds::RULE, &["match", "agent"][..]), (kinds::BADGE, &["agent"])] {
            for document in all(reads, team, kind, "").await? {
                moves.name_agent(&document, path, |agent| (agent == from.as_str()).then_some(to))?;
            }
        }
        Ok(moves.writes.into_values().collect())
    }
}

impl Moves {
    /// Writes a document with another agent at this path, if `renamed` has one for the one that is there.
    fn name_agent<'s>(
        &mut self,
        document: &Document,
        path: &[&str],
        renamed: impl Fn(&str) -> Option<&'s Slug>,
    ) -> Result<(), Problem> {
        let Document { kind, name, .. } = document;
        let broken = |error| Problem::StoreBroken { cause: format!("the {kind} '{name}' cannot be read: {error}") };
        let mut doc: Value = serde_json::from_slice(&document.doc).map_err(broken)?;
        let agent = path.iter().try_fold(&mut doc, |value, member| value.get_mut(*member));
        let Some(agent) = agent else { return Ok(()) };
        if let Some(name) = agent.as_str().and_then(renamed) {
            *agent = Value::from(name.as_str());
            self.take(document);
            self.give(kind, &document.name, serde_json::to_vec(&doc)?);
        }
        Ok(())
    }
}

/// The documents that an agent has under its slug.
fn under_slug(slug: &Slug) -> [(&'static str, String); 4] {
    let name = || slug.to_string();
    [
        (kinds::AGENT, name()),
        (kinds::SCHEDULE, name()),
        (kinds::PAUSE, name()),
        (kinds::MUTE, kinds::mute_of_agent(slug)),
    ]
}

async fn all(reads: &Reads, team: TeamId, kind: &str, prefix: &str) -> Result<Vec<Document>, Problem> {
    let (space, order) = (team.to_string(), ScanOrder::Ascending);
    let (mut found, mut after): (Vec<Document>, Option<SmolStr>) = (Vec::new(), None);
    loop {
        let list = DocumentList { space: &space, kind, prefix, after: after.as_deref(), order, limit: PAGE };
        let page = reads.ask(reads.managed.documents.list(&list)).await?;
        let is_last = page.len() < PAGE;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
        after = found.last().map(|document| document.name.clone());
    }
}
