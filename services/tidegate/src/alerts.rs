//! Sending a team's alerts: the outbox that all writers of messages share, and the jobs that send what it has.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::guard::guard_alert;
use tidegate_agentping_alerts::{AlertEvent, Naming, Outbox};
use tidegate_agentping_settings::{GuardEvent, TeamSettings};
use tidegate_control::{GuardEvents, Management};
use tidegate_lifecycle::Stop;
use tidegate_mirror::Mirror;
use tidegate_outbound::Outbound;
use tidegate_ports::Clock;
use tidegate_pulse::sending::{AlertSender, SendingParts, TeamNames};
use tokio::sync::Notify;

use crate::assemble::SettingsPorts;
use crate::config::{AlertsConfig, Config};
use crate::failure::Failure;

/// Stores what guard finds as messages.
pub struct GuardMessages(pub Outbox);

#[async_trait]
impl GuardEvents for GuardMessages {
    async fn found(&self, team: TeamId, events: &[GuardEvent], guard_check_id: Option<&str>) -> bool {
        let events: Vec<AlertEvent> = events.iter().map(|event| guard_alert(team, event, guard_check_id)).collect();
        let stored = self.0.put(&events).await;
        stored
            .inspect_err(
                |error| tracing::warn!(kind = %error.kind(), %error, "a message of guard cannot be stored now"),
            )
            .is_ok()
    }
}

/// The outbox of a process, and what its sender needs.
#[derive(Clone)]
pub struct Alerts {
    pub outbox: Outbox,
    pub client: Outbound,
    settings: SettingsPorts,
    mirror: Mirror<TeamSettings>,
    clock: Arc<dyn Clock>,
    names: TeamNames,
    config: AlertsConfig,
    wake: Arc<Notify>,
}

impl Alerts {
    /// # Errors
    /// TLS cannot be used.
    pub fn new(
        config: &Config,
        settings: &SettingsPorts,
        mirror: &Mirror<TeamSettings>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let config = config.alerts.clone();
        let client = Outbound::new(config.targets.clone(), AlertsConfig::LIMITS, config.trust.clone());
        let client =
            client.map_err(|error| Failure::broken(format!("alerts cannot be sent: {error}")).caused_by(error))?;
        let names = TeamNames::default();
        let naming = Naming { public_url: config.public_url.clone(), team_name: names.find() };
        let wake = Arc::new(Notify::new());
        let waker = wake.clone();
        let outbox = Outbox::new(settings.rows.clone(), mirror.clone(), clock.clone(), naming)
            .with_wake(Arc::new(move || waker.notify_one()));
        let (settings, mirror, clock) = (settings.clone(), mirror.clone(), clock.clone());
        Ok(Alerts { outbox, client, settings, mirror, clock, names, config, wake })
    }

    /// Of what the management API works on, which then stores its messages here.
    ///
    /// # Errors
    /// TLS cannot be used.
    pub fn of(config: &Config, managed: Management, clock: &Arc<dyn Clock>) -> Result<(Self, Management), Failure> {
        let Management { documents, rows, mirror, registry, .. } = managed.clone();
        let alerts = Alerts::new(config, &SettingsPorts { documents, rows, registry }, &mirror, clock)?;
        let naming = Naming { public_url: config.alerts.public_url.clone(), team_name: alerts.names.find() };
        let managed = managed.with_alerts(naming, alerts.client.clone());
        let managed = Management { outbox: alerts.outbox.clone(), ..managed };
        Ok((alerts, managed))
    }

    /// Sends what waits, whoever stored it.
    pub async fn send(self, stop: Stop) {
        let parts = SendingParts {
            rows: self.settings.rows,
            documents: self.settings.documents,
            settings: self.mirror,
            clock: self.clock,
            outbox: self.outbox,
            client: self.client,
            mailer: self.config.mailer,
            user_agent: concat!("Tidegate/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        AlertSender::new(parts, self.wake).run(stop.stopped()).await;
    }

    /// Follows the names of teams, which messages and their links have.
    pub async fn follow_names(self, stop: Stop) {
        self.names.follow(self.settings.registry, stop.stopped()).await;
    }
}
