//! How many bytes each sort of answer may take.

const MIB: usize = 1 << 20;

/// What one answer may take at most while it is made: what the store gives, and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A page of a run's events, with the run: each event at most a body, and so is what a run carries.
    RunWithEvents,
    /// A page of runs.
    Listing,
    /// A month's breakdowns, a team's agents: rows of labels.
    Rows,
}

impl Weight {
    /// The least that the budget of all answers must have: one of every sort.
    pub const LARGEST_BYTES: usize = Weight::Listing.bytes();

    pub const fn bytes(self) -> usize {
        match self {
            Weight::RunWithEvents => 12 * MIB,
            Weight::Listing => 24 * MIB,
            Weight::Rows => 4 * MIB,
        }
    }
}
