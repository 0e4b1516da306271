//! What every test stands on: a log, stores in memory, and members of the consumer group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tidegate_consumer::{Consumer, ConsumerConfig, StopReport};
use tidegate_decider::{Deciding, DecidingOptions, DecidingPorts, VoidPorts, consumer, consumer_config};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::books::MemoryBooks;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::deliveries::MemoryDeliveries;
use tidegate_inproc::due::MemoryDue;
use tidegate_inproc::facts::MemoryFacts;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_inproc::releases::MemoryReleases;
use tidegate_inproc::views::MemoryViews;
use tidegate_inproc::voids::MemoryVoids;
use tidegate_kernel::command::{
    Attempt, CommandOutcome, ContentFingerprint, Envelope, Fact, FactId, IdempotencyKey, KeyHash, OwnerId, Rules,
    VoidState,
};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{
    Account, Accounts, Append, Books, Consumed, Deliveries, Due, FactName, Facts, Halt, ReadLag, StoredBook,
    StoredFact, Views, VoidRequest, Voids,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::till::{Command, Till, Tills, balance_row, hold_row};

pub const GROUP: &str = "tills";
pub const RELEASE: &str = "tested";

/// The stores of one rig; clones share them.
#[derive(Clone, Default)]
pub struct Stores {
    pub books: MemoryBooks,
    pub facts: MemoryFacts,
    pub views: MemoryViews,
    pub due: MemoryDue,
    pub deliveries: MemoryDeliveries,
    pub voids: MemoryVoids,
    pub releases: MemoryReleases,
    pub accounts: MemoryAccounts,
}

pub struct Rig {
    pub log: MemoryLog,
    pub partitions: u32,
    pub stores: Stores,
    pub clock: Arc<TestClock>,
    pub config: ConsumerConfig,
    attempts: AtomicU64,
}

/// All that is stored, as far as the log names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    books: BTreeMap<Till, Option<StoredBook>>,
    facts: Vec<Vec<StoredFact>>,
    views: Vec<Option<Vec<u8>>>,
    due: Vec<String>,
    deliveries: Vec<String>,
}

