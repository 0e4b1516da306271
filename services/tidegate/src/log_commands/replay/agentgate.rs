//! AgentGate's commands. An attempt is decided once, so a command that is appended again changes nothing; a void one is
//! never appended again.

mod choice;
mod kinds;
mod readable;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use tidegate_agentgate::{OrgId, Owner};
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_kafka::{KafkaLag, KafkaLog, KafkaReadLog};
use tidegate_kernel::Position;
use tidegate_ports::{Clock, StoreError, SystemClock, Voids, void_positions};
use tidegate_replay::{Candidate, ReplayPorts};
use tidegate_scylla::ScyllaCommands;
use tidegate_shedding::ShedThresholds;
use tidegate_sqlite::EmbeddedReadLog;

use super::opened::Opened;
use super::product::{Foresee, Foreseen, Product};
use crate::assemble::commands::{distributed, embedded};
use crate::assemble::distributed::{FLUSH_GRACE, flushing, log_as_configured, options_of};
use crate::assemble::read_only::names_servers;
use crate::cli::ReplayArgs;
use crate::config::Config;
use crate::failure::Failure;
use choice::{ByOwner, CommandFilters};
use kinds::CommandKinds;
use readable::ReadableCommand;

/// What is known of AgentGate's log apart from its records.
pub struct AgentGate {
    voids: HashSet<Position>,
}

impl Product for AgentGate {
    type Kinds = CommandKinds;
    type Filters = CommandFilters;
    type Choose = ByOwner;
    type Foresee = NothingChanges;

    async fn open(config: &Config, dry_run: bool) -> Result<Opened<Self>, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if names_servers(config) { on_servers(config, clock).await } else { in_folder(config, clock, dry_run).await }
    }

    fn thresholds(config: &Config) -> ShedThresholds {
        ShedThresholds { age_ms: config.agentgate.shed_age_ms, ..ShedThresholds::OF_COMMANDS }
    }

    async fn filters(&self, args: &ReplayArgs) -> Result<CommandFilters, Failure> {
        let of_agentping = [
            ("--team", args.team.is_some()),
            ("--agent", args.agent.is_some()),
            ("--kind", args.kind.is_some()),
            ("--dead-letters", args.dead_letters),
        ];
        if let Some((flag, _)) = of_agentping.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::config(format!("{flag} chooses records of AgentPing")).or_else(
                "AgentGate's commands are chosen by --from, --to, --offsets and --org, and have no dead letters",
            ));
        }
        let owner =
            match &args.org {
                Some(text) => Some(OrgId::parse(text).map(Owner::Org).ok_or_else(|| {
                    Failure::config(format!("--org {text}: that is no organization's id")).hint("org_…")
                })?),
                None => None,
            };
        Ok(CommandFilters { owner })
    }

    fn choose(&self, filters: &CommandFilters) -> ByOwner {
        ByOwner::new(filters, self.voids.clone())
    }

    fn foresee(&self) -> NothingChanges {
        NothingChanges::default()
    }
}

async fn on_servers(config: &Config, clock: Arc<dyn Clock>) -> Result<Opened<AgentGate>, Failure> {
    let kafka = distributed::kafka(config)?;
    let options = options_of(&kafka, "replay");
    let store = ScyllaCommands::new(distributed::cql(config).await?, clock.clone());
    log_as_configured(config, &kafka, &options).await?;
    let product = AgentGate { voids: voids(&store).await? };
    let log = KafkaLog::connect(options.clone(), clock.clone())?;
    let ports = ReplayPorts {
        log: Arc::new(KafkaReadLog::open(&options)?),
        again: Arc::new(log.clone()),
        dead_letters: Arc::new(MemoryDeadLetters::default()),
        lag: Arc::new(KafkaLag::watch(&options, &kafka.group, clock.clone())?),
        clock,
    };
    let close = flushing(log, options.append.message_timeout + FLUSH_GRACE);
    Ok(Opened::on_servers(ports, product, options.topics.records, close))
}

async fn in_folder(config: &Config, clock: Arc<dyn Clock>, dry_run: bool) -> Result<Opened<AgentGate>, Failure> {
    let folder = embedded::existing(config)?;
    let config = Config { region: folder.region(), data: embedded::path(config), ..config.clone() };
    let opened = embedded::open(&config, &folder, &folder.own()?, &clock).await?;
    let embedded::EmbeddedCommands { decider, log, .. } = opened.ports;
    let ports = ReplayPorts {
        log: Arc::new(EmbeddedReadLog::open(&folder)?),
        again: Arc::new(log),
        dead_letters: Arc::new(MemoryDeadLetters::default()),
        lag: decider.commands.lag.clone(),
        clock: clock.clone(),
    };
    let product = AgentGate { voids: voids(&*decider.voids).await? };
    let at = (&config, clock, dry_run);
    Ok(Opened::in_folder(at, ports, product, opened.close, |roles, parts| {
        roles.start_decider(parts, decider, None);
    }))
}

async fn voids(voids: &dyn Voids) -> Result<HashSet<Position>, StoreError> {
    Ok(void_positions(&voids.all().await?))
}

/// Whatever is appended again changes nothing: where it stands first it is decided before, or with the same outcome.
#[derive(Default)]
pub struct NothingChanges {
    chosen: u64,
}

impl Foresee<ReadableCommand> for NothingChanges {
    type Loaded = ();

    async fn load(&self, _chosen: &[Candidate<ReadableCommand>]) -> Result<(), StoreError> {
        Ok(())
    }

    fn take(&mut self, chosen: Vec<Candidate<ReadableCommand>>, _loaded: ()) {
        self.chosen += chosen.len() as u64;
    }

    fn foreseen(&self, passed_over: u64) -> Foreseen {
        Foreseen {
            json: json!({ "would_change_nothing": self.chosen, "cannot_be_decoded": passed_over }),
            lines: vec![format!("would change nothing     {}", self.chosen)],
        }
    }
}
