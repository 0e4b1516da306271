//! Lines and reports, as tables and properties.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn line(text: &str) -> OutputLine {
    OutputLine { bytes: text.as_bytes().to_vec(), is_cut: false }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

#[test]
fn what_is_no_report_is_text() {
    for text in [
        "",
        "hello",
        "[1,2]",
        "\"text\"",
        "{",
        "{}",
        "{\"iterations\":-1}",
        "{\"iterations\":1.5}",
        "{\"iterations\":\"3\"}",
        "{\"iterations\":1,\"message\":\"a line of a log\"}",
        "{\"status\":\"cancelled\"}",
        "{\"iterations\":1,\"status\":\"running\"}",
        "{\"status\":[\"succeeded\"]}",
        "{\"level\":\"info\",\"status\":200}",
        "{\"status\":null}",
        "{\"prUrl\":\"https://example.com/1\"}",
        "{\"iterations\":1,\"error\":\"\"}",
        "{\"verification\":true}",
        "{\"iterations\":1} and more",
    ] {
        assert_eq!(said(&line(text)), Said::Text, "{text}");
    }
    let cut = OutputLine { is_cut: true, ..line("{\"iterations\":1}") };
    assert_eq!(said(&cut), Said::Text);
}

#[test]
fn progress_has_iterations_or_a_verification() {
    let verification = json!({"level": "L1", "passed": false, "failures": ["one"]});
    for (text, iterations, expected) in [
        ("{\"iterations\":3}".to_owned(), Some(3), None),
        (" {\"iterations\":0}\r".to_owned(), Some(0), None),
        (format!("{{\"iterations\":3,\"verification\":{verification}}}"), Some(3), Some(object(verification.clone()))),
        (format!("{{\"verification\":{verification}}}"), None, Some(object(verification.clone()))),
    ] {
        assert_eq!(said(&line(&text)), Said::Progress { iterations, verification: expected }, "{text}");
    }
}

#[test]
fn a_result_has_a_status() {
    let result = |is_success, iterations, pr_url: Option<&str>, error| {
        let pr_url = pr_url.map(str::to_owned);
        let result = SaidResult { is_success, is_exact: true, iterations, pr_url, error: object(error) };
        Said::Result { result, ignored: Vec::new() }
    };
    for (text, expected) in [
        ("{\"status\":\"succeeded\"}", result(true, None, None, json!({}))),
        (
            "{\"status\":\"succeeded\",\"iterations\":2,\"prUrl\":\"https://example.com/1\",\"error\":null}",
            result(true, Some(2), Some("https://example.com/1"), json!({})),
        ),
        ("{\"status\":\"failed\",\"error\":\"why\"}", result(false, None, None, json!({"message": "why"}))),
        (
            "{\"status\":\"failed\",\"error\":{\"code\":\"WORKSPACE_ERROR\"}}",
            result(false, None, None, json!({"code": "WORKSPACE_ERROR"})),
        ),
    ] {
        assert_eq!(said(&line(text)), expected, "{text}");
    }
}

/// A failure that says more than a result has must not be charged as the success that its exit code would be. That it
/// is not exact is seen, since it may be a line of a log.
#[test]
fn an_object_with_a_results_status_is_one_whatever_else_it_has() {
    let url = "https://example.com/1";
    for (text, is_success, iterations, pr_url, error, expected) in [
        ("{\"status\":\"failed\",\"reason\":\"x\"}", false, None, None, json!({}), vec!["reason"]),
        (
            "{\"status\":\"succeeded\",\"prUrl\":\"https://example.com/1\",\"level\":\"info\",\"verification\":{}}",
            true,
            None,
            Some(url),
            json!({}),
            vec!["level", "verification"],
        ),
        (
            "{\"status\":\"failed\",\"iterations\":2,\"prUrl\":7,\"error\":\"why\"}",
            false,
            Some(2),
            None,
            json!({"message": "why"}),
            vec!["prUrl"],
        ),
        (
            "{\"status\":\"failed\",\"iterations\":-1,\"error\":[1]}",
            false,
            None,
            None,
            json!({}),
            vec!["error", "iterations"],
        ),
    ] {
        let Said::Result { result, mut ignored } = said(&line(text)) else { panic!("{text} is a result") };
        let pr_url = pr_url.map(str::to_owned);
        let said = SaidResult { is_success, is_exact: false, iterations, pr_url, error: object(error) };
        assert_eq!(result, said, "{text}");
        ignored.sort();
        assert_eq!(ignored, expected, "{text}");
    }
}

#[test]
fn a_long_line_is_cut_and_the_next_one_is_whole() {
    let text = format!("{}\nnext", "x".repeat(3 * MOST_LINE_BYTES));
    let lines: Vec<OutputLine> = Lines::new(text.as_bytes()).collect();
    assert_eq!(lines[0], OutputLine { bytes: vec![b'x'; MOST_LINE_BYTES], is_cut: true });
    assert_eq!(lines[1..], [line("next")]);
}

#[test]
fn a_line_of_the_very_bound_is_whole() {
    let text = format!("{}\n", "x".repeat(MOST_LINE_BYTES));
    let lines: Vec<OutputLine> = Lines::new(text.as_bytes()).collect();
    assert_eq!(lines, [line(&"x".repeat(MOST_LINE_BYTES))]);
}

proptest! {
    #[test]
    fn lines_are_those_of_the_text(text in "[a\\n]{0,64}") {
        let lines: Vec<OutputLine> = Lines::new(text.as_bytes()).collect();
        let expected: Vec<OutputLine> = text.lines().map(line).collect();
        prop_assert_eq!(lines, expected);
    }

    #[test]
    fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        for line in Lines::new(bytes.as_slice()) {
            said(&line);
        }
    }
}