impl Rig {
    pub fn new(partitions: u32) -> Self {
        let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_790_000_000_000)));
        let options = MemoryLogOptions { partitions, ..MemoryLogOptions::default() };
        Rig {
            log: MemoryLog::new(options, clock.clone()),
            partitions,
            stores: Stores::default(),
            clock,
            config: ConsumerConfig { settle_every: Duration::from_millis(2), ..consumer_config::<Tills>() },
            attempts: AtomicU64::new(1),
        }
    }

    pub fn envelope(&self, till: Till, command: Command) -> Envelope<Tills> {
        use tidegate_ports::Clock;
        let attempt = Attempt::from_bits(u128::from(self.attempts.fetch_add(1, Ordering::SeqCst)));
        let received_at = self.clock.now();
        Envelope { rules: Rules::FIRST, owner: till, attempt: Some(attempt), key: None, received_at, command }
    }

    /// Appends a command. The clock moves on.
    pub async fn append(&self, till: Till, command: Command) -> Position {
        self.append_envelope(&self.envelope(till, command)).await
    }

    pub async fn append_with_key(&self, till: Till, command: Command, key: u128, content: u128) -> Position {
        let key = Some(self::key(key, content));
        self.append_envelope(&Envelope { key, ..self.envelope(till, command) }).await
    }

    pub async fn append_envelope(&self, envelope: &Envelope<Tills>) -> Position {
        let position =
            self.log.append(envelope.owner.log_key(), Bytes::from(envelope.encode())).await.expect("appended");
        self.clock.advance_ms(10);
        position
    }

    pub fn ports(&self, stores: &Stores) -> DecidingPorts {
        DecidingPorts {
            books: Arc::new(stores.books.clone()),
            facts: Arc::new(stores.facts.clone()),
            views: Arc::new(stores.views.clone()),
            due: Arc::new(stores.due.clone()),
            deliveries: Arc::new(stores.deliveries.clone()),
            append: Some(Arc::new(self.log.clone())),
            sending: None,
            clock: self.clock.clone(),
        }
    }

    pub fn start(&self) -> Running {
        self.start_with(GROUP, self.ports(&self.stores), &self.stores)
    }

    pub fn start_with(&self, group: &str, ports: DecidingPorts, stores: &Stores) -> Running {
        run(member::<1>(&self.log, self.partitions, (group, RELEASE), ports, stores, self.config))
    }

    /// A decider of a release of this name that knows rules up to `KNOWN`.
    pub fn start_release<const KNOWN: u16>(&self, name: &'static str) -> Running {
        run(member::<KNOWN>(
            &self.log,
            self.partitions,
            (GROUP, name),
            self.ports(&self.stores),
            &self.stores,
            self.config,
        ))
    }

    /// Starts one that reads again what the stores of these ports lose.
    pub fn start_reading_again(&self, ports: DecidingPorts) -> Running {
        let member = member::<1>(&self.log, self.partitions, (GROUP, RELEASE), ports, &self.stores, self.config);
        run(member.reading_again_from(Some(Arc::new(self.log.clone()))))
    }

    /// The stores as the whole log makes them, in batches as large as they come.
    pub async fn rebuilt(&self, group: &str) -> Stores {
        self.rebuilt_by::<1>(group).await
    }

    /// The same, by a release that knows rules up to `KNOWN`.
    pub async fn rebuilt_by<const KNOWN: u16>(&self, group: &str) -> Stores {
        let stores = Stores { voids: self.stores.voids.clone(), ..Stores::default() };
        let ports = DecidingPorts { append: None, ..self.ports(&stores) };
        let config = ConsumerConfig { poll_bytes: 2 << 20, ..self.config };
        let running = run(member::<KNOWN>(&self.log, self.partitions, (group, RELEASE), ports, &stores, config));
        self.caught_up(group).await;
        running.stop().await;
        stores
    }

    pub async fn caught_up(&self, group: &str) {
        let behind = async || self.log.lag(group).read().await.expect("a reading").records;
        eventually("everything is committed", async || behind().await == 0).await;
    }

    pub async fn is_halted_at(&self, position: Position) {
        let Position { generation, partition, offset } = position;
        let halt = Halt { generation, partition, offset };
        eventually("the halt is stated", async || self.stores.accounts.halts().await == Ok(vec![halt])).await;
    }

    pub async fn void(&self, position: Position) {
        let voids = &self.stores.voids;
        let round = voids.ask(request(position)).await.expect("in memory");
        voids.settle(position, round, VoidState::InForce).await.expect("in memory");
    }

    /// Every record on the log.
    pub fn records(&self) -> Vec<Consumed> {
        (0..self.partitions).flat_map(|partition| self.log.records(partition)).collect()
    }

    pub async fn balance(&self, till: Till) -> Option<i64> {
        let row = self.stores.views.get(&[balance_row(till)]).await.expect("in memory").remove(0);
        row.map(|doc| serde_json::from_slice(&doc).expect("a number"))
    }

    pub async fn outcome(&self, envelope: &Envelope<Tills>) -> Option<CommandOutcome<Tills>> {
        let id = FactId::Attempt(envelope.attempt.expect("an attempt"));
        let name = FactName { owner: envelope.owner.log_key(), id };
        let found = self.stores.facts.find(&[name]).await.expect("in memory").remove(0);
        let decode = |fact: &StoredFact| Fact::<Tills>::decode(fact.position, &fact.doc).expect("a fact").outcome;
        found.first().map(decode)
    }

    /// Of one partition.
    pub async fn account(&self, stores: &Stores) -> Account {
        stores.accounts.account(1, 0).await.expect("in memory").expect("settled")
    }

    pub async fn snapshot(&self, stores: &Stores) -> Snapshot {
        let records = self.records();
        let envelopes: Vec<_> =
            records.iter().filter_map(|record| Envelope::<Tills<9>>::decode(&record.payload).ok()).collect();
        let tills: BTreeSet<Till> = envelopes.iter().map(|envelope| envelope.owner).collect();
        let mut names = BTreeSet::new();
        for envelope in &envelopes {
            names.extend(envelope.attempt.map(|attempt| (envelope.owner, FactId::Attempt(attempt))));
            names.extend(envelope.key.map(|key| (envelope.owner, FactId::Key(key.hash))));
        }
        let names: Vec<_> = names.into_iter().map(|(till, id)| FactName { owner: till.log_key(), id }).collect();
        let keys: Vec<_> = tills.iter().map(OwnerId::log_key).collect();
        let books = stores.books.load(&keys).await.expect("in memory");
        let rows: Vec<_> = tills.iter().flat_map(|till| [balance_row(*till), hold_row(*till)]).collect();
        let (mut due, mut deliveries) = (BTreeSet::new(), BTreeSet::new());
        for shard in keys.iter().map(|key| key.shard()) {
            due.extend(stores.due.read(shard).await.expect("in memory").iter().map(|due| format!("{due:?}")));
            let waiting = stores.deliveries.waiting(shard, None, 100).await.expect("in memory");
            deliveries.extend(waiting.iter().map(|waiting| format!("{waiting:?}")));
        }
        Snapshot {
            books: tills.iter().copied().zip(books).collect(),
            facts: stores.facts.find(&names).await.expect("in memory"),
            views: stores.views.get(&rows).await.expect("in memory"),
            due: due.into_iter().collect(),
            deliveries: deliveries.into_iter().collect(),
        }
    }
}

fn member<const KNOWN: u16>(
    log: &MemoryLog,
    partitions: u32,
    (group, name): (&str, &str),
    ports: DecidingPorts,
    stores: &Stores,
    config: ConsumerConfig,
) -> Consumer<Deciding<Tills<KNOWN>>> {
    let voids = VoidPorts {
        voids: Arc::new(stores.voids.clone()),
        releases: Arc::new(stores.releases.clone()),
        release: Envelope::<Tills<KNOWN>>::release(name),
    };
    let accounts = Arc::new(stores.accounts.clone());
    let options = DecidingOptions::new(partitions);
    consumer::<Tills<KNOWN>>(Box::new(log.consumer(group)), ports, voids, accounts, options, config)
}

fn run<const KNOWN: u16>(member: Consumer<Deciding<Tills<KNOWN>>>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(member.run(async move {
        let _ = stopped.await;
    }));
    Running { stop, task }
}

pub fn request(position: Position) -> VoidRequest {
    VoidRequest { position, reason: "as the test wants".to_owned(), asked_at: Timestamp::from_millis(0) }
}

pub fn key(hash: u128, content: u128) -> IdempotencyKey {
    IdempotencyKey { hash: KeyHash(hash), fingerprint: ContentFingerprint(content) }
}

pub const fn answered(balance: i64) -> Option<CommandOutcome<Tills>> {
    Some(CommandOutcome::Answered(crate::till::Balance(balance)))
}

pub const fn refused() -> Option<CommandOutcome<Tills>> {
    Some(CommandOutcome::Refused(crate::till::TooPoor))
}

pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<StopReport>,
}

impl Running {
    pub async fn stop(self) -> StopReport {
        let _ = self.stop.send(());
        self.task.await.expect("the consumer does not panic")
    }

    /// As a `kill -9` would: the loop commits nothing more.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(Duration::from_secs(300), async {
        while !holds().await {
            tick.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within five minutes: {what}"));
}
