//! The metrics of deciding. What became of the records is counted by the consumer.

tidegate_metric::declare! {
    pub(crate) BOOKS_READ: Counter = "tidegate_books_read_total" { api, from },
        "Books that batches of commands needed, by where they were (memory, store).";
    pub(crate) EFFECTS: Counter = "tidegate_effects_total" { api },
        "Commands to other owners that followed from decisions and were appended.";
    pub(crate) TICKS: Counter = "tidegate_ticks_total" { api },
        "Ticks appended because a change of a book was due.";
    pub(crate) TICK_FAILURES: Counter = "tidegate_tick_failures_total" { api },
        "Ticks whose append failed; they are retried.";
    pub(crate) DELIVERIES: Counter = "tidegate_deliveries_total" { api, result },
        "Tries of deliveries to receivers outside, by result (sent; failed: tried again; given_up; dropped: its receiver is gone).";
    pub(crate) DELIVERIES_WAITING: Gauge = "tidegate_deliveries_waiting" { api },
        "Deliveries of this process's partitions that are neither sent nor given up.";
}
