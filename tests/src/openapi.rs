//! The OpenAPI descriptions that are checked in, and the code they are generated from.

use std::path::PathBuf;

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
            Description { file: "agentgate.json", text: tidegate_agentgate_api::openapi_json().unwrap() },
            Description { file: "control.json", text: tidegate_control::openapi_json().unwrap() },
            Description { file: "ingest.json", text: tidegate_ingest::openapi_json().unwrap() },
        ]
    }

    /// Where it is checked in.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi").join(self.file)
    }
}
