//! The claims of one team: small, in order of age, forgotten at the end of the window or when there are too many.

use bytes::Bytes;
use tidegate_agentping_ports::{ClaimKey, Fingerprint, StoreRead};
use tidegate_kernel::{Region, Timestamp};

use super::lane::{CLAIM_BYTES, Extra, FUTURE_SLACK_MS, Lane, Slim, birth, halves};
use super::moment::Moment;

const KINDS: usize = 3;
const LANES: usize = KINDS * Region::ALL.len();

/// One team's claims, a lane for each kind and region, so that a key is 16 bytes.
#[derive(Default)]
pub(super) struct Claims {
    lanes: [Lane; LANES],
    count: usize,
    bytes: usize,
}

/// The state of a claim.
pub(super) struct Found {
    pub fingerprint: Fingerprint,
    pub answer: Bytes,
    pub confirmed: bool,
    pub renewed_at: Timestamp,
}

impl Claims {
    pub fn len(&self) -> usize {
        self.count
    }

    /// At most so much memory is taken by them.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The claim on `key`, unless its window is over.
    pub fn find(&self, key: ClaimKey, now: Moment, window_ms: i64) -> Option<Found> {
        let (lane, bits) = place(key);
        let lane = &self.lanes[lane];
        let slim = *lane.claims.get(&bits)?;
        if slim.confirmed() && slim.is_over(bits, now, window_ms) {
            return None;
        }
        let extra =
            if slim.has_extra() { lane.extras.get(&bits).cloned().unwrap_or_default() } else { Extra::default() };
        Some(Found {
            fingerprint: Fingerprint { main: slim.main, detail: extra.detail },
            answer: extra.answer.into_vec().into(),
            confirmed: slim.confirmed(),
            renewed_at: slim.at(),
        })
    }

    /// The answer kept with a claim, confirmed or not.
    pub fn answer(&self, key: ClaimKey, now: Moment, window_ms: i64) -> Option<Bytes> {
        self.find(key, now, window_ms).map(|found| found.answer)
    }

    /// Whether an id without a claim may have had one that was forgotten.
    pub fn forgotten(&self, key: ClaimKey, now: Moment, window_ms: i64, since: Option<Timestamp>) -> StoreRead {
        let (born, lane) = (key.birth(), &self.lanes[place(key).0]);
        let early = lane.forgotten_to.is_some_and(|to| born <= to)
            || lane.forgotten_ahead.is_some_and(|(from, to)| from <= born && born <= to);
        if early || born > now.wall.plus_millis(FUTURE_SLACK_MS) {
            return StoreRead::Needed;
        }
        Claims::out_of_memory(key, now, window_ms, since)
    }

    /// Whether an id is older than the window or than the gate's memory.
    pub fn out_of_memory(key: ClaimKey, now: Moment, window_ms: i64, since: Option<Timestamp>) -> StoreRead {
        let born = key.birth();
        if born <= now.wall.plus_millis(-window_ms) {
            StoreRead::Needed
        } else if since.is_some_and(|since| born < since) {
            StoreRead::Wanted
        } else {
            StoreRead::NotNeeded
        }
    }

    /// Puts a claim with one holder, in the place of any that was there.
    pub fn put(&mut self, key: ClaimKey, fingerprint: Fingerprint, answer: Bytes, now: Timestamp) {
        let (lane, bits) = place(key);
        let lane = &mut self.lanes[lane];
        let has_extra = fingerprint.detail.is_some() || !answer.is_empty();
        let replaced = lane.claims.insert(bits, Slim::new(fingerprint.main, now, has_extra));
        let mut replaced_extra = None;
        if has_extra {
            let extra = Extra { detail: fingerprint.detail, answer: Vec::from(answer).into_boxed_slice() };
            self.bytes += extra.bytes();
            replaced_extra = lane.extras.insert(bits, extra);
        } else if replaced.is_some_and(Slim::has_extra) {
            replaced_extra = lane.extras.remove(&bits);
        }
        self.bytes -= replaced_extra.map_or(0, |extra| extra.bytes());
        if replaced.is_none() {
            self.count += 1;
            self.bytes += CLAIM_BYTES;
            lane.order.push_back(halves(bits));
            lane.drop_stale_order();
        }
    }

    /// One more holder; the claim's age starts again. Returns when it was claimed or joined before.
    pub fn join(&mut self, key: ClaimKey, now: Timestamp) -> Option<Timestamp> {
        let (lane, bits) = place(key);
        let slim = self.lanes[lane].claims.get_mut(&bits)?;
        let before = slim.at();
        slim.set_holders(slim.holders() + 1);
        slim.renew(now);
        Some(before)
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
        self.bytes -= self.lanes[lane].remove(bits);
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
    pub fn sweep(&mut self, now: Moment, window_ms: i64, limit: usize) {
        for lane in &mut self.lanes {
            let (forgotten, bytes) = lane.sweep(now, window_ms, limit);
            self.count -= forgotten;
            self.bytes -= bytes;
        }
    }

    /// Forgets the oldest confirmed claim before its time, if it was made no later than `applied_to`, and notes which
    /// ids are affected by their time of birth.
    pub fn forget_oldest(&mut self, now: Moment, applied_to: Timestamp) -> bool {
        let fronts = self.lanes.iter_mut().enumerate().filter_map(|(lane, claims)| Some((claims.oldest()?, lane)));
        let Some(((at, bits), lane)) = fronts.min() else { return false };
        if at > applied_to {
            return false;
        }
        let lane = &mut self.lanes[lane];
        lane.order.pop_front();
        self.bytes -= lane.remove(bits);
        self.count -= 1;
        lane.note_forgotten(birth(bits), now);
        lane.shrink();
        true
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
