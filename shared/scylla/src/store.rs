//! The store ports over CQL.

use crate::session::Cql;

/// Runs and what follows from them.
#[derive(Clone)]
pub struct ScyllaStore {
    cql: Cql,
}

impl ScyllaStore {
    pub fn new(cql: Cql) -> Self {
        ScyllaStore { cql }
    }
}
