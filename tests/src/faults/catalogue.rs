//! Every fault there is, in the order in which they are run: those on one ground follow each other.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::proxy::Mode;
use super::report::Sheet;
use super::scene::Scene;
use super::{
    clients, clocks, corruption, disk, gate, idle, leaders, log_server, logs, losses, mock, points, poison, ranges,
    release, roles, rolling, spike, standstill, starts, store,
};
use crate::durability::Random;
use crate::process::{Extra, Stream};
use crate::{Deployment, Target};

/// What a fault is done on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A distributed deployment on the real stack.
    Stack,
    /// The same on a Kafka of its own.
    OwnKafka,
    /// The same on three brokers of its own.
    Cluster,
    /// The same as on the real stack, on a Cassandra of its own.
    OwnStore,
    /// Two front doors of AgentGate and two deciders on the real stack.
    Gate,
    /// The same on three brokers of its own, each partition on one of them alone.
    GateCluster,
    /// A `tidegate dev` of the fault's own, or a client library's own mock of Kafka: the fault brings what it needs.
    Own,
}

/// What a fault is given.
pub struct Given {
    /// The program under test.
    pub binary: String,
    /// `None` on [`Ground::Own`].
    pub scene: Option<Arc<Scene>>,
    pub random: Random,
    pub sheet: Sheet,
}

impl Given {
    /// The ground's deployment.
    ///
    /// # Panics
    /// If the fault is listed on a ground that has none.
    pub fn scene(&self) -> Arc<Scene> {
        self.scene.clone().expect("this ground has a scene")
    }

    /// The ground's deployment, or a `tidegate dev` of the fault's own.
    pub async fn deployment(&self) -> Arc<Deployment> {
        match &self.scene {
            Some(scene) => scene.deployment(),
            None => Target::dev_with(&self.binary, Extra::default()).await.deployment(),
        }
    }
}

/// Does a fault; panics say what does not hold.
type Do = fn(Given) -> Pin<Box<dyn Future<Output = ()>>>;

/// A fault.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    /// What is done, in a line.
    pub about: &'static str,
    pub ground: Ground,
    /// Whether it is part of the short pass.
    pub short: bool,
    pub run: Do,
}

const fn fault(name: &'static str, ground: Ground, about: &'static str, run: Do) -> Fault {
    Fault { name, about, ground, short: false, run }
}

const fn short(fault: Fault) -> Fault {
    Fault { short: true, ..fault }
}

macro_rules! does {
    ($given:ident => $body:expr) => {
        |$given| Box::pin($body)
    };
    ($body:path) => {
        |given| Box::pin($body(given))
    };
}

mod agentgate;

/// All of them.
pub static FAULTS: LazyLock<Vec<Fault>> = LazyLock::new(|| [AGENTPING, agentgate::AGENTGATE].concat());

