//! Looking names up.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Every address of a name, in the order in which they should be tried.
    ///
    /// # Errors
    /// The name has none, or nothing answers. [`TimedOut`](io::ErrorKind::TimedOut): not in time;
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy): too many look-ups hang. Both may pass.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}
