//! A document as it is stored, and its next write.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentping::TeamId;
use tidegate_ports::{Document, DocumentWrite, Expected};

use crate::call::Call;
use crate::problem::Problem;
use crate::reads::Reads;

/// A document, or its default where there is none.
#[derive(Clone, Debug)]
pub(crate) struct Kept<T> {
    kind: &'static str,
    name: String,
    version: Option<u64>,
    pub doc: T,
}

impl<T: DeserializeOwned + Serialize + Default> Kept<T> {
    /// Reads it.
    ///
    /// # Errors
    /// The store's. [`Problem::StoreBroken`]: the document is damaged, or of a later release; it is not overwritten.
    pub async fn read(reads: &Reads, team: TeamId, kind: &'static str, name: &str) -> Result<Self, Problem> {
        let Some((version, doc)) = find(reads, team, kind, name).await? else {
            return Ok(Kept { kind, name: name.to_owned(), version: None, doc: T::default() });
        };
        Ok(Kept { kind, name: name.to_owned(), version: Some(version), doc })
    }
}

impl<T: DeserializeOwned + Serialize> Kept<T> {
    /// Reads one that may be absent.
    ///
    /// # Errors
    /// As [`Kept::read`].
    pub async fn find(reads: &Reads, team: TeamId, kind: &'static str, name: &str) -> Result<Option<Self>, Problem> {
        let found = find(reads, team, kind, name).await?;
        Ok(found.map(|(version, doc)| Kept { kind, name: name.to_owned(), version: Some(version), doc }))
    }

    /// Reads the one of the caller's team with this id, which `what` calls by its name for people. A text that `is_id` says
    /// is none names nothing.
    ///
    /// # Errors
    /// [`Problem::Unknown`]; as [`Kept::read`].
    pub async fn known(
        call: &Call,
        kind: &'static str,
        what: &'static str,
        (id, is_id): (&str, bool),
    ) -> Result<Self, Problem> {
        let found = if is_id { Kept::find(&call.reads, call.reader.team, kind, id).await? } else { None };
        found.ok_or_else(|| Problem::Unknown { what, name: id.to_owned() })
    }

    /// One that was read already.
    ///
    /// # Errors
    /// [`Problem::StoreBroken`], as [`Kept::read`].
    pub fn of(kind: &'static str, document: &Document) -> Result<Self, Problem> {
        let Document { name, version, doc, .. } = document;
        let broken = |error| Problem::StoreBroken { cause: format!("the {kind} '{name}' cannot be read: {error}") };
        let doc = serde_json::from_slice(doc).map_err(broken)?;
        Ok(Kept { kind, name: name.to_string(), version: Some(*version), doc })
    }

    /// One that is to be made.
    pub fn new(kind: &'static str, name: &str, doc: T) -> Self {
        Kept { kind, name: name.to_owned(), version: None, doc }
    }

    /// The same with other content.
    #[must_use]
    pub fn with(self, doc: T) -> Self {
        Kept { doc, ..self }
    }

    /// Its version once it is written as it is now, or was written last.
    pub fn next_version(&self, is_written: bool) -> u64 {
        self.version.unwrap_or(0) + u64::from(is_written)
    }

    /// Whether it is stored.
    pub fn is_stored(&self) -> bool {
        self.version.is_some()
    }

    /// The write of it as it is now, on the condition that nothing else has written it.
    ///
    /// # Errors
    /// [`Problem::Defect`]: it does not serialize.
    pub fn write(&self) -> Result<DocumentWrite, Problem> {
        Ok(DocumentWrite { doc: Some(serde_json::to_vec(&self.doc)?), ..self.removal() })
    }

    /// The removal of it, on the same condition.
    pub fn removal(&self) -> DocumentWrite {
        let expected = self.version.map_or(Expected::Absent, Expected::Version);
        DocumentWrite { kind: self.kind.into(), name: self.name.as_str().into(), expected, doc: None, ends_at: None }
    }
}

async fn find<T: DeserializeOwned>(
    reads: &Reads,
    team: TeamId,
    kind: &'static str,
    name: &str,
) -> Result<Option<(u64, T)>, Problem> {
    let space = team.to_string();
    let Some(found) = reads.ask(reads.managed.documents.get(&space, kind, name)).await? else { return Ok(None) };
    match serde_json::from_slice(&found.doc) {
        Ok(doc) => Ok(Some((found.version, doc))),
        Err(error) => Err(Problem::StoreBroken { cause: format!("the {kind} '{name}' cannot be read: {error}") }),
    }
}
