//! The dead letters' brake: when so many records of a partition cannot be applied, it is not the records that are
//! wrong, but this release.

use std::collections::VecDeque;
use std::fmt;

/// When the brake trips. A 0 switches its rule off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrakeRules {
    /// So many records in a row that cannot be applied. Also the least number that the share is judged by.
    pub in_a_row: u32,
    /// The share is judged over so many of the last records.
    pub window: u32,
    /// Percent of the window that cannot be applied.
    pub ratio_percent: u32,
}

impl Default for BrakeRules {
    fn default() -> Self {
        BrakeRules { in_a_row: 100, window: 1_000, ratio_percent: 50 }
    }
}

impl BrakeRules {
    /// Never trips.
    pub const OFF: BrakeRules = BrakeRules { in_a_row: 0, window: 0, ratio_percent: 0 };

    /// So many of the window trip it at the least.
    const fn least(&self) -> u32 {
        match self.in_a_row {
            0 => self.window.saturating_mul(self.ratio_percent).div_ceil(100),
            length => length,
        }
    }
}

/// Watches the records of one partition, in their order.
#[derive(Clone, Debug)]
pub struct Brake {
    rules: BrakeRules,
    in_a_row: u32,
    /// Trips at the first poison, whatever the rules say.
    at_first: bool,
    /// Whether each of the last records was poison; as many as the window has.
    recent: VecDeque<bool>,
    poison: u32,
}

/// Why a partition is halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tripped {
    /// So many records in a row cannot be applied.
    InARow { poison: u32 },
    /// So many of the last records cannot be applied.
    Share { poison: u32, of: u32 },
    /// A record that may not be skipped cannot be decoded.
    Unreadable,
    /// A record that may not be skipped cannot be folded.
    Stopped,
    /// A record that may not be skipped cannot be folded onto what is stored; another consumer may have folded it.
    Prevented,
    /// An operator asked for a record to be void, and that is not settled yet.
    AskedToBeVoid,
    /// The store refuses for good what follows from a record that may not be skipped.
    Refused,
    /// The log has records at offsets that are accounted for, and ends before the last of them. They are others than
    /// those that were applied there, and would be skipped.
    LogWentBack { accounted: i64, end: i64 },
}

impl Brake {
    pub fn new(rules: BrakeRules) -> Self {
        Brake { rules, in_a_row: 0, at_first: false, recent: VecDeque::new(), poison: 0 }
    }

    /// Trips at the first record that cannot be applied.
    pub fn at_first() -> Self {
        Brake { at_first: true, ..Brake::new(BrakeRules::OFF) }
    }

    /// Takes the next record. `Some`: this one and all after it are neither applied nor dead-lettered.
    pub fn take(&mut self, is_poison: bool) -> Option<Tripped> {
        if self.at_first {
            return is_poison.then_some(Tripped::Unreadable);
        }
        self.in_a_row = if is_poison { self.in_a_row + 1 } else { 0 };
        if self.rules.window > 0 {
            self.recent.push_back(is_poison);
            self.poison += u32::from(is_poison);
            if self.recent.len() > self.rules.window as usize {
                self.poison -= u32::from(self.recent.pop_front().unwrap_or(false));
            }
        }
        if !is_poison {
            return None;
        }
        let BrakeRules { in_a_row, window, ratio_percent } = self.rules;
        if in_a_row > 0 && self.in_a_row >= in_a_row {
            return Some(Tripped::InARow { poison: self.in_a_row });
        }
        // At most the window's length, which has 32 bits.
        let of = self.recent.len() as u32;
        let share_reached = u64::from(self.poison) * 100 >= u64::from(of) * u64::from(ratio_percent);
        let judged = window > 0 && ratio_percent > 0 && self.poison >= self.rules.least();
        (judged && share_reached).then_some(Tripped::Share { poison: self.poison, of })
    }
}

impl fmt::Display for Tripped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tripped::InARow { poison } => write!(formatter, "{poison} records in a row cannot be applied"),
            Tripped::Share { poison, of } => write!(formatter, "{poison} of the last {of} records cannot be applied"),
            Tripped::Unreadable => formatter.write_str("a record cannot be decoded"),
            Tripped::Stopped => formatter.write_str("a record cannot be folded"),
            Tripped::Prevented => formatter.write_str("a record cannot be folded onto what is stored"),
            Tripped::AskedToBeVoid => formatter.write_str("a record is asked to be void"),
            Tripped::Refused => formatter.write_str("the store refuses what follows from a record"),
            Tripped::LogWentBack { accounted, end } => {
                write!(formatter, "the log ends at {end}, and everything up to {accounted} is accounted for")
            }
        }
    }
}

#[cfg(test)]
mod tests;
