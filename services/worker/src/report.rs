//! The end of a run as it is reported: the command's own result, or else its exit code. Pure.

use serde_json::{Value, json};

use crate::api::{Finish, RunError};
use crate::output::SaidResult;

const FAILED_CODE: &str = "VERIFICATION_FAILED";
/// The message of a failure that the command does not explain.
const UNSAID: &str = "the command reported that the run failed";
/// The longest message that the server takes.
const MOST_MESSAGE_CHARS: usize = 2_000;

/// The report of a command that ended with `exit_code`. `said` is the result that counts; `iterations` the last that
/// it reported. A run that was started counts one iteration at least.
pub fn finish(token: u64, said: Option<SaidResult>, exit_code: i32, iterations: Option<u32>) -> Finish {
    let Some(mut said) = said else {
        let error = (exit_code != 0).then(|| exited(exit_code));
        let status = if error.is_none() { "succeeded" } else { "failed" };
        return Finish { token, status, iterations: iterations.unwrap_or(1), pr_url: None, error };
    };
    let iterations = said.iterations.or(iterations).unwrap_or(1);
    let error = (!said.is_success).then(|| RunError {
        code: said.error.remove("code").unwrap_or_else(|| json!(FAILED_CODE)),
        message: said.error.remove("message").map_or_else(|| json!(UNSAID), shortened),
        details: said.error.remove("details"),
    });
    let status = if said.is_success { "succeeded" } else { "failed" };
    Finish { token, status, iterations, pr_url: said.pr_url.filter(|url| !url.is_empty()), error }
}

/// The report that takes the place of one that the server refuses, so that the run ends.
pub fn after_refusal(refused: &Finish, why: &str) -> Finish {
    let message = shortened(json!(format!("the server refused the command's result: {why}")));
    let error = Some(RunError { code: json!(FAILED_CODE), message, details: None });
    Finish { status: "failed", iterations: 1, pr_url: None, error, token: refused.token }
}

/// `message` with no more characters than the server takes.
fn shortened(message: Value) -> Value {
    match message.as_str() {
        Some(text) => text.chars().take(MOST_MESSAGE_CHARS).collect::<String>().into(),
        None => message,
    }
}

fn exited(exit_code: i32) -> RunError {
    let message: Value = json!(format!("the command ended with exit code {exit_code}"));
    RunError { code: json!(FAILED_CODE), message, details: Some(json!({"exitCode": exit_code})) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(is_success: bool, iterations: Option<u32>, error: &Value) -> Option<SaidResult> {
        let error = error.as_object().cloned().unwrap();
        let pr_url = Some("https://example.com/1".to_owned());
        Some(SaidResult { is_success, is_exact: true, iterations, pr_url, error })
    }

    #[test]
    fn the_result_line_goes_before_the_exit_code() {
        let failed = json!({"code": "VERIFICATION_FAILED", "message": "the command ended with exit code 3",
            "details": {"exitCode": 3}});
        let unsaid = json!({"code": "VERIFICATION_FAILED", "message": "the command reported that the run failed"});
        for (said, exit_code, iterations, expected) in [
            (None, 0, None, json!({"token": 7, "status": "succeeded", "iterations": 1})),
            (None, 0, Some(4), json!({"token": 7, "status": "succeeded", "iterations": 4})),
            (None, 3, Some(4), json!({"token": 7, "status": "failed", "iterations": 4, "error": failed})),
            (
                said(true, Some(2), &json!({"code": "X"})),
                3,
                Some(4),
                json!({"token": 7, "status": "succeeded", "iterations": 2, "prUrl": "https://example.com/1"}),
            ),
            (
                said(false, None, &json!({})),
                0,
                Some(4),
                json!({"token": 7, "status": "failed", "iterations": 4, "prUrl": "https://example.com/1",
                    "error": unsaid}),
            ),
        ] {
            let report = finish(7, said, exit_code, iterations);
            assert_eq!(serde_json::to_value(report).unwrap(), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let error = json!({"message": "é".repeat(3_000)});
        let report = finish(1, said(false, Some(1), &error), 0, None);
        assert_eq!(report.error.unwrap().message, json!("é".repeat(2_000)));
    }

    #[test]
    fn a_commands_own_error_goes_out_as_it_is() {
        let error = json!({"code": "WORKSPACE_ERROR", "message": "no access", "details": {"repository": "r"}});
        let report = finish(1, said(false, Some(1), &error), 0, None);
        assert_eq!(serde_json::to_value(report.error).unwrap(), error);
    }
}
