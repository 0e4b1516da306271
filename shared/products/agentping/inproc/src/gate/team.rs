//! What the gate keeps of one team, and how it judges one request.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::gate::AgentAsk;
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{Ask, Claim, ClaimOutcome, Refused, Seed, Settlement, StoreRead, Ticket, Verdict};
use tidegate_kernel::{Month, Timestamp};

use super::MemoryGateConfig;
use super::bucket::{BucketRate, TokenBucket};
use super::claims::{Claims, Found};
use super::moment::Moment;
use super::stake::Stake;

pub(super) struct Team {
    bucket: Option<TokenBucket>,
    usage: Counts,
    stake: Stake,
    agents: HashMap<Slug, Naming>,
    pub claims: Claims,
}

/// Events by month: the latest few months.
#[derive(Default)]
struct Counts(Vec<(Month, u64)>);

/// Who named an agent: a record on the log, or requests in progress.
#[derive(Clone, Copy, Default)]
struct Naming {
    confirmed: bool,
    holders: u32,
    /// When a request named it last, rounded up to a second.
    named_at: Timestamp,
}

impl Team {
    pub fn seeded(seed: Seed) -> Self {
        let mut team = Team {
            bucket: None,
            usage: Counts::default(),
            stake: Stake::default(),
            agents: HashMap::with_capacity(seed.agents.len()),
            claims: Claims::default(),
        };
        team.seed(seed);
        team
    }

    pub fn seed(&mut self, seed: Seed) {
        if let Some(usage) = seed.usage {
            let counted = self.usage.of_mut(usage.month);
            *counted = (*counted).max(usage.events);
        }
        for slug in seed.agents {
            self.agents.entry(slug).or_default().confirmed = true;
        }
    }

    /// Gives back the names and units that were taken up to the settlement's time and are not stored.
    pub fn settle(&mut self, settlement: Settlement) {
        let Settlement { up_to, seed } = settlement;
        for slug in seed.agents {
            self.agents.entry(slug).or_default().confirmed = true;
        }
        self.agents.retain(|_, naming| naming.confirmed || naming.named_at > up_to);
        let (Some(usage), Some(since)) = (seed.usage, self.stake.since(up_to)) else { return };
        let counted = self.usage.of_mut(usage.month);
        *counted = (*counted).min(usage.events.saturating_add(since));
        self.stake.settle(up_to);
    }

    pub fn usage(&self, month: Month) -> u64 {
        self.usage.of(month)
    }

    /// How many agents take a slot.
    pub fn agents(&self) -> u64 {
        self.agents.len() as u64
    }

    /// Requests in progress that hold the agent may still confirm it; their releases find nothing.
    pub fn forget_agent(&mut self, slug: &Slug) {
        self.agents.remove(slug);
    }

    /// Rate, quota, agent cap, claims, in this order. With a full memory, nothing new is claimed.
    pub fn admit(&mut self, ask: Ask, config: &MemoryGateConfig, is_full: bool) -> Verdict {
        let (now, month) = (Moment::of(&ask), Month::of(ask.now));
        let at = ask.steady;
        if let (true, Some(rate)) = (ask.charge_rate, BucketRate::of(&ask.limits)) {
            let bucket = self.bucket.get_or_insert(TokenBucket::full(at));
            if let Err(retry_after_s) = bucket.take(rate, at) {
                return Verdict::Refused(Refused::Rate { retry_after_s });
            }
        }
        let used = self.usage.of(month);
        if ask.limits.hard_cap().is_some_and(|cap| used >= cap) {
            return Verdict::Refused(Refused::Quota { used, at });
        }
        if let Some(cap) = self.no_room_for(ask.agent.as_ref(), ask.limits.agents) {
            return Verdict::Refused(Refused::AgentCap { cap, at });
        }
        let judge = |claim: &Claim| self.judge(claim, now, config);
        let claims: Vec<ClaimOutcome> = ask.claims.iter().map(judge).collect();
        let reads: Vec<Option<Bytes>> =
            ask.reads.iter().map(|key| self.claims.answer(*key, now, config.window_ms)).collect();
        if claims.iter().any(blocks) {
            return Verdict::Blocked { claims, reads };
        }
        if is_full && claims.iter().any(|outcome| matches!(outcome, ClaimOutcome::New { .. })) {
            return Verdict::Refused(Refused::Full);
        }
        let ticket = self.take(ask, &claims, month, config);
        Verdict::Admitted { claims, reads, ticket }
    }

    /// The cap, if the slug would pass it.
    fn no_room_for(&self, asked: Option<&AgentAsk>, cap: Option<u32>) -> Option<u32> {
        let asked = asked.filter(|asked| asked.capped)?;
        cap.filter(|cap| self.agents.len() >= *cap as usize && !self.agents.contains_key(&asked.slug))
    }

    fn judge(&self, claim: &Claim, now: Moment, config: &MemoryGateConfig) -> ClaimOutcome {
        let (window_ms, since) = (config.window_ms, config.remembers_since);
        let Some(found) = self.claims.find(claim.key, now, window_ms) else {
            return ClaimOutcome::New { store: self.claims.forgotten(claim.key, now, window_ms, since) };
        };
        let Found { fingerprint, answer, confirmed, renewed_at } = found;
        let same_content = fingerprint.matches(&claim.fingerprint);
        match (confirmed, same_content, claim.on_unconfirmed) {
            (true, true, _) => ClaimOutcome::Repeat { answer },
            (true, false, _) => ClaimOutcome::Conflict { answer },
            (false, true, OnUnconfirmed::Join) => {
                ClaimOutcome::Joined { answer, store: Claims::out_of_memory(claim.key, now, window_ms, since) }
            }
            // Who takes over has just asked the store.
            (false, _, OnUnconfirmed::TakeOver { seen_renewed_at }) if seen_renewed_at == renewed_at => {
                ClaimOutcome::New { store: StoreRead::NotNeeded }
            }
            (false, same_content, _) => {
                let age_ms = now.steady.millis_since(renewed_at);
                ClaimOutcome::Unconfirmed { same_content, answer, renewed_at, age_ms }
            }
        }
    }

