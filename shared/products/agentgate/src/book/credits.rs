//! Credits: what an organization has, and what was charged. Integer cents.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

/// An organization's credits. Always `granted = included + purchased + charged`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credits {
    /// Left of the present cycle's. They are charged first.
    pub included_cents: u64,
    /// Left of those bought. They never end.
    pub purchased_cents: u64,
    /// Included at the beginning of each cycle.
    pub allowance_cents: u64,
    /// All that was ever given, without what ended unspent with its cycle.
    pub granted_cents: u64,
    /// All that was ever charged.
    pub charged_cents: u64,
    /// When the present billing cycle began.
    pub cycle_started_at_ms: Timestamp,
}

/// A charge, as it is taken from the two kinds of credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    pub included_cents: u64,
    pub purchased_cents: u64,
}

impl Charge {
    pub const fn cents(self) -> u64 {
        self.included_cents.saturating_add(self.purchased_cents)
    }
}

impl Credits {
    /// Cents of an amount or a balance at most: sums of some thousand of them fit 64 bits.
    pub const MAX_CENTS: u64 = 1_000_000_000_000;

    /// Included and purchased, in cents; also what is held.
    pub const fn balance_cents(&self) -> u64 {
        self.included_cents.saturating_add(self.purchased_cents)
    }

    /// How `cents` are charged: included credits first.
    pub fn charge(&self, cents: u64) -> Charge {
        let included_cents = cents.min(self.included_cents);
        Charge { included_cents, purchased_cents: (cents - included_cents).min(self.purchased_cents) }
    }

    pub fn take(&mut self, charge: Charge) {
        self.included_cents = self.included_cents.saturating_sub(charge.included_cents);
        self.purchased_cents = self.purchased_cents.saturating_sub(charge.purchased_cents);
        self.charged_cents = self.charged_cents.saturating_add(charge.cents());
    }

    /// The included credits at the beginning of a cycle: the allowance, but never less than what holds need beyond the
    /// purchased credits.
    pub fn renewed_cents(&self, held_cents: u64) -> u64 {
        self.allowance_cents.max(held_cents.saturating_sub(self.purchased_cents))
    }

    /// Sets the balances. The difference was granted, or has ended.
    pub fn set(&mut self, included_cents: u64, purchased_cents: u64) {
        let before = self.balance_cents();
        self.included_cents = included_cents;
        self.purchased_cents = purchased_cents;
        self.granted_cents = self.granted_cents.saturating_add(self.balance_cents()).saturating_sub(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credits(included_cents: u64, purchased_cents: u64) -> Credits {
        let mut credits = Credits { allowance_cents: 100, ..Credits::default() };
        credits.set(included_cents, purchased_cents);
        credits
    }

    #[test]
    fn included_credits_are_charged_first() {
        let mut credits = credits(30, 50);
        for (cents, included_cents, purchased_cents) in
            [(0, 0, 0), (30, 30, 0), (31, 30, 1), (80, 30, 50), (81, 30, 50)]
        {
            assert_eq!(credits.charge(cents), Charge { included_cents, purchased_cents }, "{cents}");
        }
        credits.take(credits.charge(31));
        assert_eq!((credits.included_cents, credits.purchased_cents, credits.charged_cents), (0, 49, 31));
        assert_eq!(credits.granted_cents, 80);
    }

    #[test]
    fn a_cycle_never_begins_below_what_holds_need() {
        for (purchased, held, renewed) in [(0, 0, 100), (0, 100, 100), (0, 140, 140), (60, 140, 100), (30, 140, 110)] {
            assert_eq!(credits(0, purchased).renewed_cents(held), renewed, "{purchased} purchased, {held} held");
        }
    }
}
