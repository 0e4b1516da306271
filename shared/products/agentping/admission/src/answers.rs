//! What a claim remembers, so that a repeat is answered without the store: a few dozen bytes, opaque to the gate.
//!
//! The first byte is a version. An answer of another version reads as `None`, and the store is asked instead.

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_agentping::run::Run;
use tidegate_agentping::{FinishStatus, Slug};
use tidegate_kernel::{Timestamp, Usd};

const VERSION: u8 = 1;

/// How a run was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub agent: Slug,
    pub started_at: Timestamp,
    pub received_at: Timestamp,
    pub cost: Option<Usd>,
    /// It has an idle rule, so a repeated start counts as activity.
    pub idle: bool,
}

/// How a run was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub status: FinishStatus,
    pub finished_at: Timestamp,
    pub received_at: Timestamp,
    /// As given by the client.
    pub duration_ms: Option<u64>,
    pub cost: Option<Usd>,
    pub by_heartbeat: bool,
}

impl Opened {
    const IDLE: u8 = 1;
    const COST: u8 = 2;

    pub fn encode(&self) -> Bytes {
        let mut bytes =
            BytesMut::with_capacity(18 + if self.cost.is_some() { 8 } else { 0 } + self.agent.as_str().len());
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        bytes.put_u8(VERSION);
        bytes.put_u8(flag(self.idle, Self::IDLE) | flag(self.cost.is_some(), Self::COST));
        bytes.put_i64(self.started_at.as_millis());
        bytes.put_i64(self.received_at.as_millis());
        if let Some(cost) = self.cost {
            bytes.put_u64(cost.as_nanos());
        }
        bytes.put_slice(self.agent.as_str().as_bytes());
        bytes.freeze()
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (flags, mut rest) = open(bytes)?;
        let started_at = instant(&mut rest)?;
        let received_at = instant(&mut rest)?;
        let cost = if flags & Self::COST == 0 { None } else { Some(Usd::from_nanos(number(&mut rest)?)) };
        let agent = Slug::parse(std::str::from_utf8(rest).ok()?).ok()?;
        Some(Opened { agent, started_at, received_at, cost, idle: flags & Self::IDLE != 0 })
    }

    /// The same of a stored run.
    pub fn stored(run: &Run) -> Option<Self> {
        let opening = run.opening()?;
        Some(Opened {
            agent: opening.start.agent.clone(),
            started_at: opening.start.started_at,
            received_at: opening.received_at,
            cost: opening.reported.cost,
            idle: opening.start.idle.is_some(),
        })
    }
}

impl Closed {
    const DURATION: u8 = 1;
    const COST: u8 = 2;
    const BY_HEARTBEAT: u8 = 4;
    const STATUSES: [FinishStatus; 4] =
        [FinishStatus::Success, FinishStatus::Failed, FinishStatus::Timeout, FinishStatus::Cancelled];

    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(35);
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        bytes.put_u8(VERSION);
        bytes.put_u8(
            flag(self.duration_ms.is_some(), Self::DURATION)
                | flag(self.cost.is_some(), Self::COST)
                | flag(self.by_heartbeat, Self::BY_HEARTBEAT),
        );
        // Every status is in the list.
        bytes.put_u8(Self::STATUSES.iter().position(|status| *status == self.status).unwrap_or(0) as u8);
        bytes.put_i64(self.finished_at.as_millis());
        bytes.put_i64(self.received_at.as_millis());
        for figure in [self.duration_ms, self.cost.map(Usd::as_nanos)].into_iter().flatten() {
            bytes.put_u64(figure);
        }
        bytes.freeze()
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (flags, rest) = open(bytes)?;
        let (status, mut rest) = rest.split_first()?;
        let status = *Self::STATUSES.get(usize::from(*status))?;
        let finished_at = instant(&mut rest)?;
        let received_at = instant(&mut rest)?;
        let duration_ms = if flags & Self::DURATION == 0 { None } else { Some(number(&mut rest)?) };
        let cost = if flags & Self::COST == 0 { None } else { Some(Usd::from_nanos(number(&mut rest)?)) };
        let by_heartbeat = flags & Self::BY_HEARTBEAT != 0;
        Some(Closed { status, finished_at, received_at, duration_ms, cost, by_heartbeat })
    }

    /// The same of a stored run. The cost is what the closing reported, not the run's sum.
    pub fn stored(run: &Run) -> Option<Self> {
        let finish = run.finish.as_ref()?;
        Some(Closed {
            status: finish.status,
            finished_at: finish.finished_at,
            received_at: finish.received_at,
            duration_ms: finish.reported.duration_ms,
            cost: finish.reported.cost,
            by_heartbeat: false,
        })
    }
}

fn open(bytes: &[u8]) -> Option<(u8, &[u8])> {
    match bytes {
        [VERSION, flags, rest @ ..] => Some((*flags, rest)),
        _ => None,
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (eight, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*eight))
}

fn instant(rest: &mut &[u8]) -> Option<Timestamp> {
    number(rest).map(|bits| Timestamp::from_millis(bits as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_as_they_were_put_in() {
        for cost in [None, Some(Usd::from_nanos(84_000_000))] {
            for flag in [false, true] {
                let opened = Opened {
                    agent: Slug::parse("größe").unwrap(),
                    started_at: Timestamp::from_millis(-5),
                    received_at: Timestamp::from_millis(1_700_000_000_123),
                    cost,
                    idle: flag,
                };
                assert_eq!(Opened::decode(&opened.encode()), Some(opened));
                for status in Closed::STATUSES {
                    let closed = Closed {
                        status,
                        finished_at: Timestamp::from_millis(7),
                        received_at: Timestamp::from_millis(8),
                        duration_ms: flag.then_some(12_300),
                        cost,
                        by_heartbeat: flag,
                    };
                    assert_eq!(Closed::decode(&closed.encode()), Some(closed));
                }
            }
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_version_reads_as_nothing() {
        let opened = Opened {
            agent: Slug::parse("a").unwrap(),
            started_at: Timestamp::from_millis(1),
            received_at: Timestamp::from_millis(2),
            cost: Some(Usd::ZERO),
            idle: false,
        };
        let bytes = opened.encode();
        for end in 0..bytes.len() {
            assert_eq!(Opened::decode(&bytes[..end]), None, "{end} bytes");
        }
        let mut other = bytes.to_vec();
        other[0] = 2;
        assert_eq!(Opened::decode(&other), None);
        assert_eq!(Closed::decode(&[]), None);
    }
}
