//! What the management API works on.

use std::sync::Arc;

use tidegate_agentping_alerts::{Naming, Outbox};
use tidegate_agentping_ports::Registry;
use tidegate_agentping_settings::TeamSettings;
use tidegate_mirror::Mirror;
use tidegate_outbound::Outbound;
use tidegate_ports::{Clock, Documents, Rows};

/// The ports behind what teams manage.
#[derive(Clone)]
pub struct Management {
    /// What teams set.
    pub documents: Arc<dyn Documents>,
    /// What is derived and shown.
    pub rows: Arc<dyn Rows>,
    /// A copy of the documents in memory.
    pub mirror: Mirror<TeamSettings>,
    pub registry: Arc<dyn Registry>,
    /// The address under which clients reach the front door, without a slash at its end.
    pub ingest_url: String,
    /// Where messages that people ask for are stored.
    pub outbox: Outbox,
    /// Judges the URLs of routes as the sender does; `None`: routes with a URL cannot be made here.
    pub receivers: Option<Outbound>,
}

impl Management {
    /// With a copy that has read nothing yet: it reads a team's documents when the team changes them, and the others once
    /// it [follows](Mirror::follow).
    pub fn new(
        documents: Arc<dyn Documents>,
        rows: Arc<dyn Rows>,
        registry: Arc<dyn Registry>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mirror = Mirror::unread(documents.clone(), clock.clone());
        let outbox = Outbox::new(rows.clone(), mirror.clone(), clock, Naming::none());
        let ingest_url = "http://localhost:8080".to_owned();
        Management { documents, rows, mirror, registry, ingest_url, outbox, receivers: None }
    }

    /// Clients reach the front door there.
    #[must_use]
    pub fn with_ingest_url(mut self, url: &str) -> Self {
        self.ingest_url = url.trim_end_matches('/').to_owned();
        self
    }

    /// Messages have these names and links: mail needs the deployment's own URL. Receivers are judged by this client, which
    /// has the policy of the sender.
    #[must_use]
    pub fn with_alerts(mut self, naming: Naming, receivers: Outbound) -> Self {
        self.outbox = self.outbox.with_naming(naming);
        self.receivers = Some(receivers);
        self
    }
}
