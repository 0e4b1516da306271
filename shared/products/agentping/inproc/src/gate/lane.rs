//! The claims on ids of one kind and region: 16 bytes each, their answers apart, in the order in which they were made.

use std::collections::{HashMap, VecDeque};

use tidegate_kernel::Timestamp;

use super::keyed::Keyed;
use super::moment::Moment;

/// How far ahead of ours a client's clock may be before an id's birth time is not believed.
pub(super) const FUTURE_SLACK_MS: i64 = 120_000;
/// What a claim takes at most, in bytes: its slot in a map that is less than half full (33 bytes by 16/7) and its place
/// in an order that has just doubled.
pub(super) const CLAIM_BYTES: usize = 112;
/// The same of an [`Extra`], and what the allocator adds to an answer.
const EXTRA_BYTES: usize = 136;
/// Maps that once held more than four times as much give their memory back.
const SHRINK_BELOW: usize = 4;
const SHRINK_ALLOWANCE: usize = 1_024;

/// Claims of one kind.
#[derive(Default)]
pub(super) struct Lane {
    pub claims: HashMap<u128, Slim, Keyed>,
    /// What most claims of events do not have: an answer, or a second part of the fingerprint.
    pub extras: HashMap<u128, Extra, Keyed>,
    /// Ids in the order of their claims; halves, so that an entry is not padded.
    pub order: VecDeque<[u64; 2]>,
    /// No claim of this lane leaves its window before.
    none_ends_before: Timestamp,
    /// Ids born up to here may have been claimed and forgotten before their window was over.
    pub forgotten_to: Option<Timestamp>,
    /// The same of ids that were born ahead: from the first to the last of them.
    pub forgotten_ahead: Option<(Timestamp, Timestamp)>,
}

/// The 16 bytes that every claim has: the main fingerprint, and packed: the time of claim or last renewal (48 bits),
/// whether there is an [`Extra`] (1 bit), how many hold it (15 bits; 0 is confirmed).
#[derive(Clone, Copy)]
pub(super) struct Slim {
    pub main: u64,
    packed: u64,
}

/// What comes with some claims.
#[derive(Clone, Default)]
pub(super) struct Extra {
    pub detail: Option<u64>,
    pub answer: Box<[u8]>,
}

impl Extra {
    pub const fn bytes(&self) -> usize {
        EXTRA_BYTES + self.answer.len()
    }
}

impl Slim {
    const HOLDERS_MASK: u64 = 0x7fff;
    const EXTRA_BIT: u64 = 0x8000;

    pub fn new(main: u64, at: Timestamp, has_extra: bool) -> Self {
        Slim { main, packed: Self::time_bits(at) | if has_extra { Self::EXTRA_BIT } else { 0 } | 1 }
    }

    /// Times before 1970 do not come from a working clock.
    fn time_bits(at: Timestamp) -> u64 {
        u64::try_from(at.as_millis()).unwrap_or(0) << 16
    }

    pub fn at(self) -> Timestamp {
        // 48 bits always fit.
        Timestamp::from_millis((self.packed >> 16) as i64)
    }

    pub const fn holders(self) -> u64 {
        self.packed & Self::HOLDERS_MASK
    }

    pub const fn confirmed(self) -> bool {
        self.holders() == 0
    }

    pub const fn has_extra(self) -> bool {
        self.packed & Self::EXTRA_BIT != 0
    }

    /// A count that is full stays full: such a claim is never released, which is safe.
    pub fn set_holders(&mut self, holders: u64) {
        if self.holders() < Self::HOLDERS_MASK {
            self.packed = (self.packed & !Self::HOLDERS_MASK) | holders.min(Self::HOLDERS_MASK);
        }
    }

    pub fn confirm(&mut self) {
        self.packed &= !Self::HOLDERS_MASK;
    }

    /// A renewal always shows, even within one millisecond.
    pub fn renew(&mut self, now: Timestamp) {
        let at = now.max(self.at().plus_millis(1));
        self.packed = Self::time_bits(at) | (self.packed & 0xffff);
    }

    /// Whether the claim is forgotten. An id born ahead of its claim is kept until the id itself is old, when the store
    /// is asked anyway.
    pub fn is_over(self, bits: u128, now: Moment, window_ms: i64) -> bool {
        self.at().plus_millis(window_ms) <= now.steady && birth(bits).plus_millis(window_ms) <= now.wall
    }
}

