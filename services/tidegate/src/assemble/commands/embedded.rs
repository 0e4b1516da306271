//! An API of commands on its own folder below the data folder: log, store and keys as files, limits in the process.

use std::path::PathBuf;
use std::sync::Arc;

use tidegate_inproc::limits::MemoryLimits;
use tidegate_kernel::Timestamp;
use tidegate_lifecycle::Unfinished;
use tidegate_ports::{Clock, RandomIds, Retention};
use tidegate_sqlite::{
    DataFolder, EmbeddedCommandStore, EmbeddedKeys, EmbeddedLog, EmbeddedReadLog, FolderError, LogOptions,
    OperatorInbox, OwnedFolder, reconcile_commands,
};

use super::{API, CommandPorts, DeciderPorts, DoorPorts};
use crate::agentgate::secret;
use crate::assemble::{Close, Opened};
use crate::config::Config;
use crate::failure::Failure;

/// The one consumer group of the log.
pub const GROUP: &str = "decider";

/// The ports of all roles of one API.
pub struct EmbeddedCommands {
    pub door: DoorPorts,
    pub decider: DeciderPorts,
    /// Where other processes put the commands of operators.
    pub inbox: OperatorInbox,
    pub store: EmbeddedCommandStore,
    /// For appending commands again.
    pub log: EmbeddedLog,
}

/// The folder of AgentGate.
pub fn path(config: &Config) -> PathBuf {
    config.data.join(API)
}

/// Opens AgentGate's folder, making it if it is not there. The data folder itself must be there.
///
/// # Errors
/// What is wrong with the folder, and what to do about it.
pub fn folder(config: &Config, now: Timestamp) -> Result<DataFolder, Failure> {
    let partitions = config.agentgate.partitions;
    Ok(DataFolder::open_or_create_commands(&path(config), API, config.region, partitions, now)?)
}

/// The same, for a command: where no service was ever started there is nothing to manage.
///
/// # Errors
/// What is wrong with the folder, and what to do about it.
pub fn existing(config: &Config) -> Result<DataFolder, Failure> {
    let region = config.is_set("region").then_some(config.region);
    let whole = DataFolder::open_existing(&config.data, region);
    match whole.and_then(|_| DataFolder::open_existing_commands(&path(config), API, region)) {
        Err(FolderError::NotThere { .. }) => {
            Err(Failure::refused(format!("there is no organization in {}", config.data.display()))
                .hint("`tidegate agentgate orgs create NAME` makes the first"))
        }
        opened => Ok(opened?),
    }
}

/// Opens the files of a folder that this process owns.
///
/// # Errors
/// What is wrong with them, and what to do about it.
pub async fn open(
    config: &Config,
    folder: &DataFolder,
    owned: &OwnedFolder,
    clock: &Arc<dyn Clock>,
) -> Result<Opened<EmbeddedCommands>, Failure> {
    let log = EmbeddedLog::open(owned, log_options(config), clock.clone())?;
    let store = EmbeddedCommandStore::open(owned)?;
    reconcile_commands(owned, &log, GROUP, &store).await?;
    let key = secret::of_folder(folder, log.is_fresh(), secret::AGENTGATE)?;
    let keys = EmbeddedKeys::open(folder)?;
    let inbox = OperatorInbox::open(folder)?;
    let consume = log.consumer(GROUP).await?;
    let lag = Arc::new(log.lag(GROUP)?);
    let (shared, keys) = (Arc::new(store.clone()), Arc::new(keys));
    let commands = CommandPorts {
        append: Arc::new(log.clone()),
        facts: shared.clone(),
        views: shared.clone(),
        accounts: shared.clone(),
        deliveries: shared.clone(),
        lag,
        clock: clock.clone(),
    };
    let limits = Arc::new(MemoryLimits::new(clock.clone()));
    let door = DoorPorts { commands: commands.clone(), limits, owner_keys: keys.clone(), key };
    let sealer = door.sealer(Arc::new(RandomIds));
    let decider = DeciderPorts {
        commands,
        consume: Box::new(consume),
        books: shared.clone(),
        due: shared,
        voids: keys.clone(),
        releases: keys,
        log: None,
        read_log: Arc::new(EmbeddedReadLog::open(folder)?),
        partitions: folder.partitions(),
        sealer: Some(sealer),
    };
    let close = closing(log.clone(), store.clone());
    Ok(Opened { ports: EmbeddedCommands { door, decider, inbox, store, log }, close })
}

fn closing(log: EmbeddedLog, store: EmbeddedCommandStore) -> Close {
    Box::pin(async move {
        let left = log.close().await.left;
        // The store's last handle: its file is closed with it.
        drop(store);
        let unfinished = || Unfinished::new(format!("{left} commands or commits could not be written"));
        if left == 0 { Ok(()) } else { Err(unfinished()) }
    })
}

/// The log of commands is the books: nothing of it is ever deleted.
fn log_options(config: &Config) -> LogOptions {
    LogOptions {
        max_record_bytes: config.log.max_record_bytes,
        retention: Retention { max_age_ms: u64::MAX, max_bytes: u64::MAX },
        ..LogOptions::default()
    }
}
