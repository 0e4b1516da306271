//! The system's own resolver.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use crate::limits::LookUpLimits;
use crate::look_ups::LookUps;
use crate::resolve::Resolve;

/// The system's own resolver. The look-ups of a process share [limits](LookUpLimits).
#[derive(Clone)]
pub struct SystemResolver(Arc<LookUps<Blocking>>);

impl SystemResolver {
    /// The one of this process.
    pub fn shared() -> Self {
        static SHARED: OnceLock<SystemResolver> = OnceLock::new();
        let new = || SystemResolver(Arc::new(LookUps::new(Blocking, LookUpLimits::USUAL)));
        SHARED.get_or_init(new).clone()
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.addresses(name).await
    }
}

/// Each look-up keeps a thread until the system gives up, whoever waits for it.
struct Blocking;

#[async_trait]
impl Resolve for Blocking {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let name = name.to_owned();
        let looking = spawn_blocking(move || {
            let found = (name.as_str(), 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect())
        });
        looking.await.map_err(io::Error::other)?
    }
}
