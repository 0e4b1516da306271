//! The caller of a read: authenticated by an API key in a header, never in the URL.

use http::{HeaderMap, HeaderName};
use tidegate_agentping::{Plan, Scope, TeamId, credential};
use tidegate_agentping_ports::HeldKey;
use tidegate_door::presented;

use crate::problem::Problem;
use crate::reads::Reads;

const KEY_HEADER: HeaderName = HeaderName::from_static(credential::KEY_HEADER);

/// A caller who may read everything of its team. It exists only after its credential was checked.
pub(crate) struct Reader {
    pub team: TeamId,
    pub plan: Plan,
    /// The key that it presented.
    pub key: Option<HeldKey>,
}

impl Reader {
    /// The caller that the headers name.
    ///
    /// # Errors
    /// [`Problem::Refused`], or [`Problem::TokenMayNotRead`].
    pub async fn of(reads: &Reads, headers: &HeaderMap) -> Result<Self, Problem> {
        let presented = presented(headers, &KEY_HEADER, None);
        let authenticated = reads.callers.authenticate(presented.credential()).await;
        let caller = authenticated.map_err(|refusal| Problem::Refused(refusal.of_presented(presented)))?;
        match caller.scope {
            Scope::Team => {
                reads.note_use(&caller);
                Ok(Reader { team: caller.team, plan: caller.plan, key: caller.key })
            }
            Scope::Agent(_) => Err(Problem::TokenMayNotRead),
        }
    }
}
