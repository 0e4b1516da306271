//! The claims of one team: small, in order of age, forgotten at the end of the window or when there are too many.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use tidegate_domain::{Region, Timestamp};

use super::keyed::Keyed;
use crate::{ClaimKey, Fingerprint};

/// How far ahead of ours a client's clock may be before an id's birth time is not believed.
const FUTURE_SLACK_MS: i64 = 120_000;
const KINDS: usize = 3;
const LANES: usize = KINDS * Region::ALL.len();

/// One team's claims, a lane for each kind and region, so that a key is 16 bytes.
#[derive(Default)]
pub(super) struct Claims {
    lanes: [Lane; LANES],
    count: usize,
    /// Ids born up to here may have been claimed and forgotten before their window was over.
    forgotten_to: Option<Timestamp>,
}

#[derive(Default)]
struct Lane {
    claims: HashMap<u128, Slim, Keyed>,
    /// What most claims of events do not have: an answer, or a second part of the fingerprint.
    extras: HashMap<u128, Extra, Keyed>,
    /// Ids in the order of their claims; halves, so that an entry is not padded.
    order: VecDeque<[u64; 2]>,
    /// No claim of this lane leaves its window before.
    none_ends_before: Timestamp,
}

/// The 16 bytes that every claim has: the main fingerprint, and packed: the time of claim or last renewal (48 bits),
/// whether there is an [`Extra`] (1 bit), how many hold it (15 bits; 0 is confirmed).
#[derive(Clone, Copy)]
struct Slim {
    main: u64,
    packed: u64,
}

#[derive(Clone, Default)]
struct Extra {
    detail: Option<u64>,
    answer: Bytes,
}

/// A claim as it stands.
pub(super) struct Found {
    pub fingerprint: Fingerprint,
    pub answer: Bytes,
    pub confirmed: bool,
    pub renewed_at: Timestamp,
}

impl Slim {
    const HOLDERS_MASK: u64 = 0x7fff;
    const EXTRA_BIT: u64 = 0x8000;

    fn new(main: u64, at: Timestamp, has_extra: bool) -> Self {
        Slim { main, packed: Self::time_bits(at) | if has_extra { Self::EXTRA_BIT } else { 0 } | 1 }
    }

    /// Times before 1970 do not come from a working clock.
    fn time_bits(at: Timestamp) -> u64 {
        u64::try_from(at.as_millis()).unwrap_or(0) << 16
    }

    fn at(self) -> Timestamp {
        // 48 bits always fit.
        Timestamp::from_millis((self.packed >> 16) as i64)
    }

    const fn holders(self) -> u64 {
        self.packed & Self::HOLDERS_MASK
    }

    const fn confirmed(self) -> bool {
        self.holders() == 0
    }

    const fn has_extra(self) -> bool {
        self.packed & Self::EXTRA_BIT != 0
    }

    /// A count that is full stays full: such a claim is never released, which is safe.
    fn set_holders(&mut self, holders: u64) {
        if self.holders() < Self::HOLDERS_MASK {
            self.packed = (self.packed & !Self::HOLDERS_MASK) | holders.min(Self::HOLDERS_MASK);
        }
    }

    fn confirm(&mut self) {
        self.packed &= !Self::HOLDERS_MASK;
    }

    /// A renewal always shows, even within one millisecond.
    fn renew(&mut self, now: Timestamp) {
        let at = now.max(self.at().plus_millis(1));
        self.packed = Self::time_bits(at) | (self.packed & 0xffff);
    }

    /// When the claim is forgotten. An id born ahead of its claim is kept until the id itself is old, when the store
    /// is asked anyway.
    fn ends_at(self, bits: u128, window_ms: i64) -> Timestamp {
        self.at().max(birth(bits)).plus_millis(window_ms)
    }
}

impl Claims {
    pub fn len(&self) -> usize {
        self.count
    }

    /// The claim on `key`, unless its window is over.
    pub fn find(&self, key: ClaimKey, now: Timestamp, window_ms: i64) -> Option<Found> {
        let (lane, bits) = place(key);
        let lane = &self.lanes[lane];
        let slim = *lane.claims.get(&bits)?;
        if slim.confirmed() && slim.ends_at(bits, window_ms) <= now {
            return None;
        }
        let extra =
            if slim.has_extra() { lane.extras.get(&bits).cloned().unwrap_or_default() } else { Extra::default() };
        Some(Found {
            fingerprint: Fingerprint { main: slim.main, detail: extra.detail },
            answer: extra.answer,
            confirmed: slim.confirmed(),
            renewed_at: slim.at(),
        })
    }

    /// The answer kept with a claim, confirmed or not.
    pub fn answer(&self, key: ClaimKey, now: Timestamp, window_ms: i64) -> Option<Bytes> {
        self.find(key, now, window_ms).map(|found| found.answer)
    }

    /// Whether an id without a claim may have had one that was forgotten.
    pub fn may_have_forgotten(&self, key: ClaimKey, now: Timestamp, window_ms: i64, since: Option<Timestamp>) -> bool {
        let born = key.birth();
        born <= now.plus_millis(-window_ms)
            || born > now.plus_millis(FUTURE_SLACK_MS)
            || since.is_some_and(|since| born < since)
            || self.forgotten_to.is_some_and(|to| born <= to)
    }

    /// Puts a claim with one holder, in the place of any that was there.
    pub fn put(&mut self, key: ClaimKey, fingerprint: Fingerprint, answer: Bytes, now: Timestamp) {
        let (lane, bits) = place(key);
        let lane = &mut self.lanes[lane];
        let has_extra = fingerprint.detail.is_some() || !answer.is_empty();
        let replaced = lane.claims.insert(bits, Slim::new(fingerprint.main, now, has_extra));
        if has_extra {
            lane.extras.insert(bits, Extra { detail: fingerprint.detail, answer });
        } else if replaced.is_some_and(Slim::has_extra) {
            lane.extras.remove(&bits);
        }
        if replaced.is_none() {
            self.count += 1;
            lane.order.push_back(halves(bits));
            lane.drop_stale_order();
        }
    }

