//! The metrics of looking credentials up.

tidegate_metric::declare! {
    pub(crate) CREDENTIALS_STALE: Counter = "tidegate_credentials_stale_total",
        "Look-ups of credentials that the store did not answer, and that were answered from memory instead.";
}
