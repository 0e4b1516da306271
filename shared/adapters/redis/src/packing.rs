//! The words of one call of the script: its keys and arguments. The script reads what is written here.

use redis::Cmd;
use tidegate_agentping::{Limits, Slug, TeamId};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{Ask, Claim, ClaimKey, Fingerprint, Seed, Ticket};
use tidegate_kernel::{Month, Timestamp};

use crate::keys::{Place, TeamKeys};
use crate::operation::Operation;

/// The script's numbers are doubles: whole ones are exact up to here.
const MOST: u64 = (1 << 53) - 1;
const TOKEN_MICRO: u64 = 1_000_000;

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping {
    pub window_ms: u64,
    /// A team's rate, counts, agents and mark, after its last call.
    pub team_ttl_ms: u64,
    /// Whether times are as asked, and not the server's.
    pub asks_time: bool,
}

/// A call ready to be sent, by the script's hash or with the script itself.
pub(crate) struct Packed {
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

impl Packed {
    /// Packs operations of one team, for a clock that is moved by so much.
    pub fn new<'a>(
        prefix: &str,
        team: TeamId,
        keeping: Keeping,
        moved_ms: i64,
        operations: impl Iterator<Item = &'a Operation> + Clone,
    ) -> Self {
        let mut places: Vec<Place> = operations.clone().flat_map(Operation::claims).map(Place::of).collect();
        places.sort_unstable();
        places.dedup();
        let mut agents: Vec<&Slug> = operations.clone().flat_map(Operation::agents).collect();
        agents.sort_unstable();
        agents.dedup();

        let team_keys = TeamKeys::new(prefix, team);
        let mut keys = vec![team_keys.state()];
        let mut buckets = Words::default();
        for bucket in places.chunk_by(|one, two| one.bucket() == two.bucket()) {
            keys.push(team_keys.bucket(bucket[0].bucket()));
            buckets.size(bucket.len());
            buckets.uint::<6>(bucket[0].bucket().born_ms());
        }
        let mut header = Words::default();
        header.uint::<6>(keeping.window_ms);
        header.uint::<6>(keeping.team_ttl_ms);
        header.size(keys.len() - 1);
        header.size(agents.len());
        header.flag(keeping.asks_time);
        header.0.extend_from_slice(&moved_ms.to_be_bytes());

        let mut args = Vec::with_capacity(2 + places.len() + agents.len());
        args.extend([header.0, buckets.0]);
        args.extend(places.iter().map(|place| place.field().to_vec()));
        args.extend(agents.iter().map(|slug| [b"a", slug.as_str().as_bytes()].concat()));
        let slots = Slots { places: &places, agents: &agents };
        args.extend(operations.map(|operation| slots.pack(operation)));
        Packed { keys, args }
    }

    /// The command, `EVALSHA` with the script's hash or `EVAL` with its text.
    pub fn command(&self, eval: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(eval);
        command.arg(script).arg(self.keys.len());
        self.keys.iter().for_each(|key| _ = command.arg(key));
        self.args.iter().for_each(|arg| _ = command.arg(arg.as_slice()));
        command
    }
}

/// Where the operations find their claims and agents, numbered from 1.
struct Slots<'a> {
    places: &'a [Place],
    agents: &'a [&'a Slug],
}