/// Those that are done to AgentPing.
const AGENTPING: &[Fault] = &[
    // Processes.
    fault("kill-ingest", Ground::Stack, "kill -9 of a front door", does!(g => roles::kill(g, &DOORS))),
    fault("kill-persist", Ground::Stack, "kill -9 of a persister", does!(g => roles::kill(g, &PERSISTERS))),
    fault("kill-control", Ground::Stack, "kill -9 of the read API", does!(g => roles::kill(g, &["control"]))),
    fault("kill-all", Ground::Stack, "kill -9 of every process at once", does!(roles::kill_all)),
    fault("term-ingest", Ground::Stack, "SIGTERM to a front door", does!(g => roles::stop(g, &DOORS))),
    fault("term-persist", Ground::Stack, "SIGTERM to a persister", does!(g => roles::stop(g, &PERSISTERS))),
    fault("term-control", Ground::Stack, "SIGTERM to the read API", does!(g => roles::stop(g, &["control"]))),
    fault("rolling-restart", Ground::Stack, "every instance restarted, one by one", does!(rolling::restarts)),
    fault("zombie", Ground::Stack, "a persister stopped for 30 s and continued", does!(roles::zombie)),
    fault(
        "rebalance-storm",
        Ground::Stack,
        "a persister joins and leaves again and again",
        does!(roles::rebalance_storm),
    ),
    // Between two steps.
    fault(
        "between-save-and-commit",
        Ground::Stack,
        "a persister dies between storing a batch and committing it",
        does!(g => points::dies_at(g, &PERSISTERS, "persister::between_save_and_commit")),
    ),
    fault(
        "between-items",
        Ground::Stack,
        "a persister dies with half a batch stored",
        does!(g => points::dies_at(g, &PERSISTERS, "persister::between_items")),
    ),
    fault(
        "between-rows",
        Ground::Stack,
        "a persister dies between the rows beside a run and the run",
        does!(g => points::dies_at(g, &PERSISTERS, "scylla::between_rows_and_run")),
    ),
    fault(
        "between-claim-and-append",
        Ground::Stack,
        "a front door dies between claiming ids and appending",
        does!(g => points::dies_at(g, &DOORS, "admission::between_claim_and_append")),
    ),
    short(fault(
        "between-append-and-confirm",
        Ground::Stack,
        "a front door dies between appending and confirming",
        does!(g => points::dies_at(g, &DOORS, "admission::between_append_and_confirm")),
    )),
    // Redis.
    short(fault(
        "redis-down",
        Ground::Stack,
        "connections to Redis are refused",
        does!(g => gate::is(g, Mode::Refuse)),
    )),
    fault(
        "redis-hangs",
        Ground::Stack,
        "Redis takes requests and does not answer",
        does!(g => gate::is(g, Mode::Hang)),
    ),
    fault("redis-cut", Ground::Stack, "Redis' answers break off", does!(g => gate::is(g, Mode::CutAfter(5_000)))),
    fault("redis-flushed", Ground::Stack, "Redis forgets everything, five times", does!(gate::flushed)),
    fault("redis-killed", Ground::Stack, "kill -9 of Redis, which comes back empty", does!(gate::killed)),
    fault(
        "redis-empty-store-hangs",
        Ground::Stack,
        "Redis comes back empty, and then the store hangs for 20 s",
        does!(gate::killed_before_the_store_hangs),
    ),
    // The store.
    fault(
        "store-down",
        Ground::Stack,
        "the store is away for 60 s",
        does!(g => store::is(g, Mode::Refuse, Duration::from_secs(60))),
    ),
    fault(
        "store-slow",
        Ground::Stack,
        "the store answers 300 ms late for 20 s",
        does!(g => store::is(g, Mode::Delay(Duration::from_millis(300)), Duration::from_secs(20))),
    ),
    fault(
        "store-errors",
        Ground::Stack,
        "one in ten chunks sent to the store cuts its connection, for 20 s",
        does!(g => store::is(g, Mode::CutShare(10), Duration::from_secs(20))),
    ),
    fault(
        "listings-truncated",
        Ground::Stack,
        "listings are truncated under the persisters that wrote them, and all is replayed",
        does!(losses::listings_truncated),
    ),
    // Clients and what they send.
    fault("release-reads-nothing", Ground::Stack, "a release that fails every record", does!(release::reads_nothing)),
    fault("poison", Ground::Stack, "records on the topic that cannot be decoded", does!(poison::records)),
    fault("ranges", Ground::Stack, "records at the ends of every range, on the topic", does!(ranges::records)),
    fault("clock-steps", Ground::Stack, "one front door's clock leaps by 1 h, forth and back", does!(clocks::step)),
    fault("clocks-apart", Ground::Stack, "two front doors' clocks are 5 min apart", does!(clocks::apart)),
    fault(
        "broker-clock-apart",
        Ground::Stack,
        "one front door's clock is 150 s away from the broker's, either way",
        does!(clocks::apart_from_the_broker),
    ),
    fault(
        "group-deleted",
        Ground::Stack,
        "the persisters' group is deleted while they are down",
        does!(standstill::group_deleted),
    ),
    fault(
        "one-braked",
        Ground::Stack,
        "150 unreadable records stop one partition beside others that go on",
        does!(standstill::one_braked),
    ),
    fault("spike", Ground::Stack, "20 times the load for 10 s, below the line", does!(spike::below_the_line)),
    fault("clients-leave", Ground::Stack, "clients leave before their answer", does!(clients::leave)),
    fault(
        "slow-headers",
        Ground::Stack,
        "200 clients dawdle over their headers",
        does!(g => clients::dawdle(g, false)),
    ),
    fault("slow-bodies", Ground::Stack, "200 clients dawdle over their bodies", does!(g => clients::dawdle(g, true))),
    fault("idle-connections", Ground::Stack, "10,000 connections that say nothing", does!(idle::connections)),
    fault(
        "connections-full",
        Ground::Stack,
        "5,000 connections that say nothing, at a front door that takes 1,000",
        does!(idle::more_than_fit),
    ),
    fault(
        "topic-missing",
        Ground::Stack,
        "processes start where their topic is not",
        does!(g => starts::refused(
            g,
            ("TIDEGATE_KAFKA__GENERATION", "2"),
            "does not exist: run `tidegate topics create`"
        )),
    ),
    fault(
        "topic-smaller",
        Ground::Stack,
        "processes start where their topic has fewer partitions",
        does!(g => starts::refused(g, ("TIDEGATE_KAFKA__PARTITIONS", "12"), "partitions")),
    ),
    // Kafka.
    fault(
        "kafka-down",
        Ground::OwnKafka,
        "connections to Kafka are refused, for 20 s",
        does!(g => log_server::is(g, Mode::Refuse, Duration::from_secs(20))),
    ),
    fault(
        "kafka-slow",
        Ground::OwnKafka,
        "Kafka answers 150 ms late for 20 s",
        does!(g => log_server::is(g, Mode::Delay(Duration::from_millis(150)), Duration::from_secs(20))),
    ),
    fault(
        "kafka-hangs",
        Ground::OwnKafka,
        "Kafka takes nothing and says nothing for 20 s",
        does!(g => log_server::is(g, Mode::Hang, Duration::from_secs(20))),
    ),
    fault(
        "write-times-out",
        Ground::OwnKafka,
        "writes reach Kafka and their answers do not come, for 20 s",
        does!(g => log_server::is(g, Mode::HangAnswers, Duration::from_secs(20))),
    ),
    fault("kafka-restarted", Ground::OwnKafka, "Kafka ends in order, and by kill -9", does!(log_server::restarted)),
    fault("record-too-large", Ground::OwnKafka, "Kafka takes small records only", does!(log_server::limits_records)),
    fault("leader-killed", Ground::Cluster, "kill -9 of the broker that leads a partition", does!(leaders::killed)),
    // The store, killed.
    fault(
        "store-killed-periodic",
        Ground::OwnStore,
        "kill -9 of a store that acknowledges before it syncs",
        does!(g => losses::killed(g, "periodic")),
    ),
    fault(
        "store-killed-batch",
        Ground::OwnStore,
        "kill -9 of a store that syncs before it acknowledges",
        does!(g => losses::killed(g, "batch")),
    ),
    // What brings its own.
    fault(
        "topic-recreated",
        Ground::Own,
        "the topic is deleted and created again under running processes",
        does!(standstill::topic_recreated),
    ),
    short(fault("throttled", Ground::Own, "Kafka answers that a quota is exceeded (mock)", does!(mock::throttled))),
    fault("producer-fatal", Ground::Own, "Kafka's answers make the producer give up (mock)", does!(mock::fatal)),
    fault("spike-shed", Ground::Own, "20 times the load for 10 s, above the line", does!(spike::above_the_line)),
    fault("dev-kill", Ground::Own, "kill -9 of tidegate dev", does!(roles::kill_alone)),
    fault("dev-term", Ground::Own, "SIGTERM to tidegate dev", does!(roles::stop_alone)),
    fault(
        "dev-between-write-and-commit",
        Ground::Own,
        "tidegate dev dies inside its log's transaction",
        does!(g => points::dies_at(g, &["server"], "embedded::between_write_and_commit")),
    ),
    short(fault(
        "dev-between-commit-and-answer",
        Ground::Own,
        "tidegate dev dies between its log's commit and the answers",
        does!(g => points::dies_at(g, &["server"], "embedded::between_commit_and_answer")),
    )),
    short(fault(
        "dev-between-save-and-commit",
        Ground::Own,
        "tidegate dev dies between storing a batch and committing it",
        does!(g => points::dies_at(g, &["server"], "persister::between_save_and_commit")),
    )),
    short(fault(
        "log-reader-stalled",
        Ground::Own,
        "the log lines of tidegate dev are not read, and there are many",
        does!(g => logs::are_not_taken(g, Stream::Stalled)),
    )),
    fault(
        "log-disk-full",
        Ground::Own,
        "the disk for the log lines of tidegate dev is full",
        does!(g => logs::are_not_taken(g, Stream::Full)),
    ),
    fault("disk-full", Ground::Own, "the disk of tidegate dev is full", does!(disk::full)),
    short(fault("torn-tail", Ground::Own, "half a write stands at the end of the files", does!(corruption::torn_tail))),
    short(fault("bit-flips", Ground::Own, "bits of the files flip while it is down", does!(corruption::bit_flips))),
    short(fault(
        "wal-flips",
        Ground::Own,
        "a bit of one write-ahead log flips while it is down",
        does!(corruption::wal_flips),
    )),
];

const DOORS: [&str; 2] = ["ingest-0", "ingest-1"];
const PERSISTERS: [&str; 2] = ["persist-0", "persist-1"];

/// The fault of this name.
pub fn named(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}
