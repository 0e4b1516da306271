//! A guard rule: which spend it bounds, for which checks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_agentping::id::{Id, IdKind, PublicKind};
use tidegate_agentping_pulse::spend::{SpendOf, SpendScope, SpendWindow};
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use crate::fields::{Fields, Patch, SettingFault, flag, name};

/// A guard rule, also the one that stands for a pause.
#[derive(Debug)]
pub enum GuardRuleKind {}
impl IdKind for GuardRuleKind {
    const PREFIX: &'static str = "grl";
}
impl PublicKind for GuardRuleKind {}
pub type GuardRuleId = Id<GuardRuleKind>;

/// A rule's document; its name is the rule's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDoc {
    /// One of its kind in the team.
    pub name: SmolStr,
    pub enabled: bool,
    #[serde(rename = "match", default, skip_serializing_if = "RuleMatch::is_empty")]
    pub matches: RuleMatch,
    pub spend_of: SpendOf,
    pub window: SpendWindow,
    /// Above 0.
    #[serde(rename = "limit_nanos_usd")]
    pub limit: Usd,
    pub action: RuleAction,
    #[serde(rename = "created_at_ms")]
    pub created_at: Timestamp,
    /// An apply of a configuration made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
}

/// What a check must have for a rule to apply: exact text, or [`ANY_GIVEN`]. What is absent is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_ref: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<SmolStr>,
}

/// Matches every text, but not its absence.
pub const ANY_GIVEN: &str = "*";

/// What a rule does once its limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    Block,
    /// It is shown and alerts; the check is allowed.
    Warn,
}

impl RuleAction {
    pub const fn as_str(self) -> &'static str {
        match self {
            RuleAction::Block => "block",
            RuleAction::Warn => "warn",
        }
    }
}

/// The names of a check that rules look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dimensions<'c> {
    pub agent: Option<&'c str>,
    pub customer_ref: Option<&'c str>,
    pub function: Option<&'c str>,
    pub environment: Option<&'c str>,
}

impl RuleMatch {
    /// Bytes of a text at most: those of a check's members.
    pub const MAX_BYTES: usize = 512;

    pub fn is_empty(&self) -> bool {
        *self == RuleMatch::default()
    }

    fn parse(given: &Value, path: &str) -> Result<Self, SettingFault> {
        let given = Fields::of(given, path, &["agent", "customer_ref", "function", "environment"])?;
        Ok(RuleMatch {
            agent: given.read("agent", dimension)?,
            customer_ref: given.read("customer_ref", dimension)?,
            function: given.read("function", dimension)?,
            environment: given.read("environment", dimension)?,
        })
    }

    fn admits(&self, asked: Dimensions<'_>) -> bool {
        let admits = |wanted: &Option<SmolStr>, given: Option<&str>| match wanted.as_deref() {
            None => true,
            Some(ANY_GIVEN) => given.is_some(),
            Some(text) => given == Some(text),
        };
        admits(&self.agent, asked.agent)
            && admits(&self.customer_ref, asked.customer_ref)
            && admits(&self.function, asked.function)
            && admits(&self.environment, asked.environment)
    }
}

impl RuleDoc {
    /// Rules of a team at most.
    pub const MAX_RULES: usize = 1_000;
    /// The members that people set.
    pub const MEMBERS: [&'static str; 7] = ["name", "enabled", "match", "spend_of", "window", "limit_usd", "action"];

    /// A new rule, of the members that people set.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn parse(given: &Value, now: Timestamp) -> Result<Self, SettingFault> {
        let given = Fields::of(given, "", &Self::MEMBERS)?;
        Ok(RuleDoc {
            name: given.need("name", name)?,
            enabled: given.read("enabled", flag)?.unwrap_or(true),
            matches: given.read("match", RuleMatch::parse)?.unwrap_or_default(),
            spend_of: given.need("spend_of", spend_of)?,
            window: given.need("window", window)?,
            limit: given.need("limit_usd", limit)?,
            action: given.read("action", action)?.unwrap_or(RuleAction::Block),
            created_at: now,
            applied: false,
        })
    }

    /// Changes the members that are given; `null` sets the default again, where there is one. `match` is replaced as a
    /// whole.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn change(&mut self, given: &Value) -> Result<(), SettingFault> {
        let given = Fields::of(given, "", &Self::MEMBERS)?;
        needed("name", given.patch("name", name)?, &mut self.name)?;
        given.patch("enabled", flag)?.apply_or(&mut self.enabled, true);
        given.patch("match", RuleMatch::parse)?.apply_or(&mut self.matches, RuleMatch::default());
        needed("spend_of", given.patch("spend_of", spend_of)?, &mut self.spend_of)?;
        needed("window", given.patch("window", window)?, &mut self.window)?;
        needed("limit_usd", given.patch("limit_usd", limit)?, &mut self.limit)?;
        given.patch("action", action)?.apply_or(&mut self.action, RuleAction::Block);
        Ok(())
    }

    /// The spend that the rule looks at for a check; `None`: it does not apply to it.
    pub fn applies(&self, asked: Dimensions<'_>) -> Option<SpendScope> {
        if !self.enabled || !self.matches.admits(asked) {
            return None;
        }
        self.spend_of.scope(asked.agent, asked.customer_ref)
    }
}

/// A change of a member that has no default.
fn needed<T>(path: &str, patch: Patch<T>, member: &mut T) -> Result<(), SettingFault> {
    match patch {
        Patch::Keep => Ok(()),
        Patch::Unset => Err(SettingFault::at(path, "must have a value: it has no default")),
        Patch::Set(value) => {
            *member = value;
            Ok(())
        }
    }
}

fn dimension(value: &Value, path: &str) -> Result<SmolStr, SettingFault> {
    let is_one = |text: &&str| (1..=RuleMatch::MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    let fault = || {
        let most = RuleMatch::MAX_BYTES;
        SettingFault::at(path, format!("must be text of 1 to {most} bytes in one line, or '{ANY_GIVEN}'"))
    };
    value.as_str().filter(is_one).map(SmolStr::new).ok_or_else(fault)
}

fn spend_of(value: &Value, path: &str) -> Result<SpendOf, SettingFault> {
    let found = SpendOf::ALL.into_iter().find(|of| value.as_str() == Some(of.as_str()));
    found.ok_or_else(|| SettingFault::at(path, "must be 'team', 'agent', 'customer' or 'agent_and_customer'"))
}

fn window(value: &Value, path: &str) -> Result<SpendWindow, SettingFault> {
    value
        .as_str()
        .unwrap_or_default()
        .parse()
        .map_err(|error: tidegate_agentping_pulse::spend::SpendWindowError| SettingFault::at(path, error.to_string()))
}

fn limit(value: &Value, path: &str) -> Result<Usd, SettingFault> {
    let number = value.as_number().and_then(|number| Usd::parse(&number.to_string()).ok());
    let fault = || SettingFault::at(path, "must be a number of US dollars above 0, at most 1000000000");
    number.filter(|limit| *limit > Usd::ZERO).ok_or_else(fault)
}

fn action(value: &Value, path: &str) -> Result<RuleAction, SettingFault> {
    match value.as_str() {
        Some("block") => Ok(RuleAction::Block),
        Some("warn") => Ok(RuleAction::Warn),
        _ => Err(SettingFault::at(path, "must be 'block' or 'warn'")),
    }
}
