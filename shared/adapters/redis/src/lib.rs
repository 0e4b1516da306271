//! The gate on Redis: one atomic script per call, coalesced per team. The only room that knows redis.
//!
//! # What stands where
//!
//! Every key of a team carries the team as its hash tag, so a call of the script touches one slot of a cluster and
//! names all its keys. Every key ends by itself:
//!
//! | key | holds | ends |
//! | --- | --- | --- |
//! | `<prefix>:{<team>}:t`, a hash | the mark since when the team is remembered, the rate bucket, the counts of three months, the units that may be on the log, the agents | 32 days after the team's last call (or two windows, if that is longer); the team is then to be seeded again |
//! | `<prefix>:{<team>}:<kind><birth>`, a hash | the claims on ids of one kind born in the same 256 ms: `s`tarts, `f`inishes, `e`vents (capitals: region us) | a window and 15 minutes after its youngest claim, or after the birth of ids born up to seven windows ahead; ids born further ahead always ask the store |
//! | `<prefix>:probe` | nothing: written to see whether the server takes writes | 60 s |
//!
//! A bucket takes 65,536 claims. Beyond that the gate remembers no more of its ids and leaves them to the store
//! ([`StoreRead::Needed`](tidegate_agentping_ports::StoreRead)), as it does with ids born before the mark.
//!
//! # Time
//!
//! The script goes by Redis' own clock, so front doors' clocks may differ by any amount: rates, ages of claims and the
//! mark are the same whoever asks. Where Redis' clock steps forward, or a replica with another clock takes over, each
//! team may gain one burst at most; where it steps back, by more than a minute, a bucket goes on from the new time.
//! Months are the front doors'.
//!
//! # Giving back
//!
//! A front door that dies between claiming and appending leaves units and the name of a new agent behind. They are
//! settled when a team would be refused for them: the front door reads what the store has, after everything up to a time
//! is applied, and the script gives back what was taken until then and is not stored
//! ([`Gate::settle`](tidegate_agentping_ports::Gate::settle)). Names carry the second in which they were last used. Of units there
//! are two high-water marks, so nothing is given back while consumers are more than 30 to 60 s behind.
//!
//! # The mark
//!
//! A team that Redis does not know (first use, a flush, a restart without its data, 32 idle days) is to be seeded;
//! the first seed sets the mark two minutes ahead of now, which is how far clients' clocks may be ahead. Only a team
//! minted within the last minute, of which the store knows nothing, gets no mark: there was nothing to forget. What
//! the mark cannot see is a *part* of the data that is lost: a failover to a replica that was behind, or a restart
//! from an older snapshot. Then repeats and conflicts of those moments are accepted instead, and the fold in front of
//! the store still keeps the data right.
//!
//! # Running Redis for it
//!
//! - `maxmemory-policy noeviction`: evicted claims are forgotten without a mark. A full server is a gate that is
//!   down, which costs no data; the gate warns of another policy when it connects.
//! - Persistence is a matter of taste: without any, a restart costs one seed per team and two minutes of look-ups.
//! - Memory per claim, measured on Redis 7.0: an event's claim 36 to 47 bytes while its bucket has at most 128 claims
//!   (500 events a second of one team), 91 bytes beyond; `hash-max-listpack-entries 1024` moves that line up. A
//!   start's claim with a 50-byte answer 135 to 165 bytes, and 410 where hardly two start in the same 256 ms.
//! - The script was tried on Redis 7.0, alone and as a cluster; it uses no command newer than Redis 5.
//!
//! - A longer claim window holds for what is claimed from then on; until the old window is over, ids that are older
//!   than it and younger than the new one may be accepted twice instead of repeated.
//!
//! # Failing
//!
//! Every wait has an end. A call that finds no answer in time gives its connection up, and from then on the gate is
//! *known* to be down: questions fail at once until a new connection has had a write answered. It connects again by
//! itself, from 20 ms to 1 s apart. Errors that a server answers (`OOM`, `MISCONF`, `LOADING`) go on in
//! [`GateDown`](tidegate_agentping_ports::GateDown) in its own words; urls and passwords never do.
//!
//! # Numbers
//!
//! See [`metrics`].

mod answers;
mod connection;
mod failure;
mod gate;
mod keys;
mod lanes;
mod link;
pub mod metrics;
mod operation;
mod options;
mod packing;

pub use gate::RedisGate;
pub use metrics::METRICS;
pub use options::{GateTime, RedisGateError, RedisOptions};
