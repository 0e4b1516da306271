//! The checks of an agent, evaluated on a run within a budget of time.

use std::time::Duration;

use serde_json::Value;
use tidegate_agentping::RunKey;
use tidegate_kernel::Timestamp;

use crate::definition::CheckDoc;
use crate::evaluate::{Compiled, Engine, RunFacts, Said};
use crate::members::CheckKind;
use crate::results::{CheckId, CheckOutcome, CheckResult, result_id};
use crate::{regexes, schema};

/// Time that the checks of one run may take: 50 ms. Callers measure real time: on a machine without a free processor an
/// ordinary check may take longer.
pub const BUDGET: Duration = Duration::from_millis(50);

/// One check, compiled.
#[derive(Debug)]
pub struct Evaluator {
    id: CheckId,
    version: u32,
    /// Why it cannot be evaluated: a build that knows more made it.
    compiled: Result<Compiled, String>,
}

impl Evaluator {
    pub fn of(id: CheckId, doc: &CheckDoc) -> Self {
        let compile = || {
            let kind = CheckKind::stored(&doc.members).map_err(|fault| fault.to_string())?;
            let engine = match &kind {
                CheckKind::JsonSchema { schema } => Engine::Schema(Box::new(schema::compile(schema)?)),
                CheckKind::Regex { pattern, .. } => Engine::Pattern(regexes::compile(pattern)?),
                _ => Engine::None,
            };
            Ok(Compiled { when: doc.when, kind, engine })
        };
        Evaluator { id, version: doc.version, compiled: compile() }
    }

    /// Whether it looks at a run's events.
    pub fn reads_events(&self) -> bool {
        self.compiled.as_ref().is_ok_and(|compiled| matches!(compiled.kind, CheckKind::ToolCall { .. }))
    }

    /// The result for a run. `spent` is the time that the run's checks have taken up to now: beyond the budget they end in
    /// an error, each for itself.
    pub fn judge(&self, run: RunKey, facts: &RunFacts, at: Timestamp, spent: impl Fn() -> Duration) -> CheckResult {
        let over = |expected: String| Said {
            outcome: CheckOutcome::Error,
            expected,
            got: Value::from("the checks of this run took more time than they have"),
        };
        let said = match &self.compiled {
            Err(why) => Said { outcome: CheckOutcome::Error, expected: String::new(), got: Value::from(why.as_str()) },
            Ok(_) if spent() > BUDGET => over(String::new()),
            Ok(compiled) => {
                let said = compiled.evaluate(facts);
                let is_late = spent() > BUDGET && said.outcome != CheckOutcome::Skipped;
                if is_late { over(said.expected) } else { said }
            }
        };
        CheckResult {
            id: Some(result_id(self.id, self.version, run).to_string()),
            check: self.id.to_string(),
            version: self.version,
            run: run.run.to_string(),
            outcome: said.outcome,
            expected: said.expected,
            got: said.got,
            at,
        }
    }
}