impl Lane {
    /// The bytes that this gives back.
    pub fn remove(&mut self, bits: u128) -> usize {
        let Some(slim) = self.claims.remove(&bits) else { return 0 };
        let extra = if slim.has_extra() { self.extras.remove(&bits) } else { None };
        CLAIM_BYTES + extra.map_or(0, |extra| extra.bytes())
    }

    /// Ids born ahead have a note of their own: in the other one they would send every id of today to the store.
    pub fn note_forgotten(&mut self, born: Timestamp, now: Moment) {
        if born <= now.wall.plus_millis(FUTURE_SLACK_MS) {
            self.forgotten_to = self.forgotten_to.max(Some(born));
        } else {
            let (from, to) = self.forgotten_ahead.unwrap_or((born, born));
            self.forgotten_ahead = Some((from.min(born), to.max(born)));
        }
    }

    pub fn shrink(&mut self) {
        let most = |len: usize| SHRINK_BELOW * len + SHRINK_ALLOWANCE;
        if self.claims.capacity() > most(self.claims.len()) {
            self.claims.shrink_to(2 * self.claims.len());
            self.order.shrink_to(2 * self.order.len());
        }
        if self.extras.capacity() > most(self.extras.len()) {
            self.extras.shrink_to(2 * self.extras.len());
        }
    }

    /// Claims forgotten and their bytes.
    pub fn sweep(&mut self, now: Moment, window_ms: i64, limit: usize) -> (usize, usize) {
        let (mut forgotten, mut bytes) = (0, 0);
        if now.steady < self.none_ends_before {
            return (0, 0);
        }
        for _ in 0..limit {
            let Some(front) = self.order.front().copied() else { break };
            let bits = whole(front);
            match self.claims.get(&bits) {
                None => {
                    self.order.pop_front();
                }
                Some(slim) if slim.confirmed() && slim.is_over(bits, now, window_ms) => {
                    self.order.pop_front();
                    bytes += self.remove(bits);
                    forgotten += 1;
                }
                // Unconfirmed, or born ahead: it stays, and must not block those behind it.
                Some(slim) if slim.at().plus_millis(window_ms) <= now.steady => self.order.rotate_left(1),
                // Claimed again since it took this place: those behind it are older.
                Some(slim) if self.second().is_some_and(|second| second.at() < slim.at()) => self.order.rotate_left(1),
                Some(slim) => {
                    self.none_ends_before = slim.at().plus_millis(window_ms);
                    break;
                }
            }
        }
        if forgotten > 0 {
            self.shrink();
        }
        (forgotten, bytes)
    }

    fn second(&self) -> Option<&Slim> {
        self.order.get(1).and_then(|second| self.claims.get(&whole(*second)))
    }

    /// The oldest confirmed claim, brought to the front; unconfirmed ones move behind. Gives up after some tries.
    pub fn oldest(&mut self) -> Option<(Timestamp, u128)> {
        const TRIES: usize = 64;
        for _ in 0..TRIES.min(self.order.len()) {
            let bits = whole(*self.order.front()?);
            match self.claims.get(&bits) {
                None => {
                    self.order.pop_front();
                }
                Some(slim) if slim.confirmed() => return Some((slim.at(), bits)),
                Some(_) => self.order.rotate_left(1),
            }
        }
        None
    }

    /// Claims released out of order leave their places behind: cleared before these outnumber the claims.
    pub fn drop_stale_order(&mut self) {
        const ALLOWANCE: usize = 1_024;
        if self.order.len() > 2 * self.claims.len() + ALLOWANCE {
            let mut seen = std::collections::HashSet::with_capacity(self.claims.len());
            let claims = &self.claims;
            self.order.retain(|half| claims.contains_key(&whole(*half)) && seen.insert(*half));
        }
    }
}

pub(super) const fn birth(bits: u128) -> Timestamp {
    // 48 bits always fit.
    Timestamp::from_millis((bits >> 80) as i64)
}

pub(super) const fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

const fn whole(halves: [u64; 2]) -> u128 {
    ((halves[0] as u128) << 64) | halves[1] as u128
}
