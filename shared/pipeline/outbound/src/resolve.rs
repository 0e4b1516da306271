//! Looking names up.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Look-ups of one process at once. One that hangs keeps a thread until the system gives up, whoever waits for it.
const AT_ONCE: usize = 64;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Every address of a name, in the order in which they should be tried.
    ///
    /// # Errors
    /// The name has none, or nothing answers.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own resolver.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    at_once: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        SystemResolver { at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = self.at_once.clone().acquire_owned().await.map_err(io::Error::other)?;
        let name = name.to_owned();
        let looking = spawn_blocking(move || {
            let _permit = permit;
            let found = (name.as_str(), 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect())
        });
        looking.await.map_err(io::Error::other)?
    }
}
