//! How a management command has its commands decided: by the process that owns the data folder, by this one where none
//! does, or by the deciders of a distributed deployment.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_agentgate::AgentGate;
use tidegate_agentgate_api::CommandClass;
use tidegate_commands::sealing::Sealer;
use tidegate_commands::{SubmitRefusal, Submitter};
use tidegate_kernel::command::{CommandOutcome, Envelope, Fact, FactId, OwnerId};
use tidegate_ports::{Clock, FactName, Facts, Ids, RandomIds, SystemClock, Views};
use tidegate_shedding::ShedThresholds;
use tidegate_sqlite::{DataFolder, EmbeddedCommandStore, EmbeddedKeys, OperatorInbox, OperatorRoute};
use tokio::time::{Instant, sleep, timeout};

use super::decider::decider;
use super::door::submitter;
use super::inbox::append_all;
use super::manage::{self, Command, Decide, Office};
use super::secret;
use crate::assemble::commands::{CommandPorts, DoorPorts, distributed, embedded};
use crate::assemble::embedded::make_registry;
use crate::config::Config;
use crate::console::Console;
use crate::deployment::cannot_start;
use crate::dev::catch_up::catch_up;
use crate::failure::Failure;

/// How long an operator waits for a decision.
const WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs one management command.
///
/// # Errors
/// What was wrong with which value, and what to do about it.
pub fn manage(config: &Config, command: Command) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(cannot_start)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    runtime.block_on(async {
        match config.scylla {
            Some(_) => on_servers(config, clock, command).await,
            None => on_folder(config, clock, command).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn on_servers(config: &Config, clock: Arc<dyn Clock>, command: Command) -> Result<(), Failure> {
    let opened = distributed::door(config, &clock).await?;
    let json = command.place().json;
    let done = manage::run(on_ports(&opened.ports, Arc::new(RandomIds), json), command).await;
    let closed = opened.close.await;
    done?;
    closed.map_err(after_all)
}

/// The command itself has not failed: whoever reads this must not give it again.
fn after_all(why: impl std::fmt::Display) -> Failure {
    Failure::broken(format!("the command was carried out; then its end failed: {why}"))
}

/// An office whose commands are decided by the consumer of the log.
pub fn on_ports(ports: &DoorPorts, ids: Arc<dyn Ids>, json: bool) -> Office {
    let (_, submitter) = submitter(&ports.commands, ShedThresholds::OF_COMMANDS);
    let CommandPorts { views, facts, deliveries, clock, .. } = ports.commands.clone();
    let sealer = ports.sealer(ids.clone());
    Office {
        commands: Arc::new(Submitting(submitter)),
        views,
        facts,
        deliveries,
        sealer,
        clock,
        ids,
        console: Console::output(),
        json,
    }
}

async fn on_folder(config: &Config, clock: Arc<dyn Clock>, command: Command) -> Result<(), Failure> {
    let folder = if command.begins_a_deployment() {
        let region = config.is_set("region").then_some(config.region);
        let made = make_registry(&config.data, region, clock.now())?;
        embedded::folder(&Config { region: made.region, ..config.clone() }, clock.now())?
    } else {
        embedded::existing(config)?
    };
    match OperatorRoute::of(&folder)? {
        OperatorRoute::Inbox(inbox) => {
            manage::run(office_by_inbox(&folder, inbox, clock, command.place().json)?, command).await
        }
        OperatorRoute::Own(owned) => {
            let opened = embedded::open(config, &folder, &owned, &clock).await?;
            let json = command.place().json;
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let deciding = tokio::spawn(decider(opened.ports.decider, None).run(async { _ = stopped.await }));
            let office = on_ports(&opened.ports.door, Arc::new(RandomIds), json);
            let done = match take_up(&opened.ports.inbox, &opened.ports.door.commands).await {
                Ok(()) => manage::run(office, command).await,
                Err(failure) => Err(failure),
            };
            // The consumer commits what it has decided, and ends.
            _ = stop.send(());
            let ended = deciding.await;
            drop((opened.ports.door, opened.ports.inbox, opened.ports.store, opened.ports.log));
            let closed = opened.close.await;
            done?;
            ended.map(drop).map_err(|error| after_all(format!("the decider ended: {error}")))?;
            closed.map_err(after_all)
        }
    }
}

/// Has what was put into the inbox decided, where the process that owned the folder ended before it did that: it was
/// commanded earlier than what comes now.
async fn take_up(inbox: &OperatorInbox, ports: &CommandPorts) -> Result<(), Failure> {
    let appended = append_all(inbox, &*ports.append).await;
    let appended = appended.map_err(|failure| failure.in_words(|why| format!("earlier commands still wait: {why}")))?;
    if appended > 0 {
        // Where a partition is halted they stay undecided, as does what is commanded for it now.
        _ = timeout(WITHIN, catch_up(&*ports.lag)).await;
    }
    Ok(())
}

/// An office whose commands are decided by the process that runs on the data folder; `None`: none does.
///
/// # Errors
/// The folder cannot be used.
pub fn of_running(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<Office>, Failure> {
    let folder = embedded::existing(config)?;
    match OperatorRoute::of(&folder)? {
        OperatorRoute::Own(_) => Ok(None),
        OperatorRoute::Inbox(inbox) => office_by_inbox(&folder, inbox, clock, false).map(Some),
    }
}

fn office_by_inbox(
    folder: &DataFolder,
    inbox: OperatorInbox,
    clock: Arc<dyn Clock>,
    json: bool,
) -> Result<Office, Failure> {
    let store = Arc::new(EmbeddedCommandStore::open_read_only(folder)?);
    let key = secret::of_folder(folder, false, secret::AGENTGATE)?;
    let keys = Arc::new(EmbeddedKeys::open(folder)?);
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    let (views, facts, deliveries): (Arc<dyn Views>, Arc<dyn Facts>, _) = (store.clone(), store.clone(), store.clone());
    let sealer = Sealer::new(keys, key, ids.clone());
    let commands = Arc::new(ByInbox { inbox, facts: store });
    Ok(Office { commands, views, facts, deliveries, sealer, clock, ids, console: Console::output(), json })
}

/// Appends by itself, and waits for the fact.
struct Submitting(Submitter<AgentGate, CommandClass>);

#[async_trait]
impl Decide for Submitting {
    async fn decide(&self, envelope: Envelope<AgentGate>) -> Result<CommandOutcome<AgentGate>, Failure> {
        match self.0.submit(envelope, CommandClass::Rest, WITHIN).await {
            Ok(fact) => Ok(fact.outcome),
            Err(SubmitRefusal::Undecided) => Err(undecided()),
            Err(SubmitRefusal::StoreDown(error)) => Err(error.into()),
            Err(SubmitRefusal::LogRefused { .. }) => Err(Failure::unavailable("the log did not take the command")),
            Err(SubmitRefusal::TooLarge { bytes, cap }) => {
                Err(Failure::config(format!("the command has {bytes} bytes; the log takes {cap}")))
            }
            Err(SubmitRefusal::Shed(_) | SubmitRefusal::TooManyWaiting) => {
                Err(Failure::unavailable("commands are shed").or_else("try again when the deciders have caught up"))
            }
        }
    }
}

/// Has the owner of the folder append, and reads the fact in its store.
struct ByInbox {
    inbox: OperatorInbox,
    facts: Arc<EmbeddedCommandStore>,
}

#[async_trait]
impl Decide for ByInbox {
    async fn decide(&self, envelope: Envelope<AgentGate>) -> Result<CommandOutcome<AgentGate>, Failure> {
        let Some(attempt) = envelope.attempt else { return Err(undecided()) };
        let owner = envelope.owner;
        let deadline = Instant::now() + WITHIN;
        self.inbox.put(&owner.identity(), &owner.to_string(), Bytes::from(envelope.encode())).await?;
        let name = FactName { owner: owner.log_key(), id: FactId::Attempt(attempt) };
        while Instant::now() < deadline {
            if let Some(fact) = self.facts.find(&[name]).await?.into_iter().flatten().next() {
                let fact = Fact::<AgentGate>::decode(fact.position, &fact.doc);
                return Ok(fact.map_err(|error| Failure::broken(error.to_string()).caused_by(error))?.outcome);
            }
            sleep(LOOK_EVERY).await;
        }
        Err(undecided())
    }
}

fn undecided() -> Failure {
    Failure::unavailable(format!("the command was not decided within {} s; it may be decided later", WITHIN.as_secs()))
        .or_else("are deciders running? `tidegate decide --api agentgate` is one")
}
