//! What the management API works on.

use std::sync::Arc;

use tidegate_agentping_alerts::{AlertOutbox, Naming};
use tidegate_agentping_ports::{Gate, Registry};
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
    pub outbox: AlertOutbox,
    /// Judges the URLs of routes as the sender does; `None`: routes with a URL cannot be made here.
    pub receivers: Option<Outbound>,
    /// Whether the deployment sends mail.
    pub sends_mail: bool,
    /// Where deleted agents give their slots back; `None`: whoever has the gate finds in the registry what was archived.
    pub gate: Option<Arc<dyn Gate>>,
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
        let outbox = AlertOutbox::new(rows.clone(), mirror.clone(), clock, Naming::none());
        let ingest_url = "http://localhost:8080".to_owned();
        Management {
            documents,
            rows,
            mirror,
            registry,
            ingest_url,
            outbox,
            receivers: None,
            sends_mail: false,
            gate: None,
        }
    }

    /// Clients reach the front door there.
    #[must_use]
    pub fn with_ingest_url(mut self, url: &str) -> Self {
        self.ingest_url = url.trim_end_matches('/').to_owned();
        self
    }

    /// Deleted agents give their slots back there.
    #[must_use]
    pub fn with_gate(self, gate: Option<Arc<dyn Gate>>) -> Self {
        Management { gate, ..self }
    }

    /// The same with another copy of the settings.
    #[must_use]
    pub fn with_mirror(mut self, mirror: Mirror<TeamSettings>) -> Self {
        self.outbox = self.outbox.with_settings(mirror.clone());
        Management { mirror, ..self }
    }

    /// Messages are stored by this outbox. Receivers are judged by this client, which has the policy of the sender.
    #[must_use]
    pub fn with_alerts(self, outbox: AlertOutbox, receivers: Outbound, sends_mail: bool) -> Self {
        Management { outbox, receivers: Some(receivers), sends_mail, ..self }
    }
}