    /// Takes what was judged. Joining and taking over cost nothing: the claim's units were counted when it was made, and
    /// count again only where they were given back since.
    fn take(&mut self, ask: Ask, outcomes: &[ClaimOutcome], month: Month, config: &MemoryGateConfig) -> Ticket {
        let mut held = Vec::with_capacity(ask.claims.len());
        let (mut units, mut again) = (ask.unclaimed_units, 0);
        let (at, moment) = (ask.steady, Moment::of(&ask));
        let none_asked = ask.claims.is_empty();
        // As it is before any claim of this request is put.
        let taken_over = self.taken_over(&ask.claims, moment, config.window_ms);
        for (index, (claim, outcome)) in ask.claims.into_iter().zip(outcomes).enumerate() {
            match outcome {
                ClaimOutcome::New { .. } => {
                    held.push((claim.key, claim.fingerprint));
                    if taken_over.contains(&index) {
                        again += claim.units;
                    } else {
                        units += claim.units;
                    }
                    self.claims.put(claim.key, claim.fingerprint, claim.answer, at);
                }
                ClaimOutcome::Joined { .. } => {
                    held.push((claim.key, claim.fingerprint));
                    let before = self.claims.join(claim.key, at);
                    if before.is_some_and(|before| self.stake.is_settled(before)) {
                        units += claim.units;
                    } else {
                        again += claim.units;
                    }
                }
                _ => {}
            }
        }
        if units > 0 {
            *self.usage.of_mut(month) += u64::from(units);
        }
        self.stake.admit(u64::from(units) + u64::from(again), at);
        let adds = !held.is_empty() || none_asked && units > 0;
        let new_agent = ask.agent.filter(|_| adds).and_then(|agent| self.name(agent.slug, at));
        Ticket { team: ask.team, held, units, month, new_agent, admitted_at: at }
    }

    /// The claims, by their index, that take one over whose units are counted still. Hardly any request has one.
    fn taken_over(&self, claims: &[Claim], now: Moment, window_ms: i64) -> Vec<usize> {
        let counted = |claim: &Claim| {
            matches!(claim.on_unconfirmed, OnUnconfirmed::TakeOver { .. })
                && self
                    .claims
                    .find(claim.key, now, window_ms)
                    .is_some_and(|found| !self.stake.is_settled(found.renewed_at))
        };
        claims.iter().enumerate().filter(|(_, claim)| counted(claim)).map(|(index, _)| index).collect()
    }

    /// The slug, if no record on the log names it yet.
    fn name(&mut self, slug: Slug, at: Timestamp) -> Option<Slug> {
        match self.agents.entry(slug) {
            Entry::Occupied(known) if known.get().confirmed => None,
            entry => {
                let slug = entry.key().clone();
                let naming = entry.or_default();
                naming.holders += 1;
                naming.named_at = naming.named_at.max(next_second(at));
                Some(slug)
            }
        }
    }

    pub fn confirm(&mut self, ticket: Ticket) {
        for (key, fingerprint) in ticket.held {
            self.claims.confirm(key, fingerprint);
        }
        if let Some(slug) = ticket.new_agent {
            self.agents.entry(slug).or_default().confirmed = true;
        }
    }

    pub fn release(&mut self, ticket: Ticket) {
        for (key, fingerprint) in ticket.held {
            self.claims.release(key, fingerprint);
        }
        // What is settled is given back already.
        if ticket.units > 0 && !self.stake.is_settled(ticket.admitted_at) {
            let counted = self.usage.of_mut(ticket.month);
            *counted = counted.saturating_sub(u64::from(ticket.units));
        }
        if let Some(Entry::Occupied(mut named)) = ticket.new_agent.map(|slug| self.agents.entry(slug)) {
            let naming = named.get_mut();
            naming.holders = naming.holders.saturating_sub(1);
            if !naming.confirmed && naming.holders == 0 {
                named.remove();
            }
        }
    }
}

/// In every gate, seconds are enough to distinguish a name in use from an abandoned one.
const fn next_second(at: Timestamp) -> Timestamp {
    Timestamp::from_millis((at.as_millis() + 999).div_euclid(1_000) * 1_000)
}

/// Whether an outcome keeps its request from being admitted.
const fn blocks(outcome: &ClaimOutcome) -> bool {
    matches!(outcome, ClaimOutcome::Conflict { .. } | ClaimOutcome::Unconfirmed { .. })
}

impl Counts {
    const MONTHS: usize = 3;

    fn of(&self, month: Month) -> u64 {
        self.0.iter().find(|(counted, _)| *counted == month).map_or(0, |(_, events)| *events)
    }

    fn of_mut(&mut self, month: Month) -> &mut u64 {
        let at = match self.0.iter().position(|(counted, _)| *counted == month) {
            Some(at) => at,
            None => {
                if self.0.len() == Self::MONTHS {
                    let oldest = (0..Self::MONTHS).min_by_key(|at| self.0[*at].0).unwrap_or(0);
                    self.0.swap_remove(oldest);
                }
                self.0.push((month, 0));
                self.0.len() - 1
            }
        };
        &mut self.0[at].1
    }
}
