//! What goes first: a product's classes of requests, and the rank that each has.

use std::fmt;

/// A kind of request that a product sheds by itself.
pub trait ShedClass: Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Every class.
    const ALL: &'static [Self];

    /// When it is shed. Classes of one rank are shed together.
    fn rank(self) -> Rank;

    /// Its name for machines, in metrics.
    fn label(self) -> &'static str;
}

/// The quarter of the pressure scale over which the refused share of a class rises from none to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rank {
    Last,
    Third,
    Second,
    /// Bulk: half of it is refused while the lag is unknown for long.
    First,
}

impl Rank {
    /// From the last to be shed to the first.
    pub const ALL: [Rank; 4] = [Rank::Last, Rank::Third, Rank::Second, Rank::First];

    const fn quarter(self) -> u32 {
        match self {
            Rank::First => 0,
            Rank::Second => 1,
            Rank::Third => 2,
            Rank::Last => 3,
        }
    }

    /// How many of a thousand requests of this rank are refused at a pressure ([`Decision`](crate::Decision)).
    pub(crate) fn share_permille(self, pressure: u32) -> u32 {
        pressure.saturating_sub(self.quarter() * 1_000).min(1_000)
    }
}
