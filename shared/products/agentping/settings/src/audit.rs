//! What was changed by whom: an entry for each change, without what is secret.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{DocumentWrite, Expected};

use crate::kinds;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditDoc {
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// The id of the key.
    pub by: SmolStr,
    /// What was done, such as `route.create`.
    pub action: SmolStr,
    /// What it was done to: a name or a slug.
    pub what: SmolStr,
}

impl AuditDoc {
    /// The write that keeps the entry until its time is over. `random` makes its name its own among those of one
    /// millisecond.
    ///
    /// # Errors
    /// It does not serialize, which is a defect.
    pub fn write(&self, random: [u8; 10]) -> Result<DocumentWrite, serde_json::Error> {
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(DocumentWrite {
            kind: kinds::AUDIT.into(),
            name: format!("{:015}-{random}", self.at.as_millis().max(0)).into(),
            expected: Expected::Absent,
            doc: Some(serde_json::to_vec(self)?),
            ends_at: Some(self.at.plus_millis(kinds::AUDIT_KEPT_MS)),
        })
    }
}
