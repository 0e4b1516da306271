//! AgentPing's gate on Redis: one atomic script per call, coalesced per team.
//!
//! # Keys
//!
//! Every key of a team has the team as its hash tag, so a call of the script touches one slot of a cluster and names
//! all its keys. Every key expires:
//!
//! | key | holds | expires after |
//! | --- | --- | --- |
//! | `<prefix>:{<team>}:t`, a hash | the time since which the team is remembered, the rate bucket, the counts of three months, the units that may be on the log, the agents | 32 days after the team's last call (or two windows, if that is longer); the team is then to be seeded again |
//! | `<prefix>:{<team>}:<kind><birth>`, a hash | the claims on ids of one kind born in the same 256 ms: `s`tarts, `f`inishes, `e`vents (capitals: region us) | a window and 15 minutes after its youngest claim, or after the birth of ids born up to seven windows ahead; ids born further ahead always ask the store |
//! | `<prefix>:probe` | nothing: written to see whether the server takes writes | 60 s |
//!
//! A bucket holds 65,536 claims. Beyond that the gate stores no claims of its ids, and the front door must read the
//! store ([`StoreRead::Needed`](tidegate_agentping_ports::StoreRead)), as for ids born before the remembered-since
//! time.
//!
//! # Time
//!
//! The script uses Redis' own clock, so front doors' clocks may differ by any amount: rates, ages of claims and the
//! remembered-since time are the same for all of them. If Redis' clock steps forward, or a replica with another clock
//! takes over, each team may gain one burst at most; if it steps back by more than a minute, a rate bucket continues
//! from the new time. Months are computed by the front doors.
//!
//! # Settlement
//!
//! A front door that dies between claiming and appending leaves units and the name of a new agent behind. They are
//! settled when a team would be refused because of them: once everything up to a time is applied, the front door reads
//! the stored values, and the script returns what was taken until then and is not stored
//! ([`Gate::settle`](tidegate_agentping_ports::Gate::settle)). Each name has the second of its last use. Units have two
//! high-water marks, so nothing is returned while consumers are more than 30 to 60 s behind.
//!
//! # The remembered-since time
//!
//! A team that Redis does not know (first use, a flush, a restart without its data, 32 idle days) must be seeded. The
//! first seed sets the remembered-since time two minutes ahead of now, since clients' clocks may be ahead by that much.
//! A team created within the last minute that has nothing in the store gets none: it has no earlier claims. The time
//! does not detect the loss of a *part* of the data: a failover to a replica that was behind, or a restart from an
//! older snapshot. Then repeats and conflicts of that period are accepted, and the fold in front of the store still
//! keeps the data correct.
//!
//! # Running Redis for it
//!
//! - `maxmemory-policy noeviction`: the loss of evicted claims cannot be detected. With a full server the gate is down,
//!   which loses no data. The gate warns of another policy when it connects.
//! - Persistence is optional: without it, a restart costs one seed per team and two minutes of look-ups in the store.
//! - Memory per claim, measured on Redis 7.0: an event's claim 36 to 47 bytes while its bucket has at most 128 claims
//!   (500 events a second of one team), 91 bytes beyond; `hash-max-listpack-entries 1024` moves that line up. A
//!   start's claim with a 50-byte answer 135 to 165 bytes, and 410 where hardly two start in the same 256 ms.
//! - The script was tested on Redis 7.0, single and as a cluster; it uses no command newer than Redis 5.
//!
//! - A longer claim window applies to new claims. Until the old window has passed once, ids older than it and younger
//!   than the new one may be accepted twice instead of answered as repeats.

mod gate;
mod keys;
mod operation;
mod packing;
mod replies;
mod team_queues;

pub use gate::RedisGate;
