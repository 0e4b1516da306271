//! What an event's `data` tells: errors, and for `llm_call` the tokens and their price (AgentPing: `llm_call` data).

use serde::de::DeserializeSeed;
use tidegate_domain::{ModelCall, TeamRates, TokenUse, Usd};

use super::fault::{Fault, Place};
use super::object::{Object, ReadObject, Shape};

static ERROR_SHAPE: Shape<2> = Shape { names: ["status", "error"], required: &[] };

static CALL_SHAPE: Shape<10> = Shape {
    names: [
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
    ],
    required: &[],
};

pub const MAX_MODEL_CHARS: usize = 256;
/// What SDKs write where they do not know; so do we where they write nothing.
const UNKNOWN: &str = "unknown";

/// Whether `data` has `"status":"error"` or an `error` other than `null`.
pub(super) fn told_of_error(data: &str, place: Place) -> Result<bool, Fault> {
    Ok(is_error(&members(data, place, &ERROR_SHAPE)?))
}

/// The same, and the call priced by the card in force. A client's own `cost_usd` is not looked at.
pub(super) fn model_call(data: &str, place: Place, rates: &TeamRates) -> Result<(bool, Option<ModelCall>), Fault> {
    let data = members(data, place, &CALL_SHAPE)?;
    let tokens = |name| data.member(name).whole(0, TokenUse::MAX_TOKENS);
    let provider = data.member("provider").text_up_to(MAX_MODEL_CHARS)?;
    let model = data.member("model").text_up_to(MAX_MODEL_CHARS)?;
    let (input, output, cached) = (tokens("input_tokens")?, tokens("output_tokens")?, tokens("cached_input_tokens")?);
    // Not priced (cache writes are part of the input, reasoning of the output), but held to the same rule.
    tokens("cache_creation_input_tokens")?;
    tokens("reasoning_tokens")?;
    let batch = data.member("mode").text().ok().flatten().is_some_and(|mode| mode == "batch");
    let errored = is_error(&data);
    if provider.is_none() && model.is_none() && input.is_none() && output.is_none() {
        // A call that failed before it was made has nothing to price, and no model to list as unpriced.
        return Ok((errored, None));
    }
    let (provider, model) = (provider.unwrap_or(UNKNOWN.into()), model.unwrap_or(UNKNOWN.into()));
    let rate = rates.find(&provider, &model);
    let tokens =
        TokenUse { input: input.unwrap_or(0), cached: cached.unwrap_or(0), output: output.unwrap_or(0), batch };
    let call = ModelCall {
        cost: rate.map_or(Usd::ZERO, |rate| rate.cost(tokens)),
        priced: rate.is_some(),
        provider: provider.into_owned(),
        model: model.into_owned(),
    };
    Ok((errored, Some(call)))
}

fn is_error<const N: usize>(data: &Object<'_, N>) -> bool {
    let says_error = data.member("status").text().ok().flatten().is_some_and(|status| status == "error");
    says_error || data.member("error").raw.is_some()
}

fn members<'de, const N: usize>(
    data: &'de str,
    place: Place,
    shape: &'static Shape<N>,
) -> Result<Object<'de, N>, Fault> {
    let mut deserializer = serde_json::Deserializer::from_str(data);
    ReadObject { shape, note_unknown: false }
        .deserialize(&mut deserializer)
        .map_err(|error| Fault::not_json(&error))?
        .into_free(place)
}
