//! Who reads: an API key in a header, never in the URL.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use http::HeaderName;
use http::request::Parts;
use tidegate_admission::{Admission, Authenticator, Caller, Refusal};
use tidegate_agentping::{Plan, Scope, TeamId, credential};
use tidegate_door::presented;

use crate::problem::Problem;
use crate::reads::Reads;

const KEY_HEADER: HeaderName = HeaderName::from_static(credential::KEY_HEADER);

/// Tells who a credential belongs to: admission's first step, and all that reading needs of it.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// Judges a credential as presented (`None`: nothing was): its form, its region before any look-up, then whose
    /// it is.
    ///
    /// # Errors
    /// The [`Refusal`]s about credentials.
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal>;
}

#[async_trait]
impl Authenticate for Admission {
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        Admission::authenticate(self, credential).await
    }
}

#[async_trait]
impl Authenticate for Authenticator {
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        Authenticator::authenticate(self, credential).await
    }
}

/// A caller who may read all of its team. Only extracting makes one.
pub(crate) struct Reader {
    pub team: TeamId,
    pub plan: Plan,
}

impl FromRequestParts<Arc<Reads>> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, reads: &Arc<Reads>) -> Result<Self, Problem> {
        let presented = presented(&parts.headers, &KEY_HEADER, None);
        let authenticated = reads.callers.authenticate(presented.credential()).await;
        let caller = authenticated.map_err(|refusal| Problem::Refused(refusal.of_presented(presented)))?;
        match caller.scope {
            Scope::Team => Ok(Reader { team: caller.team, plan: caller.plan }),
            Scope::Agent(_) => Err(Problem::TokenMayNotRead),
        }
    }
}
