//! What the operators' pages of a process read of AgentGate.

use std::sync::Arc;

use tidegate_operators::AgentGateRows;
use tidegate_ports::Ids;

use crate::assemble::commands::{CommandPorts, DeciderPorts, DoorPorts};

/// A decider reads the books, too.
pub fn rows_of_decider(ports: &DeciderPorts) -> AgentGateRows {
    let CommandPorts { views, deliveries, .. } = ports.commands.clone();
    AgentGateRows { views, deliveries, books: Some(ports.books.clone()), sealer: ports.sealer.clone() }
}

/// A front door reads rows alone.
pub fn rows_of_door(ports: &DoorPorts, ids: Arc<dyn Ids>) -> AgentGateRows {
    let CommandPorts { views, deliveries, .. } = ports.commands.clone();
    AgentGateRows { views, deliveries, books: None, sealer: Some(ports.sealer(ids)) }
}
