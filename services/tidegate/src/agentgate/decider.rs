//! The consumer that decides AgentGate's commands.

use std::sync::Arc;

use tidegate_agentgate::AgentGate;
use tidegate_consumer::Consumer;
use tidegate_decider::{Deciding, DecidingOptions, Sending, VoidPorts, consumer, consumer_config};
use tidegate_kernel::command::{Envelope, Release};

use crate::assemble::commands::DeciderPorts;

/// A member of the group of deciders. It sends webhooks where it is given what with.
pub fn decider(ports: DeciderPorts, sending: Option<Arc<Sending>>) -> Consumer<Deciding<AgentGate>> {
    let deciding = ports.deciding(sending);
    let DeciderPorts { commands, consume, voids, releases, partitions, log, .. } = ports;
    let voids = VoidPorts { voids, releases, release: release() };
    let options = DecidingOptions::new(partitions);
    let config = consumer_config::<AgentGate>();
    let consumer = consumer::<AgentGate>(consume, deciding, voids, commands.accounts, options, config);
    consumer.with_ends(commands.lag).reading_again_from(log)
}

/// What this build registers as.
pub fn release() -> Release {
    Envelope::<AgentGate>::release(crate::RELEASE)
}
