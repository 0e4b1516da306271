//! The settings of the front door, with their defaults. The binary reads and checks them.

use std::time::Duration;

use tidegate_door::ServeOptions;
use tidegate_kernel::Region;

/// All settings of the front door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestConfig {
    /// The endpoint's own region: ids of any other are refused.
    pub region: Region,
    /// Unknown members of JSON bodies are ignored instead of refused (AgentPing: rules shared by the JSON
    /// endpoints).
    pub ignore_unknown_members: bool,
    /// The largest body, decoded.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive as a whole.
    pub body_read_timeout: Duration,
    /// Requests in progress at once, those included whose client has left; further ones are refused with `503`.
    pub max_in_flight: u32,
    /// Bytes of their bodies at once, as sent and decoded; a request with more of them is refused with `503` before its
    /// body is read. At least twice `max_body_bytes`, so that the largest body fits with what it decodes to.
    pub max_body_bytes_in_flight: usize,
    /// Connections, header and idle timeouts, and how long a stop may take.
    pub serve: ServeOptions,
}

impl IngestConfig {
    /// The defaults for an endpoint of `region`.
    pub fn new(region: Region) -> Self {
        IngestConfig {
            region,
            ignore_unknown_members: false,
            max_body_bytes: 1024 * 1024,
            body_read_timeout: Duration::from_secs(10),
            max_in_flight: 2_048,
            max_body_bytes_in_flight: 256 * 1024 * 1024,
            serve: ServeOptions { port: "ingest", ..ServeOptions::default() },
        }
    }
}
