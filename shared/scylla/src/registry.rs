//! The registry ports over CQL.

use crate::session::Cql;

/// Teams, credentials and rates.
#[derive(Clone)]
pub struct ScyllaRegistry {
    cql: Cql,
}

impl ScyllaRegistry {
    pub fn new(cql: Cql) -> Self {
        ScyllaRegistry { cql }
    }
}
