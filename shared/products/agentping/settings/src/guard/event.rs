//! What people are alerted to: a rule or a pause that blocks, and a rule that is near its limit.

use sha2::{Digest, Sha256};
use tidegate_agentping::{AgentNames, Slug, TeamId};
use tidegate_agentping_pulse::spend::{SpendOf, SpendWindow, day_of};
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use super::asked::GuardCheck;
use crate::pause::PauseSpan;
use crate::rule::{RuleAction, RuleDoc};

/// From which part of a block rule's limit on it warns, in hundredths.
const WARNS_FROM_PERCENT: u64 = 80;

/// Whether a rule blocks or warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GuardEventKind {
    /// A block rule whose limit is reached, or a pause.
    Blocked,
    /// A block rule at 80 % of its limit, or a warn rule whose limit is reached.
    Warning,
}

impl GuardEventKind {
    /// What a rule with this spend says; `None`: nothing.
    pub const fn of(action: RuleAction, spent: Usd, limit: Usd) -> Option<Self> {
        let (spent, limit) = (spent.as_nanos(), limit.as_nanos());
        match action {
            RuleAction::Block if spent >= limit => Some(GuardEventKind::Blocked),
            RuleAction::Block if is_near(spent, limit) => Some(GuardEventKind::Warning),
            RuleAction::Warn if spent >= limit => Some(GuardEventKind::Warning),
            RuleAction::Block | RuleAction::Warn => None,
        }
    }

    /// The kind of the alert.
    pub const fn as_str(self) -> &'static str {
        match self {
            GuardEventKind::Blocked => "guard_blocked",
            GuardEventKind::Warning => "guard_warning",
        }
    }
}

const fn is_near(spent: u64, limit: u64) -> bool {
    spent as u128 * 100 >= limit as u128 * WARNS_FROM_PERCENT as u128
}

/// One thing to alert to. The same rule, agent, kind and window is the same event however often it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardEvent {
    pub kind: GuardEventKind,
    /// The id of the rule, or of the pause.
    pub rule: SmolStr,
    pub rule_name: SmolStr,
    /// The agent that was asked about, and by its [key](tidegate_agentping::names) once it is handed on; `None`: the
    /// check named none, or it is a warning about the spend of a team or a customer, which is given once, whoever asks,
    /// or the whole team is paused.
    pub agent: Option<SmolStr>,
    /// Since when the rule's window counts; for a rolling window the day of now, so that it alerts once a day. Of a
    /// pause its beginning. `None`: all time.
    pub window_from: Option<Timestamp>,
    pub cause: GuardEventCause,
    /// When it was seen; of a pause its beginning.
    pub at: Timestamp,
}

/// What a rule or a pause goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardEventCause {
    Spend { spent: Usd, limit: Usd },
    Pause(PauseSpan),
}

impl GuardEvent {
    pub(super) fn of(
        (id, rule): (&SmolStr, &RuleDoc),
        kind: GuardEventKind,
        check: &GuardCheck,
        spent: Usd,
        at: Timestamp,
    ) -> Self {
        let window_from = match rule.window {
            SpendWindow::Total => None,
            SpendWindow::Hours(_) => Some(day_of(at)),
            window => window.first_hour(at).map(|hour| Timestamp::from_millis(hour * 3_600_000)),
        };
        let is_of_agent = matches!(rule.spend_of, SpendOf::Agent | SpendOf::AgentAndCustomer);
        let agent = check.agent.clone().filter(|_| is_of_agent || kind == GuardEventKind::Blocked);
        let cause = GuardEventCause::Spend { spent, limit: rule.limit };
        GuardEvent { kind, rule: id.clone(), rule_name: rule.name.clone(), agent, window_from, cause, at }
    }

    /// A block by a pause of this agent, or of the whole team, whichever agents it blocks: once for each time that it
    /// begins.
    pub(super) fn of_pause((id, name): (&SmolStr, &SmolStr), pause: &PauseSpan, agent: Option<&Slug>) -> Self {
        GuardEvent {
            kind: GuardEventKind::Blocked,
            rule: id.clone(),
            rule_name: name.clone(),
            agent: agent.map(|agent| SmolStr::new(agent.as_str())),
            window_from: Some(pause.paused_at),
            cause: GuardEventCause::Pause(pause.clone()),
            at: pause.paused_at,
        }
    }
}

impl GuardEvent {
    /// Whether it is a pause of the whole team: no agent's job starts.
    pub const fn is_pause_of_team(&self) -> bool {
        matches!(self.cause, GuardEventCause::Pause(_)) && self.agent.is_none()
    }

    /// The same with the key of the agent that it names: an agent that is renamed is no other one.
    #[must_use]
    pub fn of_key(self, names: &AgentNames) -> Self {
        let agent = self.agent.map(|name| SmolStr::new(names.key_of_text(&name)));
        GuardEvent { agent, ..self }
    }
}

/// A number of an event that is the same whoever sees it: of its team, kind, rule, agent and window.
pub fn guard_event_id(team: TeamId, event: &GuardEvent) -> u128 {
    let mut hash = Sha256::new();
    let from = event.window_from.map_or(i64::MIN, Timestamp::as_millis).to_be_bytes();
    let agent = event.agent.as_deref().unwrap_or_default();
    let parts: [&[u8]; 5] =
        [&team.bits().to_be_bytes(), event.kind.as_str().as_bytes(), event.rule.as_bytes(), agent.as_bytes(), &from];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    hash.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}
