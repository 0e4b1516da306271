//! The pipeline on one data folder: log, store and registry as files, the gate in the process.

use std::path::Path;
use std::sync::Arc;

use tidegate_admission::AdmissionPorts;
use tidegate_agentping_inproc::gate::{MemoryGate, MemoryGateConfig};
use tidegate_agentping_ports::{NamedCredentials, Registry, StoredNames};
use tidegate_commands::sealing::SealedDocuments;
use tidegate_kernel::{Region, Timestamp};
use tidegate_lifecycle::Unfinished;
use tidegate_ports::{Clock, Documents, RandomIds, Retention};
use tidegate_pulse::RecentFeed;
use tidegate_sqlite::dead_letters::EmbeddedDeadLetters;
use tidegate_sqlite::folder::DEFAULT_PARTITIONS;
use tidegate_sqlite::{
    DataFolder, EmbeddedDocuments, EmbeddedLog, EmbeddedReadLog, EmbeddedRegistry, EmbeddedRows, EmbeddedStore,
    FolderError, FolderNames, LogOptions, reconcile,
};

use super::archived_agents::ArchivedAgents;
use super::{Close, Opened, OpenedRegistry, PersisterPorts, PulsePorts, ReadPorts, SEALED_KINDS, SettingsPorts};
use crate::agentgate::secret;
use crate::config::Config;
use crate::failure::Failure;

/// The one consumer group of the records topic.
pub const GROUP: &str = "persister";
/// Milliseconds by which clients' clocks may be ahead: ids born until then may have been claimed before a restart.
const CLOCK_LEAD_MS: i64 = 120_000;

/// The ports of all roles.
pub struct AllPorts {
    pub front_door: AdmissionPorts,
    pub persister: PersisterPorts,
    pub read_api: ReadPorts,
    pub registry: Arc<dyn Registry>,
    pub settings: SettingsPorts,
    pub pulse: PulsePorts,
    /// The agents that commands archive while this process runs.
    pub archived: ArchivedAgents,
    /// For appending records again.
    pub log: EmbeddedLog,
}

/// Opens the files of the folder, making those that are missing, and locks the folder for this process.
///
/// # Errors
/// What is wrong with the folder, and what to do about it.
pub async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened<AllPorts>, Failure> {
    let partitions = config.log.partitions;
    let folder = DataFolder::open_or_create(&config.data, config.region, partitions, clock.now())?;
    let owned = folder.own()?;
    if config.is_set("log.partitions") && folder.partitions() != partitions {
        tracing::warn!(
            folder = folder.partitions(),
            configured = partitions,
            "log.partitions counts for a new data folder only: this one keeps the number it was made with"
        );
    }
    let log = EmbeddedLog::open(&owned, log_options(config), clock.clone())?;
    let registry = EmbeddedRegistry::open(&folder)?;
    let store = EmbeddedStore::open(&owned, registry.clone())?;
    let dead_letters = EmbeddedDeadLetters::open(&owned)?;
    let documents = sealed(&folder, Arc::new(EmbeddedDocuments::open(&owned, clock.clone())?), clock).await?;
    let rows = Arc::new(EmbeddedRows::open(&owned, clock.clone())?);
    reconcile(&owned, &log, GROUP, &store, &dead_letters).await?;
    let log_reader = EmbeddedReadLog::open(&folder)?;
    let consume = log.consumer(GROUP).await?;
    let lag = log.lag(GROUP)?;

    let window_ms = i64::try_from(config.admission.claim_window_ms).unwrap_or(i64::MAX);
    // The gate forgets with the process. On a log that never had a record there is nothing to forget.
    let remembers_since = (!log.is_fresh()).then(|| clock.now().plus_millis(CLOCK_LEAD_MS));
    let gate =
        MemoryGate::new(MemoryGateConfig { window_ms, max_claim_bytes: config.max_claim_bytes, remembers_since });

    let gate = Arc::new(gate);
    // Read before the gate is asked for the first time: what is archived by then is not seeded.
    let archived = ArchivedAgents::follow(registry.clone(), gate.clone()).await?;
    let (registry, store) = (Arc::new(registry), Arc::new(store));
    let close = closing(log.clone(), store.clone());
    let lag = Arc::new(lag);
    let front_door = AdmissionPorts {
        clock: clock.clone(),
        credentials: Arc::new(NamedCredentials::new(registry.clone(), Arc::new(StoredNames::new(documents.clone())))),
        rates: registry.clone(),
        agents: store.clone(),
        usage: store.clone(),
        stored: store.clone(),
        gate,
        append: Arc::new(log.clone()),
        lag: lag.clone(),
        accounts: store.clone(),
    };
    let dead_letters = Arc::new(dead_letters);
    let settings = SettingsPorts { documents, rows, registry: registry.clone() };
    let pulse = PulsePorts {
        lag: lag.clone(),
        accounts: store.clone(),
        // One process reads it several times, and what is settled in a data folder does not change.
        feed: Arc::new(RecentFeed::new(store.clone())),
        dead_letters: dead_letters.clone(),
        queries: store.clone(),
    };
    let read_api = ReadPorts {
        queries: store.clone(),
        stored: store.clone(),
        accounts: store.clone(),
        log: Some(Arc::new(log_reader)),
    };
    let persister = PersisterPorts {
        consume: Box::new(consume),
        runs: store.clone(),
        accounts: store.clone(),
        feed: store,
        dead_letters,
        log: None,
        lag,
    };
    Ok(Opened { ports: AllPorts { front_door, persister, read_api, registry, settings, pulse, archived, log }, close })
}

