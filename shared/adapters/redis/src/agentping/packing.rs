//! Encodes the keys and arguments of one call of the script.

use tidegate_agentping::{Limits, Slug, TeamId};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{Ask, Claim, ClaimKey, Fingerprint, Seed, Ticket};
use tidegate_kernel::{Month, Timestamp};

use super::keys::{ClaimAddress, TeamKeys};
use super::operation::Operation;
use crate::script::{Arguments, ScriptCall};

/// The largest integer that the script's numbers, which are doubles, represent exactly.
const MOST: u64 = (1 << 53) - 1;
const TOKEN_MICRO: u64 = 1_000_000;

/// The room that is made at once for an argument without its claims, and for each claim. A longer one makes its own.
const ARGUMENT_BYTES: usize = 48;
const CLAIM_BYTES: usize = 48;

/// Retention times in Redis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping {
    pub window_ms: u64,
    /// How long a team's state is kept after its last call.
    pub team_ttl_ms: u64,
    /// Whether the script uses the times in the requests instead of the server's clock.
    pub asks_time: bool,
}

/// Encodes operations of one team. `moved_ms`: milliseconds by which a test has moved the clock.
pub(crate) fn pack<'a>(
    prefix: &str,
    team: TeamId,
    keeping: Keeping,
    moved_ms: i64,
    operations: impl Iterator<Item = &'a Operation> + Clone,
) -> ScriptCall {
    let mut addresses: Vec<ClaimAddress> =
        operations.clone().flat_map(Operation::claims).map(ClaimAddress::of).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut agents: Vec<&Slug> = operations.clone().flat_map(Operation::agents).collect();
    agents.sort_unstable();
    agents.dedup();

    let team_keys = TeamKeys::new(prefix, team);
    let mut keys = vec![team_keys.state()];
    let mut buckets = Vec::new();
    for bucket in addresses.chunk_by(|one, two| one.bucket() == two.bucket()) {
        keys.push(team_keys.bucket(bucket[0].bucket()));
        let mut counted = ArgumentBytes(&mut buckets);
        counted.size(bucket.len());
        counted.uint::<6>(bucket[0].bucket().born_ms());
    }
    let count = 2 + addresses.len() + agents.len() + operations.clone().count();
    let mut args = Arguments::with_capacity(count, count * ARGUMENT_BYTES + addresses.len() * CLAIM_BYTES);
    args.push_with(|header| {
        let mut header = ArgumentBytes(header);
        header.uint::<6>(keeping.window_ms);
        header.uint::<6>(keeping.team_ttl_ms);
        header.size(keys.len() - 1);
        header.size(agents.len());
        header.flag(keeping.asks_time);
        header.0.extend_from_slice(&moved_ms.to_be_bytes());
    });
    args.push(&buckets);
    addresses.iter().for_each(|address| args.push(&address.field()));
    for slug in &agents {
        args.push_with(|agent| {
            agent.push(b'a');
            agent.extend_from_slice(slug.as_str().as_bytes());
        });
    }
    let slots = Slots { addresses: &addresses, agents: &agents };
    operations.for_each(|operation| args.push_with(|argument| slots.pack(ArgumentBytes(argument), operation)));
    ScriptCall { keys, args }
}

/// The numbers from 1 by which the operations refer to their claims and agents.
struct Slots<'a> {
    addresses: &'a [ClaimAddress],
    agents: &'a [&'a Slug],
}

