//! What a check asks. Nothing in it is ever refused: a refusal would stop the job that asks (AgentPing: guard).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_agentping::AgentNames;
use tidegate_kernel::SmolStr;

use crate::rule::{Dimensions, RuleMatch};

/// The names of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardCheck {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_ref: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<SmolStr>,
}

impl GuardCheck {
    /// Reads a body. What is no object, an unknown member, and a member of another type, empty or too long counts as not
    /// given.
    pub fn read(body: &[u8]) -> Self {
        let given: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| {
            let text = given.get(name)?.as_str()?.trim();
            (1..=RuleMatch::MAX_BYTES).contains(&text.len()).then(|| SmolStr::new(text))
        };
        GuardCheck {
            customer_ref: text("customer_ref"),
            agent: text("agent"),
            function: text("function"),
            environment: text("environment"),
        }
    }

    /// The same of the agent with this key, as a check names it.
    #[must_use]
    pub fn named(self, names: &AgentNames) -> Self {
        let agent = self.agent.map(|key| SmolStr::new(names.name_of_text(&key)));
        GuardCheck { agent, ..self }
    }

    pub fn dimensions(&self) -> Dimensions<'_> {
        Dimensions {
            agent: self.agent.as_deref(),
            customer_ref: self.customer_ref.as_deref(),
            function: self.function.as_deref(),
            environment: self.environment.as_deref(),
        }
    }
}
