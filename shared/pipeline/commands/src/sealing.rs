//! What keeps secrets off the log and out of the store: free content is sealed under a data key of its owner, credentials
//! and idempotency keys are stored as keyed hashes, and secrets that are shown once are derived.
//!
//! Everything hangs on the deployment's key, 32 bytes. Data keys are in [`OwnerKeys`](tidegate_ports::OwnerKeys),
//! wrapped by it; without its data key an owner's content can never be read again.

mod deployment_key;
mod documents;
mod owner_seal;
mod sealer;

pub use deployment_key::DeploymentKey;
pub use documents::SealedDocuments;
pub use owner_seal::{OwnerSeal, Unsealable};
pub use sealer::{Sealer, SealerError};