impl Slots<'_> {
    fn claim(&self, key: ClaimKey) -> usize {
        // The list is made of the same operations: every key is in it.
        self.places.binary_search(&Place::of(key)).map_or(0, |at| at + 1)
    }

    /// 0 is no agent.
    fn agent(&self, slug: Option<&Slug>) -> usize {
        slug.and_then(|slug| self.agents.binary_search(&slug).ok()).map_or(0, |at| at + 1)
    }

    fn pack(&self, operation: &Operation) -> Vec<u8> {
        let mut words = Words::default();
        match operation {
            Operation::Admit(ask) => self.admit(&mut words, ask),
            Operation::Confirm(ticket) => {
                words.byte(b'c');
                words.size(self.agent(ticket.new_agent.as_ref()));
                self.held(&mut words, ticket);
            }
            Operation::Release(ticket) => {
                words.byte(b'r');
                words.size(self.agent(ticket.new_agent.as_ref()));
                words.uint::<4>(u64::from(ticket.units));
                words.month(ticket.month);
                words.time(ticket.admitted_at);
                self.held(&mut words, ticket);
            }
            Operation::Seed { seed, team_born, now } => {
                words.byte(b's');
                words.time(*now);
                words.time(*team_born);
                words.flag(seed.agents.is_empty() && seed.usage.is_none_or(|usage| usage.events == 0));
                self.seed(&mut words, seed);
            }
            Operation::Settle { settlement, now } => {
                words.byte(b't');
                words.time(*now);
                words.time(settlement.up_to);
                self.seed(&mut words, &settlement.seed);
            }
            Operation::Usage(month) => {
                words.byte(b'u');
                words.month(*month);
            }
            Operation::Agents => words.byte(b'n'),
            Operation::Forget(slug) => {
                words.byte(b'f');
                words.size(self.agent(Some(slug)));
            }
        }
        words.0
    }

    fn admit(&self, words: &mut Words, ask: &Ask) {
        words.byte(b'a');
        words.time(ask.now);
        words.month(Month::of(ask.now));
        let rate = rate(&ask.limits).filter(|_| ask.charge_rate);
        words.flag(rate.is_some());
        let (refill_milli_per_s, capacity_micro) = rate.unwrap_or_default();
        words.uint::<7>(refill_milli_per_s);
        words.uint::<7>(capacity_micro);
        words.option::<7>(ask.limits.hard_cap().map(|cap| cap.min(MOST)));
        let cap = ask.agent.as_ref().filter(|agent| agent.capped).and(ask.limits.agents);
        words.option::<4>(cap.map(u64::from));
        words.size(self.agent(ask.agent.as_ref().map(|agent| &agent.slug)));
        words.uint::<4>(u64::from(ask.unclaimed_units));
        words.size(ask.claims.len());
        words.size(ask.reads.len());
        ask.claims.iter().for_each(|claim| self.asked(words, claim));
        ask.reads.iter().for_each(|key| words.size(self.claim(*key)));
    }

    fn asked(&self, words: &mut Words, claim: &Claim) {
        words.size(self.claim(claim.key));
        words.fingerprint(claim.fingerprint);
        let (mode, seen_at) = match claim.on_unconfirmed {
            OnUnconfirmed::Report => (0, Timestamp::default()),
            OnUnconfirmed::Join => (1, Timestamp::default()),
            OnUnconfirmed::TakeOver { seen_renewed_at } => (2, seen_renewed_at),
        };
        words.byte(mode);
        words.time(seen_at);
        words.uint::<4>(u64::from(claim.units));
        words.size(claim.answer.len());
        words.0.extend_from_slice(&claim.answer);
    }

    fn held(&self, words: &mut Words, ticket: &Ticket) {
        words.size(ticket.held.len());
        for (key, fingerprint) in &ticket.held {
            words.size(self.claim(*key));
            words.fingerprint(*fingerprint);
        }
    }

    fn seed(&self, words: &mut Words, seed: &Seed) {
        words.flag(seed.usage.is_some());
        let usage = seed.usage.map(|usage| (usage.month, usage.events.min(MOST)));
        let (month, events) = usage.unwrap_or((Month::from_number(0), 0));
        words.month(month);
        words.uint::<7>(events);
        words.size(seed.agents.len());
        seed.agents.iter().for_each(|slug| words.size(self.agent(Some(slug))));
    }
}

/// How a team's bucket fills, in thousandths of a token per second, and its capacity in millionths of a token
/// (AgentPing: rate). Both are below 2^53, as the limits have 32 bits.
fn rate(limits: &Limits) -> Option<(u64, u64)> {
    let (sustained, burst) = (u64::from(limits.sustained_per_s?), u64::from(limits.burst?));
    Some(((sustained * 1_000).max(1), (burst * TOKEN_MICRO).max(TOKEN_MICRO)))
}

/// Big-endian fields, one after the other.
#[derive(Default)]
struct Words(Vec<u8>);

impl Words {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    /// The lowest `N` bytes: callers keep the value below what they hold.
    fn uint<const N: usize>(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes()[8 - N..]);
    }

    fn option<const N: usize>(&mut self, value: Option<u64>) {
        self.flag(value.is_some());
        self.uint::<N>(value.unwrap_or(0));
    }

    /// A count or a place in a list. What is in memory at once is never so many.
    fn size(&mut self, size: usize) {
        self.uint::<4>(u64::from(u32::try_from(size).unwrap_or(u32::MAX)));
    }

    /// 48 bits. Times before 1970 do not come from a working clock.
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

/// Milliseconds as the script takes them.
fn time_ms(time: Timestamp) -> u64 {
    const MOST_MS: u64 = (1 << 48) - 1;
    u64::try_from(time.as_millis()).unwrap_or(0).min(MOST_MS)
}
