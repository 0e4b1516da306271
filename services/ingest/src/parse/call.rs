//! What an event's `data` reports: errors, and for `llm_call` the tokens and their price (AgentPing: `llm_call` data).

use tidegate_agentping::{ModelCall, TeamRates, TokenUse};
use tidegate_kernel::Usd;

use super::fault::{Fault, ParentObject};
use super::member::{Member, unquoted};

pub const MAX_MODEL_CHARS: usize = 256;
/// What SDKs write where they do not know; so do we where they write nothing.
const UNKNOWN: &str = "unknown";

/// What was noted of `data` while it was read. Of a repeated member the last value counts, as most readers have it.
#[derive(Default)]
pub(super) struct Reported<'de> {
    provider: Option<&'de str>,
    model: Option<&'de str>,
    input_tokens: Option<&'de str>,
    output_tokens: Option<&'de str>,
    cached_input_tokens: Option<&'de str>,
    cache_creation_input_tokens: Option<&'de str>,
    reasoning_tokens: Option<&'de str>,
    mode: Option<&'de str>,
    status: Option<&'de str>,
    error: Option<&'de str>,
}

impl<'de> Reported<'de> {
    /// Notes the JSON of a member that means something to us; `null` is the same as absent.
    pub fn note(&mut self, name: &str, raw: &'de str) {
        let member = match name {
            "provider" => &mut self.provider,
            "model" => &mut self.model,
            "input_tokens" => &mut self.input_tokens,
            "output_tokens" => &mut self.output_tokens,
            "cached_input_tokens" => &mut self.cached_input_tokens,
            "cache_creation_input_tokens" => &mut self.cache_creation_input_tokens,
            "reasoning_tokens" => &mut self.reasoning_tokens,
            "mode" => &mut self.mode,
            "status" => &mut self.status,
            "error" => &mut self.error,
            _ => return,
        };
        *member = Some(raw).filter(|raw| *raw != "null");
    }

    /// Whether there is `"status":"error"` or an `error` other than `null`.
    pub fn is_error(&self) -> bool {
        is_word(self.status, "error") || self.error.is_some()
    }

    /// The call priced by the card in force. A client's own `cost_usd` is not looked at.
    pub fn model_call(&self, place: ParentObject, rates: &TeamRates) -> Result<Option<ModelCall>, Fault> {
        let text = |name, text| Member { place, name, text }.text_up_to(MAX_MODEL_CHARS);
        let tokens = |name, text| Member { place, name, text }.whole(0, TokenUse::MAX_TOKENS);
        let provider = text("provider", self.provider)?;
        let model = text("model", self.model)?;
        let input = tokens("input_tokens", self.input_tokens)?;
        let output = tokens("output_tokens", self.output_tokens)?;
        let cached = tokens("cached_input_tokens", self.cached_input_tokens)?;
        // Not priced (cache writes are part of the input, reasoning of the output), but held to the same rule.
        tokens("cache_creation_input_tokens", self.cache_creation_input_tokens)?;
        tokens("reasoning_tokens", self.reasoning_tokens)?;
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
            batch: is_word(self.mode, "batch"),
        };
        Ok(Some(ModelCall {
            cost: rate.map_or(Usd::ZERO, |rate| rate.cost(tokens)),
            priced: rate.is_some(),
            provider: provider.into(),
            model: model.into(),
        }))
    }
}

fn is_word(raw: Option<&str>, word: &str) -> bool {
    raw.and_then(unquoted).is_some_and(|said| said == word)
}
