//! The ports of an API of commands, on a data folder of its own or on servers.

pub mod distributed;
pub mod embedded;

use std::sync::Arc;

use tidegate_agentgate::AgentGate;
use tidegate_commands::sealing::{DeploymentKey, Sealer};
use tidegate_decider::{DecidingPorts, Sending};
use tidegate_kernel::command::Decider;
use tidegate_ports::{
    Accounts, Append, Books, Clock, Consume, Deliveries, Due, Facts, Ids, OwnerKeys, ReadLag, ReadLog, Releases,
    RequestLimits, Views, Voids,
};

/// AgentGate's name in topics, groups, keyspaces, prefixes and folders.
pub const API: &str = AgentGate::API;

/// The ports that both the front door and the decider of an API use.
#[derive(Clone)]
pub struct CommandPorts {
    pub append: Arc<dyn Append>,
    pub facts: Arc<dyn Facts>,
    pub views: Arc<dyn Views>,
    pub accounts: Arc<dyn Accounts>,
    pub deliveries: Arc<dyn Deliveries>,
    /// How far the deciders are behind.
    pub lag: Arc<dyn ReadLag>,
    pub clock: Arc<dyn Clock>,
}

/// What a front door needs in addition.
#[derive(Clone)]
pub struct DoorPorts {
    pub commands: CommandPorts,
    pub limits: Arc<dyn RequestLimits>,
    pub owner_keys: Arc<dyn OwnerKeys>,
    pub key: DeploymentKey,
}

impl DoorPorts {
    pub fn sealer(&self, ids: Arc<dyn Ids>) -> Sealer {
        Sealer::new(self.owner_keys.clone(), self.key.clone(), ids)
    }
}

/// What a decider needs in addition.
pub struct DeciderPorts {
    pub commands: CommandPorts,
    pub consume: Box<dyn Consume>,
    pub books: Arc<dyn Books>,
    pub due: Arc<dyn Due>,
    pub voids: Arc<dyn Voids>,
    pub releases: Arc<dyn Releases>,
    /// The log from which commands are read again when the store has lost what they made; `None` where it never does.
    pub log: Option<Arc<dyn ReadLog>>,
    /// For a sample of the commands that are decided.
    pub read_log: Arc<dyn ReadLog>,
    pub partitions: u32,
    /// Opens what is sent to receivers; `None`: nothing is sent.
    pub sealer: Option<Sealer>,
}

impl DeciderPorts {
    pub fn deciding(&self, sending: Option<Arc<Sending>>) -> DecidingPorts {
        let CommandPorts { append, facts, views, deliveries, clock, .. } = self.commands.clone();
        DecidingPorts {
            books: self.books.clone(),
            facts,
            views,
            due: self.due.clone(),
            deliveries,
            append: Some(append),
            sending,
            clock,
        }
    }
}
