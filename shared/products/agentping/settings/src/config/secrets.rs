//! Secrets in a file: named by variables, never written out.

use std::collections::BTreeMap;

/// Values of variables, as the command read them from its environment.
pub type Environment = BTreeMap<String, String>;

/// The variable that a text names: the whole of it must be `${NAME}`.
///
/// # Errors
/// The text is anything else. The message does not repeat it: it may be a secret.
pub fn variable(text: &str) -> Result<&str, &'static str> {
    let name = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    let is_name = |name: &&str| {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        first && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.filter(is_name).ok_or("must be a variable, such as ${OPS_URL}: a secret does not stand in a file")
}

/// The variable of what was set over the API, and not from a file: `ROUTE_`, the name in capitals, and the member.
pub fn variable_for(name: &str, member: &str) -> String {
    let capital = |text: &str| -> String {
        text.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' }).collect()
    };
    format!("ROUTE_{}_{}", capital(name), capital(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_variable_is_one() {
        assert_eq!(variable("${OPS_URL}"), Ok("OPS_URL"));
        assert_eq!(variable("${_x1}"), Ok("_x1"));
        for text in ["", "$OPS", "${}", "${1X}", "https://${HOST}/x", "${A}${B}", "${A B}", "hunter2", " ${A}"] {
            let refused = variable(text).unwrap_err();
            assert!(text.is_empty() || !refused.contains(text), "{text}: {refused}");
        }
        assert_eq!(variable_for("on-call 1", "url"), "ROUTE_ON_CALL_1_URL");
    }
}
