//! Where a check looks: a JSON Pointer (RFC 6901) into the output, or a member of the run.

use std::fmt;

use serde_json::Value;
use tidegate_agentping_settings::fields::SettingFault;

/// Bytes of a path.
const MAX_BYTES: usize = 512;

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below the output; empty: the output itself.
    Output(String),
    Run(RunFigure),
    Metadata(String),
    Scores(String),
}

/// A number that a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFigure {
    CostUsd,
    DurationMs,
    Events,
}

impl Place {
    /// Any path.
    ///
    /// # Errors
    /// [`SettingFault`].
    pub fn parse(value: &Value, path: &str) -> Result<Self, SettingFault> {
        let text = value.as_str().filter(|text| text.len() <= MAX_BYTES);
        let named = |text: &str| match text {
            "run.cost_usd" => Some(Place::Run(RunFigure::CostUsd)),
            "run.duration_ms" => Some(Place::Run(RunFigure::DurationMs)),
            "run.events" => Some(Place::Run(RunFigure::Events)),
            _ => {
                let member = |name: &str| text.strip_prefix(name).filter(|rest| !rest.is_empty()).map(str::to_owned);
                member("metadata.").map(Place::Metadata).or_else(|| member("scores.").map(Place::Scores))
            }
        };
        let fault = || {
            let what = "must be a JSON Pointer such as /items/0/price, or run.cost_usd, run.duration_ms, run.events, \
                        metadata.NAME or scores.NAME";
            SettingFault::at(path, what)
        };
        let found =
            text.and_then(|text| named(text).or_else(|| is_pointer(text).then(|| Place::Output(text.to_owned()))));
        found.ok_or_else(fault)
    }

    /// A path into the output.
    ///
    /// # Errors
    /// [`SettingFault`].
    pub fn parse_pointer(value: &Value, path: &str) -> Result<Self, SettingFault> {
        let text = value.as_str().filter(|text| text.len() <= MAX_BYTES && is_pointer(text));
        let fault = || SettingFault::at(path, "must be a JSON Pointer such as /items/0/price");
        text.map(|text| Place::Output(text.to_owned())).ok_or_else(fault)
    }
}

/// Nothing, or names that each begin with `/`, in which `~` is `~0` and `/` is `~1`.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Output(pointer) => f.write_str(pointer),
            Place::Run(RunFigure::CostUsd) => f.write_str("run.cost_usd"),
            Place::Run(RunFigure::DurationMs) => f.write_str("run.duration_ms"),
            Place::Run(RunFigure::Events) => f.write_str("run.events"),
            Place::Metadata(name) => write!(f, "metadata.{name}"),
            Place::Scores(name) => write!(f, "scores.{name}"),
        }
    }
}
