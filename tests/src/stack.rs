//! Distributed deployments on the real stack: Kafka, a store that speaks CQL, and Redis.
//!
//! The stack is there already (`make stack-up`); a test that finds no server says so. Everything that a deployment
//! makes there has a random name, and is removed when it ends, however that happens.

mod deploy;
pub mod foreign;
mod leftovers;
pub mod log_client;
pub mod redis_server;
pub mod rows;
mod settings;
pub mod sweep;

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

pub use leftovers::Leftovers;
pub use log_client::{LogClient, Seen};
pub use redis_server::RedisServer;
pub use settings::{GroupProtocol, Lines, Settings};

/// How long a server of the stack may take to accept a connection.
const CONNECTS: Duration = Duration::from_secs(10);

/// Where the stack answers, as `host:port`.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub kafka: String,
    pub cql: String,
    pub redis: String,
}

impl Addresses {
    /// Those that `TIDEGATE_TEST_KAFKA`, `TIDEGATE_TEST_CQL` and `TIDEGATE_TEST_REDIS` name, or else the ports of
    /// `make stack-up`.
    ///
    /// # Panics
    /// If no server is there.
    pub fn found() -> Self {
        let found = |variable: &str, usual: &str| {
            let given = std::env::var_os(variable).and_then(|address| address.into_string().ok());
            let address = given.unwrap_or_else(|| usual.to_owned());
            let mut resolved =
                address.to_socket_addrs().unwrap_or_else(|error| panic!("{variable}={address}: {error}"));
            let reached = resolved.any(|one| TcpStream::connect_timeout(&one, CONNECTS).is_ok());
            assert!(reached, "no server listens on {address} ({variable}): start the real stack: make stack-up");
            address
        };
        Addresses {
            kafka: found("TIDEGATE_TEST_KAFKA", "127.0.0.1:19092"),
            cql: found("TIDEGATE_TEST_CQL", "127.0.0.1:19042"),
            redis: found("TIDEGATE_TEST_REDIS", "127.0.0.1:16379"),
        }
    }
}
