//! The judge, what follows it, and the sender of alerts.

use std::sync::Arc;

use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::Timestamp;
use tidegate_lifecycle::Parts;
use tidegate_mirror::Mirror;
use tidegate_pulse::checks::{CheckAlerts, CheckRunner};
use tidegate_pulse::judge::{JudgeLease, JudgePorts, JudgeRole, RegistryAgents, Standby};
use tidegate_pulse::messages::{JudgedMessages, SettingsRoutes, SpendMessages};
use tidegate_pulse::rounds::Rounds;
use tidegate_pulse::spend::{GuardWatch, SpendKeeper, SpendRound, SpendWatch};
use tokio::sync::watch;

use super::Roles;
use crate::alerts::Alerts;
use crate::assemble::{PulsePorts, SettingsPorts};

impl Roles {
    /// Judges schedules and runs, alone or while this process has the lease, and sends alerts.
    pub fn start_pulse(
        &mut self,
        parts: &Parts,
        PulsePorts { lag, accounts, feed, queries }: PulsePorts,
        settings: &SettingsPorts,
        mirror: Mirror<TeamSettings>,
        alerts: Alerts,
        is_alone: bool,
    ) {
        let SettingsPorts { documents, rows, registry } = settings.clone();
        let clock = self.clock.clone();
        let lease = || JudgeLease::new(documents, clock.clone(), "judge", self.process_name());
        let standby = if is_alone { Standby::Alone } else { Standby::Leased(Box::new(lease())) };
        let (judged, watermark) = watch::channel(Timestamp::FIRST);
        let rounds = Rounds {
            spend: SpendKeeper::new(feed.clone(), accounts.clone(), rows.clone(), clock.clone()),
            spend_watch: SpendWatch::new(rows.clone(), queries.clone(), registry.clone(), mirror.clone()),
            guard_watch: GuardWatch::new(rows.clone(), mirror.clone()),
            spend_messages: SpendMessages(alerts.outbox.clone()),
            clock: clock.clone(),
            unjudged: SpendRound::default(),
            checks: CheckRunner::new(
                feed.clone(),
                accounts.clone(),
                queries,
                rows.clone(),
                mirror.clone(),
                clock.clone(),
            ),
            check_alerts: CheckAlerts {
                rows: rows.clone(),
                outbox: alerts.outbox.clone(),
                settings: mirror.clone(),
                clock: clock.clone(),
            },
            untaken: Vec::new(),
            judged: watermark,
        };
        let ports = JudgePorts {
            lag,
            accounts,
            feed,
            settings: mirror,
            rows,
            seen: Arc::new(RegistryAgents(registry)),
            outbox: Arc::new(JudgedMessages(alerts.outbox.clone())),
            routes: Arc::new(SettingsRoutes),
            clock: clock.clone(),
        };
        let role = JudgeRole { ports, options: self.config.pulse, every: JudgeRole::EVERY, standby, judged };
        self.jobs.push(parts.start("judge", |stop| role.run(stop)));
        self.jobs.push(parts.start("spend and checks", |stop| rounds.run(stop)));
        self.start_team_names(parts, alerts.clone());
        self.jobs.push(parts.start("alerts", |stop| alerts.send(stop)));
    }

    /// Follows the names of teams, which messages have.
    pub fn start_team_names(&mut self, parts: &Parts, alerts: Alerts) {
        self.jobs.push(parts.start("team names", |stop| alerts.follow_names(stop)));
    }

    /// Names this process, and no other one.
    pub(super) fn process_name(&self) -> String {
        self.ids.random().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
