//! The starts of a store's servers: what a consumer asks, since a server that starts again may have lost what it
//! acknowledged last.

/// How often the servers of a store have started, as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreStarts {
    /// Changes when a server has started again. It may change without a cause.
    pub number: u64,
    /// Whether the number is up to date for every server that may have lost something. `false`: a server was silent. It
    /// may have started again since it last answered, and what was saved since then is not known to be there.
    ///
    /// A server that is gone for good may make it `false` for a bounded time only.
    pub is_complete: bool,
}

impl StoreStarts {
    /// Of a store that never loses what it acknowledged.
    pub const LOSES_NOTHING: Self = StoreStarts::of_all(0);

    /// Every server of the store answered.
    pub const fn of_all(number: u64) -> Self {
        StoreStarts { number, is_complete: true }
    }
}
