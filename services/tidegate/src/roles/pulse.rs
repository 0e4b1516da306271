//! The judge, what follows it, and the sender of alerts.

use std::sync::Arc;

use tidegate_agentping_ports::Registry;
use tidegate_agentping_settings::TeamSettings;
use tidegate_lifecycle::Parts;
use tidegate_mirror::Mirror;
use tidegate_pulse::agent_limits::AgentLimitWatch;
use tidegate_pulse::canary::CanarySender;
use tidegate_pulse::checks::{CheckAlerts, CheckRunner};
use tidegate_pulse::digest::{DigestKeeper, DigestRole};
use tidegate_pulse::judge::{JudgeLease, JudgeOptions, JudgePorts, JudgeRole, JudgedTo, RegistryAgents, Standby};
use tidegate_pulse::messages::SpendMessages;
use tidegate_pulse::rounds::Rounds;
use tidegate_pulse::sending::{SenderRole, SettingsRoutes};
use tidegate_pulse::spend::{GuardWatch, SpendKeeper, SpendWatch};
use tidegate_pulse::spend_follower::SpendFollower;
use tokio::sync::watch;

use super::Roles;
use crate::alerting::Alerting;
use crate::assemble::{PulsePorts, SettingsPorts};

impl Roles {
    /// Judges schedules and runs, alone or while this process has the lease, and sends alerts.
    pub fn start_pulse(
        &mut self,
        parts: &Parts,
        PulsePorts { lag, accounts, feed, dead_letters, queries }: PulsePorts,
        settings: &SettingsPorts,
        (mirror, alerting): (Mirror<TeamSettings>, &Alerting),
        is_alone: bool,
    ) {
        let SettingsPorts { documents, rows, registry } = settings.clone();
        let clock = self.clock.clone();
        let lease = |name| JudgeLease::new(documents.clone(), clock.clone(), name, self.process_name());
        let standby = |name| if is_alone { Standby::Alone } else { Standby::Leased(Box::new(lease(name))) };
        let outbox = alerting.outbox(rows.clone(), mirror.clone(), clock.clone());
        let sending = alerting.sending(settings, mirror.clone(), outbox.clone(), clock.clone());
        let sender = SenderRole { parts: sending, wake: alerting.wake.clone(), standby: standby("sender") };
        let standby = standby("judge");
        let (judged, watermark) = watch::channel(JudgedTo::default());
        let (followed, judged_to) = watch::channel(JudgedTo::default());
        let digests =
            DigestRole { keeper: DigestKeeper::new(rows.clone(), mirror.clone(), outbox.clone()), judged: judged_to };
        let rounds = Rounds {
            spend: SpendFollower::new(
                SpendKeeper::new(feed.clone(), accounts.clone(), rows.clone(), clock.clone()),
                SpendWatch::new(rows.clone(), queries.clone(), registry.clone(), mirror.clone(), clock.clone()),
                GuardWatch::new(rows.clone(), mirror.clone()),
                SpendMessages(outbox.clone()),
                clock.clone(),
            ),
            checks: CheckRunner::new(
                feed.clone(),
                accounts.clone(),
                queries,
                rows.clone(),
                mirror.clone(),
                clock.clone(),
            ),
            check_alerts: CheckAlerts::new(rows.clone(), outbox.clone(), mirror.clone(), clock.clone()),
            untaken: Vec::new(),
            agent_limits: AgentLimitWatch::new(rows.clone(), outbox.clone()),
            clock: clock.clone(),
            judged: watermark,
            followed,
        };
        let ports = JudgePorts {
            lag,
            accounts,
            feed,
            dead_letters,
            settings: mirror,
            rows,
            seen: Arc::new(RegistryAgents(registry.clone())),
            outbox: Arc::new(outbox),
            routes: Arc::new(SettingsRoutes),
            clock: clock.clone(),
        };
        let canary = self.canary(registry);
        let options = JudgeOptions { canary: canary.is_some(), ..self.config.pulse };
        if let Some(canary) = canary {
            self.jobs.push(parts.start("canary", |stop| canary.run(stop)));
        }
        let role = JudgeRole { ports, options, every: JudgeRole::EVERY, standby, judged };
        self.jobs.push(parts.start("judge", |stop| role.run(stop)));
        self.jobs.push(parts.start("spend and checks", |stop| rounds.run(stop)));
        self.jobs.push(parts.start("digests", |stop| digests.run(stop)));
        self.jobs.push(parts.start("sender", |stop| sender.run(stop)));
    }

    /// The canary, where one is configured.
    fn canary(&self, registry: Arc<dyn Registry>) -> Option<CanarySender> {
        let url = self.config.canary_url.as_deref()?;
        let sender = CanarySender::new(url, self.config.region, registry, self.clock.clone(), self.ids.clone());
        // The configuration has judged the URL.
        sender.inspect_err(|error| tracing::error!(%error, "there is no canary")).ok()
    }

    /// Follows the names of teams, which messages have.
    pub fn start_team_names(&mut self, parts: &Parts, alerting: &Alerting, registry: Arc<dyn Registry>) {
        let names = alerting.names.clone();
        self.jobs.push(parts.start("names of teams", |stop| names.follow(registry, stop.stopped())));
    }

    /// Names this process, and no other one.
    pub(super) fn process_name(&self) -> String {
        self.ids.random().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
