//! What an event's `data` reports: errors, and for `llm_call` the tokens and their price (AgentPing: `llm_call` data).

use tidegate_agentping::{ModelCall, TeamRates, TokenUse};
use tidegate_kernel::Usd;

use super::fault::{Fault, ParentObject};
use super::member::{Member, unquoted};

/// The members of `data` that mean something to us.
const NAMES: [&str; 10] = [
    "provider",
    "model",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_creation_input_tokens",
    "reasoning_tokens",
    "mode",
    "status",
    "error",
];

pub const MAX_MODEL_CHARS: usize = 256;
/// What SDKs write where they do not know; so do we where they write nothing.
const UNKNOWN: &str = "unknown";

/// What was noted of `data` while it was read. Of a repeated member the last value counts, as most readers have it.
#[derive(Default)]
pub(super) struct Reported<'de> {
    members: [Option<&'de str>; NAMES.len()],
}

impl<'de> Reported<'de> {
    pub fn note(&mut self, name: &str, raw: &'de str) {
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            self.members[index] = Some(raw);
        }
    }

    /// The member's JSON; `null` is the same as absent.
    fn raw(&self, name: &'static str) -> Option<&'de str> {
        let index = NAMES.iter().position(|known| *known == name);
        index.and_then(|index| self.members[index]).filter(|raw| *raw != "null")
    }

    fn says(&self, name: &'static str, word: &str) -> bool {
        self.raw(name).and_then(unquoted).is_some_and(|said| said == word)
    }

    /// Whether there is `"status":"error"` or an `error` other than `null`.
    pub fn is_error(&self) -> bool {
        self.says("status", "error") || self.raw("error").is_some()
    }

    /// The call priced by the card in force. A client's own `cost_usd` is not looked at.
    pub fn model_call(&self, place: ParentObject, rates: &TeamRates) -> Result<Option<ModelCall>, Fault> {
        let member = |name| Member { place, name, text: self.raw(name) };
        let tokens = |name| member(name).whole(0, TokenUse::MAX_TOKENS);
        let provider = member("provider").text_up_to(MAX_MODEL_CHARS)?;
        let model = member("model").text_up_to(MAX_MODEL_CHARS)?;
        let (input, output, cached) =
            (tokens("input_tokens")?, tokens("output_tokens")?, tokens("cached_input_tokens")?);
        // Not priced (cache writes are part of the input, reasoning of the output), but held to the same rule.
        tokens("cache_creation_input_tokens")?;
        tokens("reasoning_tokens")?;
        if provider.is_none() && model.is_none() && input.is_none() && output.is_none() {
            // A call that failed before it was made has nothing to price, and no model to list as unpriced.
            return Ok(None);
        }
        let (provider, model) = (provider.unwrap_or(UNKNOWN.into()), model.unwrap_or(UNKNOWN.into()));
        let rate = rates.find(&provider, &model);
        let tokens = TokenUse {
            input: input.unwrap_or(0),
            cached: cached.unwrap_or(0),
            output: output.unwrap_or(0),
            batch: self.says("mode", "batch"),
        };
        Ok(Some(ModelCall {
            cost: rate.map_or(Usd::ZERO, |rate| rate.cost(tokens)),
            priced: rate.is_some(),
            provider: provider.into(),
            model: model.into(),
        }))
    }
}
