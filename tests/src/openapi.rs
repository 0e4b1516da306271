//! The OpenAPI descriptions that are checked in, and the code they are generated from.

use std::path::PathBuf;

use tidegate_door::openapi::text;

/// One port's description.
pub struct Description {
    /// Below `docs/openapi/`.
    pub file: &'static str,
    /// As the code generates it now.
    pub text: String,
}

impl Description {
    /// Every port's.
    pub fn all() -> Vec<Description> {
        vec![
            Description { file: "agentgate.json", text: text(&tidegate_agentgate_api::openapi()) },
            Description { file: "control.json", text: text(&tidegate_control::openapi()) },
            Description { file: "ingest.json", text: text(&tidegate_ingest::openapi()) },
        ]
    }

    /// Where it is checked in.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi").join(self.file)
    }
}