/// The settings with what is secret of them sealed, under the folder's own key.
async fn sealed(
    folder: &DataFolder,
    documents: Arc<EmbeddedDocuments>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Documents>, Failure> {
    // A folder of a former build has plain documents and no key, and gets one. A key that is gone is not made anew.
    let may_make =
        secret::is_there(folder) || !SealedDocuments::is_used(&*documents, SEALED_KINDS, clock.now()).await?;
    let key = secret::of_folder(folder, may_make, secret::AGENTPING)?;
    Ok(Arc::new(SealedDocuments::new(documents, SEALED_KINDS, key, Arc::new(RandomIds), clock.clone())))
}

fn closing(log: EmbeddedLog, store: Arc<EmbeddedStore>) -> Close {
    Box::pin(async move {
        let left = log.close().await.left;
        // The store's last handle: its file is closed with it.
        drop(store);
        let unfinished = || Unfinished::new(format!("{left} appends or commits could not be written"));
        if left == 0 { Ok(()) } else { Err(unfinished()) }
    })
}

/// Opens the registry of a folder, also while a service runs on it.
///
/// # Errors
/// What is wrong with the folder, and what to do about it.
pub fn open_registry(data: &Path, region: Option<Region>) -> Result<OpenedRegistry, Failure> {
    registry_of(&DataFolder::open_existing(data, region)?)
}

/// The same, for a command that begins a deployment: a folder that is not there is made.
///
/// # Errors
/// What is wrong with the folder, and what to do about it.
pub fn make_registry(data: &Path, region: Option<Region>, now: Timestamp) -> Result<OpenedRegistry, Failure> {
    let folder = match DataFolder::open_existing(data, region) {
        Err(FolderError::NotThere { .. }) => {
            DataFolder::open_or_create(data, region.unwrap_or(Region::Eu), DEFAULT_PARTITIONS, now)
        }
        opened => opened,
    };
    registry_of(&folder?)
}

fn registry_of(folder: &DataFolder) -> Result<OpenedRegistry, Failure> {
    let registry = EmbeddedRegistry::open(folder)?;
    Ok(OpenedRegistry::new(registry, FolderNames::of(folder), folder.region()))
}

fn log_options(config: &Config) -> LogOptions {
    LogOptions {
        max_record_bytes: config.log.max_record_bytes,
        retention: Retention { max_age_ms: config.log.retention_ms, max_bytes: config.log.retention_bytes },
        ..LogOptions::default()
    }
}
