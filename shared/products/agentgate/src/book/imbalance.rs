//! Conservation of credits: all that was granted is left or was charged, and what runs hold is a part of what is left.

use std::fmt;

use super::Book;
use crate::views::BalanceRow;

/// What does not add up in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imbalance {
    /// Granted is not what is left and what was charged.
    Granted { granted_cents: u64, left_cents: u64, charged_cents: u64 },
    /// More is held than is left.
    Held { held_cents: u64, left_cents: u64 },
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Imbalance::Granted { granted_cents, left_cents, charged_cents } => {
                write!(f, "{granted_cents} cents were granted, {left_cents} are left and {charged_cents} were charged")
            }
            Imbalance::Held { held_cents, left_cents } => {
                write!(f, "{held_cents} cents are held, and {left_cents} are left")
            }
        }
    }
}

impl Book {
    /// `None`: granted = available + held + charged.
    pub fn imbalance(&self) -> Option<Imbalance> {
        let (left_cents, held_cents) = (self.credits.balance_cents(), self.held_cents());
        let (granted_cents, charged_cents) = (self.credits.granted_cents, self.credits.charged_cents);
        if granted_cents != left_cents.saturating_add(charged_cents) {
            return Some(Imbalance::Granted { granted_cents, left_cents, charged_cents });
        }
        (held_cents > left_cents).then_some(Imbalance::Held { held_cents, left_cents })
    }

    /// Whether a balance row is what this book makes of it.
    pub fn has_balance(&self, row: &BalanceRow) -> bool {
        let credits = &self.credits;
        let open_runs = u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        (row.included_cents, row.purchased_cents, row.held_cents, row.open_runs)
            == (credits.included_cents, credits.purchased_cents, self.held_cents(), open_runs)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Timestamp;

    use super::*;
    use crate::book::OpenRun;
    use crate::id::RunId;

    fn book(hold_cents: u64) -> Book {
        let mut book = Book::default();
        book.credits.set(300, 200);
        book.credits.take(book.credits.charge(120));
        let run = OpenRun {
            created_at_ms: Timestamp::from_millis(0),
            hold_cents,
            cents_per_iteration: 50,
            pending_until_ms: Timestamp::from_millis(1),
            iterations: 0,
            tenant: None,
            tenant_user: None,
            webhook_url: false,
            work: None,
        };
        book.runs.insert(RunId::from_bits(1), run);
        book
    }

    #[test]
    fn a_cent_that_is_lost_or_made_is_seen() {
        assert_eq!(book(380).imbalance(), None);
        let mut lost = book(0);
        lost.credits.included_cents -= 1;
        let imbalance = Imbalance::Granted { granted_cents: 500, left_cents: 379, charged_cents: 120 };
        assert_eq!(lost.imbalance(), Some(imbalance));
        assert_eq!(imbalance.to_string(), "500 cents were granted, 379 are left and 120 were charged");
        let mut made = book(0);
        made.credits.charged_cents += 1;
        assert!(matches!(made.imbalance(), Some(Imbalance::Granted { .. })));
        assert_eq!(book(381).imbalance(), Some(Imbalance::Held { held_cents: 381, left_cents: 380 }));
    }

    #[test]
    fn a_balance_row_is_that_of_its_book() {
        let row = BalanceRow {
            included_cents: 180,
            purchased_cents: 200,
            held_cents: 90,
            open_runs: 1,
            allowance_cents: 0,
            cycle_started_at_ms: Timestamp::from_millis(0),
            created_at_ms: Timestamp::from_millis(0),
        };
        assert!(book(90).has_balance(&row));
        assert!(!book(90).has_balance(&BalanceRow { purchased_cents: 201, ..row.clone() }));
        assert!(!book(91).has_balance(&row) && !book(90).has_balance(&BalanceRow { open_runs: 0, ..row }));
    }
}
