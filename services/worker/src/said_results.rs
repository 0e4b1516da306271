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
    /// `progress` is the iterations of the last progress.
    pub fn of_ended(self, exit_code: i32, progress: Option<u32>) -> Option<SaidResult> {
        let SaidResults { exact, inexact, is_last_line } = self;
        let has_exact = exact.is_some();
        let counts = |result: &SaidResult| {
            if result.is_success { exit_code == 0 && !has_exact } else { exit_code != 0 || is_last_line }
        };
        match inexact.filter(counts) {
            Some(inexact) => Some(completed(inexact, exact, progress)),
            None => exact,
        }
    }

    /// The result that counts, for a command that was stopped: its exit code and its last line say nothing.
    pub fn of_stopped(self) -> Option<SaidResult> {
        self.exact
    }
}

/// An inexact result that counts, with what an exact one said. Where there is none, iterations are the most that were
/// said of them: its own may be about a step, and the client pays by iterations.
fn completed(inexact: SaidResult, exact: Option<SaidResult>, progress: Option<u32>) -> SaidResult {
    let (iterations, pr_url) = exact.map_or((None, None), |exact| (exact.iterations, exact.pr_url));
    SaidResult {
        iterations: iterations.or(progress.max(inexact.iterations)),
        pr_url: inexact.pr_url.filter(|url| !url.is_empty()).or(pr_url),
        ..inexact
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
        // The numbers are those of the lines above: which one counts with exit code 0, with another one, after a stop.
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
            let counting = |result: Option<SaidResult>| {
                result.map(|result| match (result.is_success, result.is_exact) {
                    (true, true) => 1,
                    (false, true) => 2,
                    (true, false) => 3,
                    (false, false) => 4,
                })
            };
            assert_eq!(counting(results(lines).of_ended(0, None)), of_zero, "exit code 0: {lines:?}");
            for exit_code in [1, 143, 255] {
                let counts = counting(results(lines).of_ended(exit_code, None));
                assert_eq!(counts, of_other, "exit code {exit_code}: {lines:?}");
            }
            assert_eq!(counting(results(lines).of_stopped()), of_stopped, "stopped: {lines:?}");
            assert_eq!(results(lines).has_exact(), of_stopped.is_some(), "{lines:?}");
        }
    }

    #[test]
    fn an_inexact_result_loses_no_numbers_of_more_reliable_lines() {
        const EXACT: &str = r#"{"status":"succeeded","iterations":7,"prUrl":"https://example.com/7"}"#;
        const PLAIN: &str = r#"{"status":"succeeded","prUrl":"https://example.com/7"}"#;
        const LOGGED: &str = r#"{"level":"warn","status":"failed"}"#;
        const WITH_URL: &str = r#"{"level":"warn","status":"failed","prUrl":"https://example.com/8"}"#;
        const WITH_EMPTY_URL: &str = r#"{"level":"warn","status":"failed","prUrl":""}"#;
        let (seven, eight) = (Some("https://example.com/7"), Some("https://example.com/8"));
        for (lines, progress, iterations, pr_url) in [
            (&[EXACT, LOGGED][..], None, Some(7), seven),
            (&[EXACT, LOGGED], Some(5), Some(7), seven),
            (&[EXACT, LOGGED_FAILURE], Some(5), Some(7), seven),
            (&[PLAIN, LOGGED], None, None, seven),
            (&[PLAIN, LOGGED], Some(5), Some(5), seven),
            (&[PLAIN, LOGGED_FAILURE], None, Some(4), seven),
            (&[EXACT, WITH_URL], None, Some(7), eight),
            (&[EXACT, WITH_EMPTY_URL], None, Some(7), seven),
            // Without an exact one, the most that was said.
            (&[LOGGED], None, None, None),
            (&[LOGGED], Some(5), Some(5), None),
            (&[LOGGED_FAILURE], None, Some(4), None),
            (&[LOGGED_FAILURE], Some(5), Some(5), None),
            (&[LOGGED_FAILURE], Some(3), Some(4), None),
        ] {
            let counts = results(lines).of_ended(1, progress).unwrap();
            assert!(!counts.is_success && !counts.is_exact, "{lines:?}");
            assert_eq!((counts.iterations, counts.pr_url.as_deref()), (iterations, pr_url), "{lines:?}, {progress:?}");
        }
        // A success with exit code 0, likewise; and an exact one keeps its own.
        assert_eq!(results(&[LOGGED_SUCCESS]).of_ended(0, Some(5)).unwrap().iterations, Some(5));
        assert_eq!(results(&[SUCCESS]).of_ended(0, Some(5)).unwrap().iterations, Some(1));
    }
}
