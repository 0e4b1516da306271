//! What stores, judges and sends alerts, as the operator has set it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::guard::guard_alert;
use tidegate_agentping_alerts::{AlertEvent, AlertOutbox, Naming};
use tidegate_agentping_settings::{GuardEvent, TeamSettings};
use tidegate_control::{GuardEvents, Management};
use tidegate_mirror::Mirror;
use tidegate_outbound::{Outbound, PortRule, SendLimits, TargetPolicy};
use tidegate_ports::{Clock, Rows};
use tidegate_pulse::sending::{AlertMailer, SendingParts, TeamNames};
use tokio::sync::Notify;

use crate::assemble::SettingsPorts;
use crate::config::AlertsSection;
use crate::failure::Failure;

/// A receiver answers within 15 seconds, and no more than 64 KiB of its answer is read.
const LIMITS: SendLimits =
    SendLimits { whole: Duration::from_secs(15), connect: Duration::from_secs(5), body_bytes: 64 << 10 };

/// What the roles of a process share of alerts. Cheap to clone.
#[derive(Clone)]
pub struct Alerting {
    client: Outbound,
    mailer: Option<AlertMailer>,
    public_url: Option<String>,
    pub names: TeamNames,
    /// Notified when something is stored that is to be sent.
    pub wake: Arc<Notify>,
}

impl Alerting {
    /// `own_url`: where people reach the control port, if nothing else is set.
    ///
    /// # Errors
    /// TLS cannot be used.
    pub fn of(section: &AlertsSection, own_url: Option<String>) -> Result<Self, Failure> {
        let policy = TargetPolicy {
            allow_http: section.allow_http,
            networks: section.allow_targets.clone(),
            ports: PortRule::OwnOrHigh,
        };
        let broken = |error: String| Failure::broken(format!("alerts cannot be sent: {error}"));
        let client = Outbound::new(policy, LIMITS, section.trust.clone()).map_err(|error| broken(error.to_string()))?;
        let mailer = section.mail.clone().map(AlertMailer::new).transpose();
        Ok(Alerting {
            client,
            mailer: mailer.map_err(|error| broken(error.to_string()))?,
            public_url: section.public_url.clone().or(own_url),
            names: TeamNames::default(),
            wake: Arc::new(Notify::new()),
        })
    }

    /// Where messages are stored.
    pub fn outbox(&self, rows: Arc<dyn Rows>, settings: Mirror<TeamSettings>, clock: Arc<dyn Clock>) -> AlertOutbox {
        let naming = Naming { public_url: self.public_url.clone(), team_name: self.names.find() };
        let wake = self.wake.clone();
        AlertOutbox::new(rows, settings, clock, naming).with_wake(Arc::new(move || wake.notify_one()))
    }

    /// What teams manage, with routes.
    pub fn managed(&self, managed: Management, clock: Arc<dyn Clock>) -> Management {
        let outbox = self.outbox(managed.rows.clone(), managed.mirror.clone(), clock);
        managed.with_alerts(outbox, self.client.clone(), self.mailer.is_some())
    }

    /// What the sender needs.
    pub fn sending(
        &self,
        settings: &SettingsPorts,
        mirror: Mirror<TeamSettings>,
        outbox: AlertOutbox,
        clock: Arc<dyn Clock>,
    ) -> SendingParts {
        SendingParts {
            rows: settings.rows.clone(),
            documents: settings.documents.clone(),
            settings: mirror,
            clock,
            outbox,
            client: self.client.clone(),
            mailer: self.mailer.clone(),
            user_agent: format!("Tidegate/{}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// Stores what guard finds as messages.
pub struct GuardMessages(pub AlertOutbox);

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
