//! The verdict.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::Slug;
use tidegate_agentping_pulse::spend::{SpendOf, SpendScope, SpendWindow};
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use super::asked::GuardCheck;
use super::event::{GuardEvent, GuardEventKind};
use crate::pause::PauseSpan;
use crate::rule::{RuleAction, RuleDoc};

/// A rule as a check's answer shows it: one that applied, or a pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleShown {
    pub id: SmolStr,
    pub name: SmolStr,
    pub action: RuleAction,
    pub triggered: bool,
    #[serde(flatten)]
    pub why: ShownWhy,
}

/// What a rule goes by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ShownWhy {
    Spend {
        window: SpendWindow,
        spend_of: SpendOf,
        #[serde(serialize_with = "tidegate_kernel::usd::decimal", deserialize_with = "dollars")]
        limit_usd: Usd,
        #[serde(serialize_with = "tidegate_kernel::usd::decimal", deserialize_with = "dollars")]
        spent_usd: Usd,
        /// Absent for windows that do not end at once.
        #[serde(with = "tidegate_kernel::timestamp::iso_option", default, skip_serializing_if = "Option::is_none")]
        resets_at: Option<Timestamp>,
    },
    Pause {
        /// `operator_pause`.
        reason: SmolStr,
        #[serde(with = "tidegate_kernel::timestamp::iso")]
        paused_at: Timestamp,
        paused_by: String,
        #[serde(with = "tidegate_kernel::timestamp::iso_option", default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

/// What the rules come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardVerdict {
    /// The ids of what blocks. Empty: allowed.
    pub blocked_by: Vec<SmolStr>,
    /// Everything that applied.
    pub rules: Vec<RuleShown>,
    /// What people may be alerted to, once for each rule, agent and window, or beginning of a pause.
    pub events: Vec<GuardEvent>,
}

impl GuardVerdict {
    pub fn is_block(&self) -> bool {
        !self.blocked_by.is_empty()
    }
}

/// The verdict on a paused agent, or, without one, on any in a team that is paused. The id is that of
/// [`pause_rule_id`](crate::pause::pause_rule_id).
pub fn by_pause(id: &str, pause: &PauseSpan, agent: Option<&Slug>) -> GuardVerdict {
    let id = SmolStr::from(id);
    let why = ShownWhy::Pause {
        reason: "operator_pause".into(),
        paused_at: pause.paused_at,
        paused_by: pause.paused_by.clone(),
        until: pause.until,
        note: pause.note.clone(),
    };
    let shown = RuleShown { id: id.clone(), name: "paused".into(), action: RuleAction::Block, triggered: true, why };
    let event = GuardEvent::of_pause((&id, &shown.name), pause, agent);
    GuardVerdict { blocked_by: vec![id], rules: vec![shown], events: vec![event] }
}

/// The verdict by rules, with the spend that `spent` says. It is asked once for each sum.
pub fn by_rules<'r>(
    rules: impl IntoIterator<Item = (&'r SmolStr, &'r RuleDoc)>,
    check: &GuardCheck,
    now: Timestamp,
    mut spent: impl FnMut(&SpendScope, SpendWindow) -> Usd,
) -> GuardVerdict {
    let mut sums: HashMap<(SpendOf, SpendWindow), Usd> = HashMap::new();
    let mut verdict = GuardVerdict::default();
    for (id, rule) in rules {
        let Some(scope) = rule.applies(check.dimensions()) else { continue };
        let RuleDoc { window, spend_of, limit, action, .. } = *rule;
        let spent = *sums.entry((spend_of, window)).or_insert_with(|| spent(&scope, window));
        let triggered = spent >= limit;
        if triggered && action == RuleAction::Block {
            verdict.blocked_by.push(id.clone());
        }
        if let Some(kind) = GuardEventKind::of(action, spent, limit) {
            verdict.events.push(GuardEvent::of((id, rule), kind, check, spent, now));
        }
        let why =
            ShownWhy::Spend { window, spend_of, limit_usd: limit, spent_usd: spent, resets_at: window.resets_at(now) };
        verdict.rules.push(RuleShown { id: id.clone(), name: rule.name.clone(), action, triggered, why });
    }
    verdict
}

/// Dollars as [`tidegate_kernel::usd::decimal`] writes them.
fn dollars<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    Usd::parse(&number.to_string()).map_err(serde::de::Error::custom)
}
