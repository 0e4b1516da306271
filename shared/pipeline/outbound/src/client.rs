//! Sending a message: judge, look up, judge, connect, send, read.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::Method;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout, timeout_at};

use crate::address::judge;
use crate::answer::ReceiverAnswer;
use crate::connection::{connect, exchange};
use crate::limits::SendLimits;
use crate::message::Message;
use crate::resolve::Resolve;
use crate::send_error::SendError;
use crate::system_resolver::SystemResolver;
use crate::target::{Target, TargetHost, TargetPolicy, UrlRule};
use crate::trust::{Trust, TrustError};

/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;

/// The client. Cheap to clone. Each request has a connection of its own.
#[derive(Clone)]
pub struct Outbound {
    policy: Arc<TargetPolicy>,
    limits: SendLimits,
    tls: Arc<ClientConfig>,
    resolver: Arc<dyn Resolve>,
}

impl Outbound {
    /// # Errors
    /// TLS cannot be used.
    pub fn new(policy: TargetPolicy, limits: SendLimits, trust: Trust) -> Result<Self, TrustError> {
        let resolver = Arc::new(SystemResolver::shared());
        Ok(Outbound { policy: Arc::new(policy), limits, tls: trust.into_config()?, resolver })
    }

    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Self {
        Outbound { resolver, ..self }
    }

    /// Judges a URL without looking its name up.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn target(&self, url: &str) -> Result<Target, UrlRule> {
        Target::parse(url, &self.policy)
    }

    /// Judges a URL, and the addresses of its name if it has any by now. Each sending judges both again.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub async fn judge(&self, url: &str) -> Result<(), SendError> {
        let target = self.target(url)?;
        match timeout(self.limits.connect, self.addresses(&target)).await {
            Ok(Err(error @ SendError::Address(_))) => Err(error),
            // A name that cannot be looked up now is judged when something is sent.
            _ => Ok(()),
        }
    }

    /// Sends a message once. Any status is an answer, a redirect as well.
    ///
    /// # Errors
    /// [`SendError`]: none came.
    pub async fn send(&self, message: &Message) -> Result<ReceiverAnswer, SendError> {
        self.ask(&Method::POST, message).await
    }

    /// The same by another method.
    ///
    /// # Errors
    /// [`SendError`]: no answer came.
    pub async fn ask(&self, method: &Method, message: &Message) -> Result<ReceiverAnswer, SendError> {
        let target = self.target(&message.url)?;
        let until = Instant::now() + self.limits.whole;
        let connecting = async {
            let addresses = self.addresses(&target).await?;
            connect(&addresses, self.limits.connect).await
        };
        let late = |_| SendError::Timeout(self.limits.whole);
        let stream = timeout_at(until, connecting).await.map_err(late)??;
        exchange(stream, &target, (method, message), &self.tls, (until, &self.limits)).await
    }

    /// The addresses of a target. If one of them is not allowed, none is: a receiver that is public has no other.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, SendError> {
        let found = match &target.host {
            TargetHost::Address(address) => vec![*address],
            TargetHost::Name(name) => self.resolver.addresses(name).await.map_err(|error| unresolved(&error))?,
        };
        found.iter().try_for_each(|address| judge(*address, &self.policy.networks)).map_err(SendError::Address)?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.truncate(MAX_ADDRESSES);
        match addresses.is_empty() {
            true => Err(SendError::Unresolved),
            false => Ok(addresses.into_iter().map(|address| SocketAddr::new(address, target.port)).collect()),
        }
    }
}

fn unresolved(error: &io::Error) -> SendError {
    match error.kind() {
        ErrorKind::TimedOut => SendError::LookUpLate,
        ErrorKind::ResourceBusy => SendError::LookUpsBusy,
        _ => SendError::Unresolved,
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("policy", &self.policy).field("limits", &self.limits).finish_non_exhaustive()
    }
}
