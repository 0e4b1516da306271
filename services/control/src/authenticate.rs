//! Authentication, as the read API needs it.

use async_trait::async_trait;
use tidegate_admission::{Admission, Authenticator, Caller, Refusal};

/// Finds the owner of a credential. It is the first step of admission, and the only one that a read needs.
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
