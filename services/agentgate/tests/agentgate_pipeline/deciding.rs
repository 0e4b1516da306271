//! A log in memory, the consumer that decides, and the submitter of the front door.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentgate::{AgentGate, Owner};
use tidegate_agentgate_api::{CommandClass, SubmitCommand};
use tidegate_commands::{SubmitOptions, SubmitPorts, SubmitRefusal, Submitter};
use tidegate_decider::{DecidingOptions, DecidingPorts, VoidPorts, consumer, consumer_config};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::books::MemoryBooks;
use tidegate_inproc::deliveries::MemoryDeliveries;
use tidegate_inproc::due::MemoryDue;
use tidegate_inproc::facts::MemoryFacts;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_inproc::releases::MemoryReleases;
use tidegate_inproc::views::MemoryViews;
use tidegate_inproc::voids::MemoryVoids;
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, Envelope, IdempotencyKey};
use tidegate_metric::{Counter, Family, Gauge};
use tidegate_ports::{Append, Clock, StoreError, SystemClock};
use tidegate_shedding::{ShedMetrics, ShedRefusal, ShedThresholds, Shedding};

const PARTITIONS: u32 = 4;
/// No command waits longer for its decision, however busy the machine.
const BOUND: Duration = Duration::from_secs(120);

static PRESSURE: Family<Gauge, 0> = Family::new("tidegate_tested_pressure", []);
static REFUSED: Family<Counter, 2> = Family::new("tidegate_tested_total", ["class", "cause"]);

/// The pipeline behind a front door.
#[derive(Clone)]
pub struct Deciding {
    pub views: MemoryViews,
    submitter: Arc<Submitter<AgentGate, CommandClass>>,
}

impl Default for Deciding {
    /// Starts the consumer, which ends with the runtime.
    fn default() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = MemoryLogOptions { partitions: PARTITIONS, ..MemoryLogOptions::default() };
        let log = MemoryLog::new(options, Arc::clone(&clock));
        let append: Arc<dyn Append> = Arc::new(log.clone());
        let (views, facts) = (MemoryViews::default(), Arc::new(MemoryFacts::default()));
        let ports = DecidingPorts {
            books: Arc::new(MemoryBooks::default()),
            facts: facts.clone(),
            views: Arc::new(views.clone()),
            due: Arc::new(MemoryDue::default()),
            deliveries: Arc::new(MemoryDeliveries::default()),
            append: Some(Arc::clone(&append)),
            sending: None,
            clock: Arc::clone(&clock),
        };
        let member = consumer::<AgentGate>(
            Box::new(log.consumer("agentgate")),
            ports,
            VoidPorts {
                voids: Arc::new(MemoryVoids::default()),
                releases: Arc::new(MemoryReleases::default()),
                release: Envelope::<AgentGate>::release("tested"),
            },
            Arc::new(MemoryAccounts::default()),
            DecidingOptions::new(PARTITIONS),
            consumer_config::<AgentGate>(),
        );
        tokio::spawn(member.run(std::future::pending()));
        let metrics = ShedMetrics { pressure: &PRESSURE, refused: &REFUSED };
        let shedding = Arc::new(Shedding::new(Arc::clone(&append), ShedThresholds::OF_COMMANDS, metrics));
        let submitter = Submitter::new(SubmitPorts { append, facts, clock }, shedding, SubmitOptions::default());
        Deciding { views, submitter: Arc::new(submitter) }
    }
}

impl Deciding {
    /// The outcome of an operator's command.
    pub async fn decide(&self, envelope: Envelope<AgentGate>) -> CommandOutcome<AgentGate> {
        self.submitter.submit(envelope, CommandClass::Rest, BOUND).await.unwrap().outcome
    }
}

#[async_trait]
impl SubmitCommand for Deciding {
    fn sheds(&self, owner: Owner, class: CommandClass) -> Result<(), ShedRefusal<CommandClass>> {
        SubmitCommand::sheds(&*self.submitter, owner, class)
    }

    async fn submit(
        &self,
        envelope: Envelope<AgentGate>,
        class: CommandClass,
        bound: Duration,
    ) -> Result<CommandOutcome<AgentGate>, SubmitRefusal<CommandClass>> {
        SubmitCommand::submit(&*self.submitter, envelope, class, bound.max(BOUND)).await
    }

    async fn find_key(
        &self,
        owner: Owner,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<CommandOutcome<AgentGate>>, StoreError> {
        SubmitCommand::find_key(&*self.submitter, owner, key, now).await
    }
}
