//! The metrics of the persister; its consumer has its own.

tidegate_metric::declare! {
    pub(crate) ORPHANS_PURGED: Counter = "tidegate_orphans_purged_total",
        "Runs that never got an opening, purged a day after their last record.";
}
