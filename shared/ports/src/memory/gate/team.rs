//! What the gate keeps of one team, and how it judges one request.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use tidegate_domain::{Month, Slug, Timestamp};

use super::MemoryGateConfig;
use super::bucket::{BucketRate, TokenBucket};
use super::claims::{Claims, Found};
use crate::gate::AgentAsk;
use crate::gate::OnUnconfirmed;
use crate::{Ask, Claim, ClaimOutcome, Refused, Seed, Ticket, Verdict};

pub(super) struct Team {
    bucket: Option<TokenBucket>,
    usage: Counts,
    agents: HashMap<Slug, Naming>,
    pub claims: Claims,
}

/// Events by month: the latest few months.
#[derive(Default)]
struct Counts(Vec<(Month, u64)>);

/// Who named an agent: a record on the log, or requests under way.
#[derive(Clone, Copy, Default)]
struct Naming {
    confirmed: bool,
    holders: u32,
}

impl Team {
    pub fn seeded(seed: Seed) -> Self {
        let mut team = Team {
            bucket: None,
            usage: Counts::default(),
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

    pub fn usage(&self, month: Month) -> u64 {
        self.usage.of(month)
    }

    /// Rate, quota, agent cap, claims, in this order.
    pub fn admit(&mut self, ask: Ask, config: &MemoryGateConfig) -> Verdict {
        let (now, month) = (ask.now, Month::of(ask.now));
        if let (true, Some(rate)) = (ask.charge_rate, BucketRate::of(&ask.limits)) {
            let bucket = self.bucket.get_or_insert(TokenBucket::full(now));
            if let Err(retry_after_s) = bucket.take(rate, now) {
                return Verdict::Refused(Refused::Rate { retry_after_s });
            }
        }
        let used = self.usage.of(month);
        if ask.limits.hard_cap().is_some_and(|cap| used >= cap) {
            return Verdict::Refused(Refused::Quota { used });
        }
        if let Some(cap) = self.no_room_for(ask.agent.as_ref(), ask.limits.agents) {
            return Verdict::Refused(Refused::AgentCap { cap });
        }
        let judge = |claim: &Claim| self.judge(claim, now, config);
        let claims: Vec<ClaimOutcome> = ask.claims.iter().map(judge).collect();
        let peeks: Vec<Option<Bytes>> =
            ask.peeks.iter().map(|key| self.claims.answer(*key, now, config.window_ms)).collect();
        if claims.iter().any(holds_up) {
            return Verdict::Held { claims, peeks };
        }
        let ticket = self.take(ask, &claims, month);
        Verdict::Admitted { claims, peeks, ticket }
    }

    /// The cap, if the slug would pass it.
    fn no_room_for(&self, asked: Option<&AgentAsk>, cap: Option<u32>) -> Option<u32> {
        let asked = asked.filter(|asked| asked.capped)?;
        cap.filter(|cap| self.agents.len() >= *cap as usize && !self.agents.contains_key(&asked.slug))
    }

    fn judge(&self, claim: &Claim, now: Timestamp, config: &MemoryGateConfig) -> ClaimOutcome {
        let Some(found) = self.claims.find(claim.key, now, config.window_ms) else {
            let since = config.remembers_since;
            let store_decides = self.claims.may_have_forgotten(claim.key, now, config.window_ms, since);
            return ClaimOutcome::New { store_decides };
        };
        let Found { fingerprint, answer, confirmed, renewed_at } = found;
        let same_content = fingerprint.matches(&claim.fingerprint);
        match (confirmed, same_content, claim.on_unconfirmed) {
            (true, true, _) => ClaimOutcome::Repeat { answer },
            (true, false, _) => ClaimOutcome::Conflict { answer },
            (false, true, OnUnconfirmed::Join) => ClaimOutcome::Joined { answer },
            // Who takes over has just asked the store.
            (false, _, OnUnconfirmed::TakeOver { seen_renewed_at }) if seen_renewed_at == renewed_at => {
                ClaimOutcome::New { store_decides: false }
            }
            (false, same_content, _) => ClaimOutcome::Unconfirmed { same_content, answer, renewed_at },
        }
    }

    /// Takes what was judged. Joining and taking over cost nothing: the claim's units were counted when it was made.
    fn take(&mut self, ask: Ask, outcomes: &[ClaimOutcome], month: Month) -> Ticket {
        let mut held = Vec::with_capacity(ask.claims.len());
        let mut units = ask.unclaimed_units;
        let none_asked = ask.claims.is_empty();
        for (claim, outcome) in ask.claims.into_iter().zip(outcomes) {
            match outcome {
                ClaimOutcome::New { .. } => {
                    held.push((claim.key, claim.fingerprint));
                    if !matches!(claim.on_unconfirmed, OnUnconfirmed::TakeOver { .. }) {
                        units += claim.units;
                    }
                    self.claims.put(claim.key, claim.fingerprint, claim.answer, ask.now);
                }
                ClaimOutcome::Joined { .. } => {
                    held.push((claim.key, claim.fingerprint));
                    self.claims.join(claim.key, ask.now);
                }
                _ => {}
            }
        }
        if units > 0 {
            *self.usage.of_mut(month) += u64::from(units);
        }
        let adds = !held.is_empty() || none_asked && units > 0;
        let new_agent = ask.agent.filter(|_| adds).and_then(|agent| self.name(agent.slug));
        Ticket { team: ask.team, held, units, month, new_agent }
    }

    /// The slug, if no record on the log names it yet.
    fn name(&mut self, slug: Slug) -> Option<Slug> {
        match self.agents.entry(slug) {
            Entry::Occupied(known) if known.get().confirmed => None,
            entry => {
                let slug = entry.key().clone();
                entry.or_default().holders += 1;
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
        if ticket.units > 0 {
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

/// Whether an outcome keeps its request from being admitted.
const fn holds_up(outcome: &ClaimOutcome) -> bool {
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
