//! Asks as front doors make them.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_agentping::{Limits, RunId, TeamId};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, GateDown, Seed, Ticket, Verdict,
};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, Ids, RandomIds, SystemClock};
use tidegate_redis::{RedisGate, RedisOptions};

pub fn now() -> Timestamp {
    SystemClock.now()
}

pub fn gate(options: &RedisOptions) -> RedisGate {
    RedisGate::connect(options.clone(), Arc::new(SystemClock)).unwrap()
}

/// A team that has been there for a while.
pub fn old_team() -> TeamId {
    (&RandomIds as &dyn Ids).mint(Region::Eu, now().plus_millis(-86_400_000))
}

pub fn new_team() -> TeamId {
    (&RandomIds as &dyn Ids).mint(Region::Eu, now())
}

pub fn run_born(at: Timestamp) -> RunId {
    (&RandomIds as &dyn Ids).mint(Region::Eu, at)
}

pub fn claim(run: RunId, content: u64) -> Claim {
    Claim {
        key: ClaimKey::Start(run),
        fingerprint: Fingerprint { main: content, detail: None },
        answer: Bytes::from_static(b"answer"),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    }
}

pub fn ask(team: TeamId, claims: Vec<Claim>) -> Ask {
    Ask {
        team,
        limits: Limits::default(),
        now: now(),
        steady: now(),
        applied_to: None,
        charge_rate: true,
        agent: None,
        claims,
        reads: Vec::new(),
        unclaimed_units: 0,
    }
}

/// Asks, and seeds first where the gate wants it, as admission does.
pub async fn ask_seeding(gate: &RedisGate, ask: Ask) -> Result<Verdict, GateDown> {
    match gate.admit(ask.clone()).await? {
        Verdict::NeedsSeed => {
            gate.seed(ask.team, Seed::default()).await?;
            gate.admit(ask).await
        }
        verdict => Ok(verdict),
    }
}

pub fn admitted(verdict: Verdict) -> (Vec<ClaimOutcome>, Ticket) {
    match verdict {
        Verdict::Admitted { claims, ticket, .. } => (claims, ticket),
        other => panic!("not admitted: {other:?}"),
    }
}

/// The one outcome of an ask with one claim.
pub fn outcome(verdict: Verdict) -> ClaimOutcome {
    match verdict {
        Verdict::Admitted { mut claims, .. } | Verdict::Blocked { mut claims, .. } => claims.remove(0),
        other => panic!("neither admitted nor held: {other:?}"),
    }
}

/// What the gate says at once, without waiting for anything; `None` if it would wait.
pub fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
