//! Which result of a command says how its run ended. Pure.
//!
//! A result with members that results do not have may be a line of a log: `{"level":"info","status":"succeeded"}` is
//! about a step, and not about the run. A success of that kind counts only where nothing says otherwise, and a failure
//! only where its place or the exit code says so, too.

use crate::output::SaidResult;

/// The results that a command has written.
#[derive(Debug, Default)]
pub struct SaidResults {
    /// The last exact one.
    exact: Option<SaidResult>,
    /// The last one that is not exact, if it came after the last exact one.
    inexact: Option<SaidResult>,
    /// Whether no line of standard output came after the last result.
    is_last_line: bool,
}

impl SaidResults {
    pub fn take(&mut self, result: SaidResult) {
        self.is_last_line = true;
        if result.is_exact {
            (self.exact, self.inexact) = (Some(result), None);
        } else {
            self.inexact = Some(result);
        }
    }

    /// Takes a line of standard output that is no result. An empty one changes nothing.
    pub fn take_other(&mut self, line: &[u8]) {
        self.is_last_line &= line.trim_ascii().is_empty();
    }

    /// Whether a result counts however the command ends.
    pub fn has_exact(&self) -> bool {
        self.exact.is_some()
    }

    /// The result that counts, for a command that ended by itself with `exit_code`. `None`: the exit code decides.
    pub fn of_ended(self, exit_code: i32) -> Option<SaidResult> {
        let SaidResults { exact, inexact, is_last_line } = self;
        let has_exact = exact.is_some();
        let counts = |result: &SaidResult| {
            if result.is_success { exit_code == 0 && !has_exact } else { exit_code != 0 || is_last_line }
        };
        inexact.filter(counts).or(exact)
    }

    /// The result that counts, for a command that was stopped: its exit code and its last line say nothing.
    pub fn of_stopped(self) -> Option<SaidResult> {
        self.exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{OutputLine, Said, said};

    const SUCCESS: &str = r#"{"status":"succeeded","iterations":1}"#;
    const FAILURE: &str = r#"{"status":"failed","iterations":2}"#;
    const LOGGED_SUCCESS: &str = r#"{"level":"info","status":"succeeded","step":"lint","iterations":3}"#;
    const LOGGED_FAILURE: &str = r#"{"level":"warn","status":"failed","step":"lint","iterations":4}"#;

    fn results(lines: &[&str]) -> SaidResults {
        let mut results = SaidResults::default();
        for text in lines {
            let line = OutputLine { bytes: text.as_bytes().to_vec(), is_cut: false };
            match said(&line) {
                Said::Result { result, .. } => results.take(result),
                Said::Progress { .. } | Said::Text => results.take_other(&line.bytes),
            }
        }
        results
    }

    #[test]
    fn a_line_of_a_log_is_a_result_only_where_something_else_says_so() {
        // The iterations show which one counts: with exit code 0, with another one, and after a stop.
        for (lines, of_zero, of_other, of_stopped) in [
            (&["text"][..], None, None, None),
            (&[LOGGED_SUCCESS], Some(3), None, None),
            (&[LOGGED_SUCCESS, "text"], Some(3), None, None),
            (&[LOGGED_FAILURE], Some(4), Some(4), None),
            (&[LOGGED_FAILURE, "", " \r"], Some(4), Some(4), None),
            (&[LOGGED_FAILURE, "text"], None, Some(4), None),
            (&[LOGGED_FAILURE, r#"{"iterations":9}"#], None, Some(4), None),
            (&[LOGGED_FAILURE, LOGGED_SUCCESS], Some(3), None, None),
            (&[LOGGED_SUCCESS, LOGGED_FAILURE], Some(4), Some(4), None),
            // An exact one counts whatever the exit code, and stands where a later one does not count.
            (&[SUCCESS, "text"], Some(1), Some(1), Some(1)),
            (&[FAILURE, "text"], Some(2), Some(2), Some(2)),
            (&[FAILURE, SUCCESS], Some(1), Some(1), Some(1)),
            (&[LOGGED_FAILURE, SUCCESS], Some(1), Some(1), Some(1)),
            (&[LOGGED_SUCCESS, FAILURE], Some(2), Some(2), Some(2)),
            (&[FAILURE, LOGGED_SUCCESS], Some(2), Some(2), Some(2)),
            (&[SUCCESS, LOGGED_SUCCESS], Some(1), Some(1), Some(1)),
            (&[SUCCESS, LOGGED_FAILURE], Some(4), Some(4), Some(1)),
            (&[SUCCESS, LOGGED_FAILURE, "text"], Some(1), Some(4), Some(1)),
        ] {
            let counting = |result: Option<SaidResult>| result.and_then(|result| result.iterations);
            assert_eq!(counting(results(lines).of_ended(0)), of_zero, "exit code 0: {lines:?}");
            for exit_code in [1, 143, 255] {
                let counts = counting(results(lines).of_ended(exit_code));
                assert_eq!(counts, of_other, "exit code {exit_code}: {lines:?}");
            }
            assert_eq!(counting(results(lines).of_stopped()), of_stopped, "stopped: {lines:?}");
            assert_eq!(results(lines).has_exact(), of_stopped.is_some(), "{lines:?}");
        }
    }
}
