//! Parses the script's reply to one operation.

use bytes::{Buf, Bytes};
use tidegate_agentping_ports::{Ask, ClaimOutcome, Refused, StoreRead, Ticket, Verdict};
use tidegate_kernel::{Month, Timestamp};

/// A reply that the script cannot give: another program writes under our keys, or the script is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the script's answer cannot be read at its part '{0}'")]
pub(crate) struct Unreadable(&'static str);

/// The verdict on `ask`.
pub(crate) fn verdict(ask: &Ask, answer: Vec<u8>) -> Result<Verdict, Unreadable> {
    let mut reply = Reply(Bytes::from(answer));
    match reply.byte("verdict")? {
        b'S' => Ok(Verdict::NeedsSeed),
        b'R' => Ok(Verdict::Refused(Refused::Rate { retry_after_s: reply.uint("wait", 4)? })),
        b'Q' => Ok(Verdict::Refused(Refused::Quota { used: reply.uint("used", 7)?, at: reply.time()? })),
        b'C' => Ok(Verdict::Refused(Refused::AgentCap { cap: reply.uint32("cap")?, at: reply.time()? })),
        b'H' => {
            let (claims, reads) = reply.outcomes(ask)?;
            Ok(Verdict::Blocked { claims, reads })
        }
        b'A' => {
            let units = reply.uint32("units")?;
            let holds_agent = reply.byte("agent")? == 1;
            let admitted_at = reply.time()?;
            let (claims, reads) = reply.outcomes(ask)?;
            let new_agent = ask.agent.as_ref().filter(|_| holds_agent).map(|agent| agent.slug.clone());
            let held = ask
                .claims
                .iter()
                .zip(&claims)
                .filter(|(_, outcome)| matches!(outcome, ClaimOutcome::New { .. } | ClaimOutcome::Joined { .. }))
                .map(|(claim, _)| (claim.key, claim.fingerprint))
                .collect();
            let ticket = Ticket { team: ask.team, held, units, month: Month::of(ask.now), new_agent, admitted_at };
            Ok(Verdict::Admitted { claims, reads, ticket })
        }
        _ => Err(Unreadable("verdict")),
    }
}

/// A count of a month's events or of agents; `None` for a team that Redis does not know.
pub(crate) fn count(answer: Vec<u8>) -> Result<Option<u64>, Unreadable> {
    let mut reply = Reply(Bytes::from(answer));
    match reply.byte("count")? {
        b'-' => Ok(None),
        b'u' => reply.uint("counted", 7).map(Some),
        _ => Err(Unreadable("count")),
    }
}

type Outcomes = (Vec<ClaimOutcome>, Vec<Option<Bytes>>);

struct Reply(Bytes);

impl Reply {
    fn outcomes(&mut self, ask: &Ask) -> Result<Outcomes, Unreadable> {
        let claims = ask.claims.iter().map(|_| self.outcome()).collect::<Result<_, _>>()?;
        let reads = ask.reads.iter().map(|_| self.read()).collect::<Result<_, _>>()?;
        Ok((claims, reads))
    }

    fn outcome(&mut self) -> Result<ClaimOutcome, Unreadable> {
        Ok(match self.byte("outcome")? {
            b'n' => ClaimOutcome::New { store: self.store_read()? },
            b'j' => {
                let store = self.store_read()?;
                ClaimOutcome::Joined { answer: self.text()?, store }
            }
            b'r' => ClaimOutcome::Repeat { answer: self.text()? },
            b'c' => ClaimOutcome::Conflict { answer: self.text()? },
            kind @ (b'u' | b'U') => {
                let (renewed_at, age_ms) = (self.time()?, self.uint("age", 6)?);
                ClaimOutcome::Unconfirmed { same_content: kind == b'u', answer: self.text()?, renewed_at, age_ms }
            }
            _ => return Err(Unreadable("outcome")),
        })
    }

    fn read(&mut self) -> Result<Option<Bytes>, Unreadable> {
        match self.byte("read")? {
            b'-' => Ok(None),
            b'p' => self.text().map(Some),
            _ => Err(Unreadable("read")),
        }
    }

    fn store_read(&mut self) -> Result<StoreRead, Unreadable> {
        match self.byte("store")? {
            0 => Ok(StoreRead::NotNeeded),
            1 => Ok(StoreRead::Wanted),
            2 => Ok(StoreRead::Needed),
            _ => Err(Unreadable("store")),
        }
    }

    fn time(&mut self) -> Result<Timestamp, Unreadable> {
        // 48 bits always fit.
        Ok(Timestamp::from_millis(self.uint("time", 6)? as i64))
    }

    fn byte(&mut self, part: &'static str) -> Result<u8, Unreadable> {
        self.0.try_get_u8().map_err(|_| Unreadable(part))
    }

    fn uint(&mut self, part: &'static str, bytes: usize) -> Result<u64, Unreadable> {
        self.0.try_get_uint(bytes).map_err(|_| Unreadable(part))
    }

    fn uint32(&mut self, part: &'static str) -> Result<u32, Unreadable> {
        self.0.try_get_u32().map_err(|_| Unreadable(part))
    }

    /// A text of the reply, copied so that a short text does not keep the whole reply in memory.
    fn text(&mut self) -> Result<Bytes, Unreadable> {
        let length = self.uint32("length")? as usize;
        if self.0.len() < length {
            return Err(Unreadable("text"));
        }
        Ok(Bytes::copy_from_slice(&self.0.split_to(length)))
    }
}
