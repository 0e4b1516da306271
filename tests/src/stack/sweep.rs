//! Removes what a deployment left on the stack: its topics, its keyspaces, the keys of its gate.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::rows::Rows;
use super::{Addresses, log_client};

const ANSWERS: Duration = Duration::from_secs(30);
const KEYS_AT_ONCE: usize = 1_000;

/// Removes topics and keys that begin with `prefix`, and keyspaces that begin with `keyspace`. What cannot be removed
/// stays: the next test run has other names.
pub async fn sweep(prefix: &str, keyspace: &str, stack: &Addresses) -> Result<(), String> {
    let (topics, keyspaces, keys) =
        tokio::join!(topics(prefix, stack), keyspaces(keyspace, stack), keys(prefix, &stack.redis));
    topics.and(keyspaces).and(keys)
}

async fn topics(prefix: &str, stack: &Addresses) -> Result<(), String> {
    let told = |error: rdkafka::error::KafkaError| format!("topics: {error}");
    let (config, prefix) = (log_client::config(&stack.kafka), format!("{prefix}."));
    let listing = config.clone();
    let listed = move || {
        let consumer: BaseConsumer = listing.create().map_err(told)?;
        let metadata = consumer.fetch_metadata(None, ANSWERS).map_err(told)?;
        let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
        Ok::<_, String>(names.filter(|name| name.starts_with(&prefix)).collect::<Vec<_>>())
    };
    let names = tokio::task::spawn_blocking(listed).await.map_err(|error| error.to_string())??;
    let admin: AdminClient<DefaultClientContext> = config.create().map_err(told)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    admin.delete_topics(&names, &AdminOptions::new().request_timeout(Some(ANSWERS))).await.map(drop).map_err(told)
}

async fn keyspaces(keyspace: &str, stack: &Addresses) -> Result<(), String> {
    let rows = Rows::connect(&stack.cql).await?;
    let derived = format!("{keyspace}_");
    for name in rows.keyspaces().await? {
        if name == keyspace || name.starts_with(&derived) {
            rows.execute(&format!("DROP KEYSPACE IF EXISTS \"{name}\"")).await?;
        }
    }
    Ok(())
}

async fn keys(prefix: &str, address: &str) -> Result<(), String> {
    let told = |error: redis::RedisError| format!("keys: {error}");
    let client = redis::Client::open(format!("redis://{address}")).map_err(told)?;
    let mut connection = client.get_multiplexed_async_connection().await.map_err(told)?;
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("*{prefix}*")).arg("COUNT").arg(KEYS_AT_ONCE);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await.map_err(told)?;
        if !keys.is_empty() {
            let _: u64 = redis::cmd("UNLINK").arg(keys).query_async(&mut connection).await.map_err(told)?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}
