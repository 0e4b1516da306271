//! The endpoints as they are counted.

use tidegate_door::OutcomeMetrics;

use crate::metrics::{READ_REQUESTS, READ_REQUESTS_RECEIVED};

/// The read API's counters.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: READ_REQUESTS_RECEIVED, ended: READ_REQUESTS };

tidegate_door::labels! {
    /// The endpoints, as metrics name them.
    pub enum Endpoint {
        Runs "runs";
        Run "run";
        Agents "agents";
        Usage "usage";
        Spend "spend";
        Receipt "receipt";
        /// Everything else: unknown routes, the description of the interface.
        Other "other";
    }
}

/// The endpoint of a path that has a route.
pub(crate) fn of_path(path: &str) -> Endpoint {
    match path {
        "/v1/runs" => Endpoint::Runs,
        "/v1/agents" => Endpoint::Agents,
        "/v1/usage" => Endpoint::Usage,
        "/v1/spend" => Endpoint::Spend,
        path if path.starts_with("/v1/runs/") => Endpoint::Run,
        path if path.starts_with("/v1/receipts/") => Endpoint::Receipt,
        _ => Endpoint::Other,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::routes::{CONTROL, ROUTES};
    use tidegate_door::Label;

    use super::*;
    use crate::problem::Cause;

    #[test]
    fn counters_are_found_by_the_order_of_the_variants() {
        for (index, endpoint) in Endpoint::ALL.iter().enumerate() {
            assert_eq!(endpoint.index(), index, "{endpoint:?}");
        }
        for (index, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index, "{cause:?}");
        }
    }

    #[test]
    fn every_read_counts_under_an_endpoint_of_its_own() {
        let reads = ROUTES.iter().filter(|(port, _, path)| *port == CONTROL && path.starts_with("/v1"));
        let mut labels: Vec<&str> = reads.map(|(_, _, path)| of_path(path).label()).collect();
        labels.push(Endpoint::Other.label());
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Endpoint::ALL.len(), "{labels:?}");
    }
}
