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
}