    /// One more holder; the claim's age starts again.
    pub fn join(&mut self, key: ClaimKey, now: Timestamp) {
        let (lane, bits) = place(key);
        if let Some(slim) = self.lanes[lane].claims.get_mut(&bits) {
            slim.set_holders(slim.holders() + 1);
            slim.renew(now);
        }
    }

    pub fn confirm(&mut self, key: ClaimKey, held: Fingerprint) {
        if let Some(slim) = self.held(key, held) {
            slim.confirm();
        }
    }

    /// One holder less; without any the claim is gone.
    pub fn release(&mut self, key: ClaimKey, held: Fingerprint) {
        let Some(slim) = self.held(key, held) else { return };
        if slim.holders() > 1 {
            slim.set_holders(slim.holders() - 1);
            return;
        }
        let (lane, bits) = place(key);
        self.lanes[lane].remove(bits);
        self.count -= 1;
        if self.lanes[lane].order.back() == Some(&halves(bits)) {
            self.lanes[lane].order.pop_back();
        }
    }

    /// An unconfirmed claim, if it is still of the content that was held.
    fn held(&mut self, key: ClaimKey, held: Fingerprint) -> Option<&mut Slim> {
        let (lane, bits) = place(key);
        let lane = &mut self.lanes[lane];
        let slim = lane.claims.get_mut(&bits)?;
        let detail = if slim.has_extra() { lane.extras.get(&bits).and_then(|extra| extra.detail) } else { None };
        let same = Fingerprint { main: slim.main, detail }.matches(&held);
        (same && !slim.confirmed()).then_some(slim)
    }

    /// Forgets up to `limit` claims of each lane whose window is over.
    pub fn sweep(&mut self, now: Timestamp, window_ms: i64, limit: usize) -> usize {
        let forgotten = self.lanes.iter_mut().map(|lane| lane.sweep(now, window_ms, limit)).sum();
        self.count -= forgotten;
        forgotten
    }

    /// Forgets the oldest confirmed claim before its time, and notes up to which birth time ids are affected. An id
    /// born more than a window ahead is not noted: it would send every id of the team to the store.
    pub fn forget_oldest(&mut self, now: Timestamp, window_ms: i64) -> bool {
        let fronts = self.lanes.iter_mut().enumerate().filter_map(|(lane, claims)| Some((claims.oldest()?, lane)));
        let Some(((_, bits), lane)) = fronts.min() else { return false };
        self.lanes[lane].order.pop_front();
        self.lanes[lane].remove(bits);
        self.count -= 1;
        let born = birth(bits);
        if born <= now.plus_millis(window_ms) {
            self.forgotten_to = self.forgotten_to.max(Some(born));
        }
        true
    }
}

impl Lane {
    fn remove(&mut self, bits: u128) {
        if self.claims.remove(&bits).is_some_and(Slim::has_extra) {
            self.extras.remove(&bits);
        }
    }

    fn sweep(&mut self, now: Timestamp, window_ms: i64, limit: usize) -> usize {
        let mut forgotten = 0;
        if now < self.none_ends_before {
            return 0;
        }
        for _ in 0..limit {
            let Some(front) = self.order.front().copied() else { return forgotten };
            let bits = whole(front);
            match self.claims.get(&bits) {
                None => {
                    self.order.pop_front();
                }
                Some(slim) if slim.confirmed() && slim.ends_at(bits, window_ms) <= now => {
                    self.order.pop_front();
                    self.remove(bits);
                    forgotten += 1;
                }
                // Unconfirmed, or born ahead: it stays, and must not stand in the way of those behind it.
                Some(slim) if slim.at().plus_millis(window_ms) <= now => self.order.rotate_left(1),
                // Claimed again since it took this place: those behind it are older.
                Some(slim) if self.second().is_some_and(|second| second.at() < slim.at()) => self.order.rotate_left(1),
                Some(slim) => {
                    self.none_ends_before = slim.at().plus_millis(window_ms);
                    return forgotten;
                }
            }
        }
        forgotten
    }

    fn second(&self) -> Option<&Slim> {
        self.order.get(1).and_then(|second| self.claims.get(&whole(*second)))
    }

    /// The oldest confirmed claim, brought to the front; unconfirmed ones move behind. Gives up after some tries.
    fn oldest(&mut self) -> Option<(Timestamp, u128)> {
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
    fn drop_stale_order(&mut self) {
        const ALLOWANCE: usize = 1_024;
        if self.order.len() > 2 * self.claims.len() + ALLOWANCE {
            let mut seen = std::collections::HashSet::with_capacity(self.claims.len());
            let claims = &self.claims;
            self.order.retain(|half| claims.contains_key(&whole(*half)) && seen.insert(*half));
        }
    }
}

fn place(key: ClaimKey) -> (usize, u128) {
    let (kind, region, bits) = match key {
        ClaimKey::Start(run) => (0, run.region(), run.bits()),
        ClaimKey::Finish(run) => (1, run.region(), run.bits()),
        ClaimKey::Event(event) => (2, event.region(), event.bits()),
    };
    (kind + KINDS * region as usize, bits)
}

const fn birth(bits: u128) -> Timestamp {
    // 48 bits always fit.
    Timestamp::from_millis((bits >> 80) as i64)
}

const fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

const fn whole(halves: [u64; 2]) -> u128 {
    ((halves[0] as u128) << 64) | halves[1] as u128
}
