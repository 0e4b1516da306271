//! A change of settings: decided from what is stored, and written whole with its audit entry.

use tidegate_agentping_settings::AuditDoc;
use tidegate_ports::{DocumentWrite, Written};

use crate::call::Call;
use crate::problem::Problem;

/// What a change writes, and what it is answered with.
pub(crate) struct Change<A> {
    /// The documents, each on its condition. None: nothing changes, and nothing is audited.
    pub writes: Vec<DocumentWrite>,
    /// The action, such as `route.create`, and the name or slug of what it is done to.
    pub audited: Option<(&'static str, String)>,
    pub answer: A,
}

/// How often a change is decided anew because another one was written in between.
const TRIES: u32 = 8;

impl Call {
    /// Decides a change, writes it if nothing was written in between, and reads the team's settings again. `decide` is
    /// called again where something was.
    ///
    /// # Errors
    /// Those of `decide`, the store's, and [`Problem::TooManyChanges`].
    pub async fn change<A, F>(&self, decide: impl Fn() -> F) -> Result<A, Problem>
    where
        F: Future<Output = Result<Change<A>, Problem>>,
    {
        let space = self.reader.team.to_string();
        let managed = &self.reads.managed;
        for _ in 0..TRIES {
            let Change { mut writes, audited, answer } = decide().await?;
            if writes.is_empty() {
                return Ok(answer);
            }
            if let Some((action, what)) = audited {
                writes.push(self.audit_write(action, &what)?);
            }
            let now = self.reads.now();
            match self.reads.ask(managed.documents.write(&space, &writes, now)).await? {
                Written::Conflict(_) => {}
                Written::Done => {
                    self.reread().await;
                    return Ok(answer);
                }
            }
        }
        Err(Problem::TooManyChanges)
    }

    /// Reads the team's settings again, so that the next read here finds the change. Elsewhere they follow by themselves, and
    /// so they do here if this fails.
    pub async fn reread(&self) {
        let space = self.reader.team.to_string();
        if let Err(error) = self.reads.managed.mirror.refresh(&space).await {
            tracing::warn!(kind = %error.kind(), %error, "changed settings cannot be read again now");
        }
    }

    fn audit_write(&self, action: &str, what: &str) -> Result<DocumentWrite, Problem> {
        let entry = AuditDoc { at: self.reads.now(), by: self.by().into(), action: action.into(), what: what.into() };
        Ok(entry.write(self.reads.ids.random())?)
    }
}
