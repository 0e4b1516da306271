//! What a replay is asked for: which part of the log, and which of its records.

use std::fmt;

use tidegate_kernel::Timestamp;
use tidegate_kernel::free_json::text_hash;

use crate::offsets::OffsetRanges;

/// Everything that says which records are chosen. Equal selections are the same replay: that is how an interrupted one
/// is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection<F> {
    /// Whose log: the topic's name, or the data folder.
    pub log: String,
    pub range: SelectionRange,
    /// Which of the records: the product's filters, all of which must hold. Their text follows that of the range, so each
    /// filter begins with a blank.
    pub filters: F,
}

/// Which part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectionRange {
    /// What was appended at or after `from` and before `to`; `None` is when the replay was first begun.
    Time {
        from: Timestamp,
        to: Option<Timestamp>,
    },
    Offsets(OffsetRanges),
    /// Every dead letter.
    DeadLetters,
}

impl<F> Selection<F> {
    /// Positions named one by one are taken whatever is there: a record that is a replay itself, too, and one that this
    /// build cannot read.
    pub const fn is_explicit(&self) -> bool {
        matches!(self.range, SelectionRange::Offsets(_))
    }
}

impl<F: fmt::Display> Selection<F> {
    /// A short name of its own, the same for the same selection.
    pub fn name(&self) -> String {
        format!("{:016x}", text_hash(&[self.to_string().as_bytes()]))
    }
}

impl<F: fmt::Display> fmt::Display for Selection<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.range {
            SelectionRange::Time { from, to: Some(to) } => write!(f, "records appended from {from} to {to}")?,
            SelectionRange::Time { from, to: None } => write!(f, "records appended from {from} on")?,
            SelectionRange::Offsets(ranges) => write!(f, "records at {ranges}")?,
            SelectionRange::DeadLetters => write!(f, "dead letters")?,
        }
        write!(f, "{} in {}", self.filters, self.log)
    }
}
