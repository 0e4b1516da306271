//! A keyspace of one's own on the real cluster, shared by the tests of one binary that run at the same time.

pub mod history;
pub mod proxy;

use std::sync::{Arc, Weak};
use std::time::Duration;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Ids, RandomIds, SystemClock};
use tidegate_scylla::{
    AgentPingCql, Comparison, Consistency, Cql, Replication, ScyllaCommands, ScyllaOptions, agentping, commands,
    compare, migrations,
};
use tokio::sync::Mutex;

/// Where the real cluster is.
#[expect(clippy::disallowed_methods, reason = "tests are told where the stack is by the environment")]
pub fn node() -> String {
    std::env::var("TIDEGATE_TEST_CQL").unwrap_or_else(|_| "127.0.0.1:19042".to_owned())
}

/// Longer than a busy machine keeps a client or a node from its turn. No test waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Options for a keyspace that may or may not be there.
pub fn options(keyspace: &str) -> ScyllaOptions {
    ScyllaOptions {
        nodes: vec![node()],
        keyspace: keyspace.to_owned(),
        region: Region::Eu,
        datacenter: None,
        user: None,
        consistency: Consistency::LocalQuorum,
        connect_timeout: PATIENCE,
        request_timeout: PATIENCE,
        retries: 5,
        concurrency: 32,
    }
}

/// Compares two keyspaces of AgentPing, of whose rows none ends.
pub async fn compared(one: &str, other: &str) -> Comparison {
    let at = Timestamp::from_millis(0);
    compare::keyspaces(&options(one), &agentping::SCHEMA, [one, other], at).await.expect("compared")
}

/// A unique name.
pub fn fresh_keyspace() -> String {
    let random: String = RandomIds.random().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("tidegate_test_{random}")
}

/// A bare session, for looking at tables and for breaking them.
pub async fn session() -> Session {
    let builder = SessionBuilder::new().known_node(node()).connection_timeout(PATIENCE);
    // Of a whole test run's keyspaces, only what is asked for matters.
    let builder = builder.fetch_schema_metadata(false);
    builder.build().await.expect("start the real stack: make stack-up")
}

/// A migrated keyspace, dropped with its last holder.
pub struct Keyspace {
    pub name: String,
}

static SHARED: Mutex<Weak<Keyspace>> = Mutex::const_new(Weak::new());

impl Keyspace {
    /// One for the caller alone.
    pub async fn fresh() -> Self {
        let name = fresh_keyspace();
        let made = migrations::apply(&options(&name), &Replication::Simple(1), &agentping::SCHEMA).await;
        made.expect("start the real stack: make stack-up");
        Keyspace { name }
    }

    /// One of a command API.
    pub async fn of_commands() -> Self {
        let name = fresh_keyspace();
        let made = migrations::apply(&options(&name), &Replication::Simple(1), &commands::SCHEMA).await;
        made.expect("start the real stack: make stack-up");
        Keyspace { name }
    }

    /// The tables of a command API in it.
    pub async fn commands(&self) -> ScyllaCommands {
        let cql = Cql::connect(&options(&self.name), &commands::SCHEMA).await.expect("connected");
        ScyllaCommands::new(cql, Arc::new(SystemClock))
    }

    /// The one that the tests of this binary share.
    pub async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(keyspace) = shared.upgrade() {
            return keyspace;
        }
        let keyspace = Arc::new(Keyspace::fresh().await);
        *shared = Arc::downgrade(&keyspace);
        keyspace
    }

    pub async fn connect(&self) -> AgentPingCql {
        Cql::connect(&options(&self.name), &agentping::SCHEMA).await.expect("connected")
    }
}

impl Drop for Keyspace {
    fn drop(&mut self) {
        let drop = format!("DROP KEYSPACE IF EXISTS {}", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { session().await.query_unpaged(drop, ()).await.is_ok() })
        });
        // The test has its verdict; a keyspace that stays is only untidy.
        let _ = dropping.join();
    }
}