impl Slots<'_> {
    fn claim(&self, key: ClaimKey) -> usize {
        // The list is built from the same operations, so every key is in it.
        self.addresses.binary_search(&ClaimAddress::of(key)).map_or(0, |at| at + 1)
    }

    /// The agent's number; 0 for no agent.
    fn agent(&self, slug: Option<&Slug>) -> usize {
        slug.and_then(|slug| self.agents.binary_search(&slug).ok()).map_or(0, |at| at + 1)
    }

    fn pack(&self, mut argument: ArgumentBytes<'_>, operation: &Operation) {
        match operation {
            Operation::Admit(ask) => self.admit(&mut argument, ask),
            Operation::Confirm(ticket) => {
                argument.byte(b'c');
                argument.size(self.agent(ticket.new_agent.as_ref()));
                self.held(&mut argument, ticket);
            }
            Operation::Release(ticket) => {
                argument.byte(b'r');
                argument.size(self.agent(ticket.new_agent.as_ref()));
                argument.uint::<4>(u64::from(ticket.units));
                argument.month(ticket.month);
                argument.time(ticket.admitted_at);
                self.held(&mut argument, ticket);
            }
            Operation::Seed { seed, team_born, now } => {
                argument.byte(b's');
                argument.time(*now);
                argument.time(*team_born);
                argument.flag(seed.agents.is_empty() && seed.usage.is_none_or(|usage| usage.events == 0));
                self.seed(&mut argument, seed);
            }
            Operation::Settle { settlement, now } => {
                argument.byte(b't');
                argument.time(*now);
                argument.time(settlement.up_to);
                self.seed(&mut argument, &settlement.seed);
            }
            Operation::Usage(month) => {
                argument.byte(b'u');
                argument.month(*month);
            }
            Operation::Agents => argument.byte(b'n'),
            Operation::Forget(slug) => {
                argument.byte(b'f');
                argument.size(self.agent(Some(slug)));
            }
        }
    }

    fn admit(&self, argument: &mut ArgumentBytes<'_>, ask: &Ask) {
        argument.byte(b'a');
        argument.time(ask.now);
        argument.month(Month::of(ask.now));
        let rate = rate(&ask.limits).filter(|_| ask.charge_rate);
        argument.flag(rate.is_some());
        let (refill_milli_per_s, capacity_micro) = rate.unwrap_or_default();
        argument.uint::<7>(refill_milli_per_s);
        argument.uint::<7>(capacity_micro);
        argument.option::<7>(ask.limits.hard_cap().map(|cap| cap.min(MOST)));
        let cap = ask.agent.as_ref().filter(|agent| agent.capped).and(ask.limits.agents);
        argument.option::<4>(cap.map(u64::from));
        argument.size(self.agent(ask.agent.as_ref().map(|agent| &agent.slug)));
        argument.uint::<4>(u64::from(ask.unclaimed_units));
        argument.size(ask.claims.len());
        argument.size(ask.reads.len());
        ask.claims.iter().for_each(|claim| self.asked(argument, claim));
        ask.reads.iter().for_each(|key| argument.size(self.claim(*key)));
    }

    fn asked(&self, argument: &mut ArgumentBytes<'_>, claim: &Claim) {
        argument.size(self.claim(claim.key));
        argument.fingerprint(claim.fingerprint);
        let (mode, seen_at) = match claim.on_unconfirmed {
            OnUnconfirmed::Report => (0, Timestamp::default()),
            OnUnconfirmed::Join => (1, Timestamp::default()),
            OnUnconfirmed::TakeOver { seen_renewed_at } => (2, seen_renewed_at),
        };
        argument.byte(mode);
        argument.time(seen_at);
        argument.uint::<4>(u64::from(claim.units));
        argument.size(claim.answer.len());
        argument.0.extend_from_slice(&claim.answer);
    }

    fn held(&self, argument: &mut ArgumentBytes<'_>, ticket: &Ticket) {
        argument.size(ticket.held.len());
        for (key, fingerprint) in &ticket.held {
            argument.size(self.claim(*key));
            argument.fingerprint(*fingerprint);
        }
    }

    fn seed(&self, argument: &mut ArgumentBytes<'_>, seed: &Seed) {
        argument.flag(seed.usage.is_some());
        let usage = seed.usage.map(|usage| (usage.month, usage.events.min(MOST)));
        let (month, events) = usage.unwrap_or((Month::from_number(0), 0));
        argument.month(month);
        argument.uint::<7>(events);
        argument.size(seed.agents.len());
        seed.agents.iter().for_each(|slug| argument.size(self.agent(Some(slug))));
    }
}

/// The refill of a team's rate bucket in thousandths of a token per second, and its capacity in millionths of a token
/// (AgentPing: rate). Both are below 2^53, since the limits have 32 bits.
fn rate(limits: &Limits) -> Option<(u64, u64)> {
    let (sustained, burst) = (u64::from(limits.sustained_per_s?), u64::from(limits.burst?));
    Some(((sustained * 1_000).max(1), (burst * TOKEN_MICRO).max(TOKEN_MICRO)))
}

/// An argument: big-endian fields, one after another.
struct ArgumentBytes<'a>(&'a mut Vec<u8>);

impl ArgumentBytes<'_> {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    /// Appends the lowest `N` bytes. The value must fit in them.
    fn uint<const N: usize>(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes()[8 - N..]);
    }

    fn option<const N: usize>(&mut self, value: Option<u64>) {
        self.flag(value.is_some());
        self.uint::<N>(value.unwrap_or(0));
    }

    /// Appends a count or an index. A list in memory never exceeds its range.
    fn size(&mut self, size: usize) {
        self.uint::<4>(u64::from(u32::try_from(size).unwrap_or(u32::MAX)));
    }

    /// Appends 48 bits of milliseconds. A working clock gives no time before 1970.
    fn time(&mut self, time: Timestamp) {
        self.uint::<6>(time_ms(time));
    }

    fn month(&mut self, month: Month) {
        self.0.extend_from_slice(&month.number().to_be_bytes());
    }

    fn fingerprint(&mut self, fingerprint: Fingerprint) {
        self.uint::<8>(fingerprint.main);
        self.option::<8>(fingerprint.detail);
    }
}

/// Milliseconds since 1970, the script's unit of time.
fn time_ms(time: Timestamp) -> u64 {
    const MOST_MS: u64 = (1 << 48) - 1;
    u64::try_from(time.as_millis()).unwrap_or(0).min(MOST_MS)
}
