//! How the consumer applies commands: decode, load, decide, save.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_consumer::{Apply, Consumer, ConsumerConfig, Entry, FoldStop, Group, Poison, StoreSeen, VoidPorts};
use tidegate_kernel::PartitionEpoch;
use tidegate_kernel::command::{Decider, Envelope};
use tidegate_ports::{Accounts, Consume, StoreError};

use crate::change::OwnerChange;
use crate::loading::{self, LoadedOwners};
use crate::owned_partition::OwnedPartition;
use crate::owner_batch::decide_all;
use crate::ports::{DecidingOptions, DecidingPorts};
use crate::saving;

/// An owner's records in a batch: a decision reads the whole book, so that they are bounded.
const MAX_RECORDS_OF_OWNER: usize = 200;

/// Decides the commands of a product.
pub struct Deciding<D> {
    ports: DecidingPorts,
    options: DecidingOptions,
    product: PhantomData<fn() -> D>,
}

impl<D: Decider> Deciding<D> {
    pub const fn new(ports: DecidingPorts, options: DecidingOptions) -> Self {
        Deciding { ports, options, product: PhantomData }
    }
}

/// A consumer that decides commands. No command is ever skipped: one that cannot be decided halts its partition, until
/// it is void.
pub fn consumer<D: Decider>(
    log: Box<dyn Consume>,
    ports: DecidingPorts,
    voids: VoidPorts,
    accounts: Arc<dyn Accounts>,
    options: DecidingOptions,
    config: ConsumerConfig,
) -> Consumer<Deciding<D>> {
    let clock = ports.clock.clone();
    Consumer::new(log, Deciding::new(ports, options), Poison::Halt(voids), accounts, clock, config)
}

/// The configuration of a consumer that decides commands: clients wait, so that records do not gather.
pub fn consumer_config<D: Decider>() -> ConsumerConfig {
    ConsumerConfig {
        api: Some(D::API),
        linger: Duration::ZERO,
        max_records_of_key: Some(MAX_RECORDS_OF_OWNER),
        ..ConsumerConfig::default()
    }
}

#[async_trait]
impl<D: Decider> Apply for Deciding<D> {
    type Key = D::Owner;
    type Record = Envelope<D>;
    type Assignment = Arc<OwnedPartition<D>>;
    type Loaded = LoadedOwners<D>;
    type Change = OwnerChange<D>;

    fn assigned(&self, of: PartitionEpoch) -> Arc<OwnedPartition<D>> {
        Arc::new(OwnedPartition::assigned(of, &self.ports, &self.options))
    }

    fn decode(&self, payload: &[u8]) -> Result<Envelope<D>, String> {
        Envelope::decode(payload).map_err(|error| error.to_string())
    }

    fn key(envelope: &Envelope<D>) -> D::Owner {
        envelope.owner
    }

    async fn load(
        &self,
        partition: &Arc<OwnedPartition<D>>,
        groups: &[Group<D::Owner, Envelope<D>>],
        entries: &[Entry<D::Owner>],
    ) -> Result<LoadedOwners<D>, StoreError> {
        loading::load(&self.ports, partition, groups, entries).await
    }

    fn fold(
        &self,
        groups: Vec<Group<D::Owner, Envelope<D>>>,
        loaded: LoadedOwners<D>,
        entries: &mut [Entry<D::Owner>],
        _again: bool,
    ) -> Result<Vec<OwnerChange<D>>, FoldStop> {
        decide_all(groups, loaded, entries)
    }

    fn key_of(change: &OwnerChange<D>) -> D::Owner {
        change.owner
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.ports.books.starts().await
    }

    fn forget(&self, partition: &Arc<OwnedPartition<D>>) {
        partition.forget_books();
    }

    async fn save(&self, changes: Arc<Vec<OwnerChange<D>>>, seen: StoreSeen) -> Result<(), StoreError> {
        saving::save(&self.ports, &changes, seen).await
    }
}
