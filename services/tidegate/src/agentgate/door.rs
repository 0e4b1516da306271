//! The front door on its ports, and what it needs around it.

use std::sync::Arc;

use tidegate_agentgate::AgentGate;
use tidegate_agentgate_api::{CommandClass, FrontDoor, FrontDoorParts, SHED_METRICS, SubmitCommand};
use tidegate_commands::{SubmitOptions, SubmitPorts, Submitter};
use tidegate_kernel::command::Decider;
use tidegate_outbound::Outbound;
use tidegate_ports::Ids;
use tidegate_shedding::{AfterReading, Appends, Behind, LagPorts, LagReader, LagWatch, ShedThresholds, Shedding};

use crate::assemble::commands::{CommandPorts, DoorPorts};
use crate::config::AgentGateSection;

/// How often the lag is read: a request waits for its decision, so it is shed soon.
const LAG_EVERY: std::time::Duration = std::time::Duration::from_millis(200);

/// A front door of AgentGate, and what watches the deciders for it.
pub struct Door {
    pub front_door: Arc<FrontDoor>,
    pub lag_watch: Arc<LagWatch<CommandClass>>,
    /// Whether the log takes records.
    pub appends: Arc<Appends>,
}

impl Door {
    /// Within a runtime: it starts the task that reads outcomes.
    pub fn new(section: &AgentGateSection, ports: &DoorPorts, webhooks: Outbound, ids: Arc<dyn Ids>) -> Self {
        let thresholds = ShedThresholds { age_ms: section.shed_age_ms, ..ShedThresholds::OF_COMMANDS };
        let (shedding, submitter) = submitter(&ports.commands, thresholds);
        let CommandPorts { append, views, accounts, lag, clock, .. } = ports.commands.clone();
        let reader = Arc::new(LagReader::new(LagPorts { clock: clock.clone(), lag, accounts, append }));
        let lag_watch = LagWatch::new(thresholds, reader, shedding, Arc::new(Nothing))
            .by_partition(LAG_EVERY)
            .of_api(AgentGate::API);
        let appends = submitter.appends();
        let commands: Arc<dyn SubmitCommand> = Arc::new(submitter);
        let parts = FrontDoorParts {
            views,
            limits: ports.limits.clone(),
            commands,
            sealer: ports.sealer(ids.clone()),
            send_test: Arc::new(webhooks),
            clock,
            ids,
        };
        let front_door = Arc::new(FrontDoor::new(parts, section.api.clone()));
        Door { front_door, lag_watch: Arc::new(lag_watch), appends }
    }
}

/// Submits commands by these ports, and sheds by what is set in the first.
pub fn submitter(
    ports: &CommandPorts,
    thresholds: ShedThresholds,
) -> (Arc<Shedding<CommandClass>>, Submitter<AgentGate, CommandClass>) {
    let CommandPorts { append, facts, clock, .. } = ports.clone();
    let shedding = Arc::new(Shedding::new(append.clone(), thresholds, SHED_METRICS));
    let submitter = Submitter::new(SubmitPorts { append, facts, clock }, shedding.clone(), SubmitOptions::default());
    (shedding, submitter)
}

/// Nothing else depends on the lag.
struct Nothing;

impl AfterReading for Nothing {
    fn after_reading(&self, _: Option<Behind>) {}
}
