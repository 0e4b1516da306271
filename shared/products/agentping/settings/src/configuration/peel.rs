//! All faults of an object, by a parser that reports the first one.

use serde_json::Value;

use crate::fields::SettingFault;

/// Parses an object. Where it is faulty, the member to blame is left out, or gets a value that is right from `stand_ins`, and the
/// rest is parsed again, until no more faults are found.
///
/// # Errors
/// All faults, at least one.
pub fn all_faults<T>(
    given: &Value,
    stand_ins: &[(&str, Value)],
    parse: impl Fn(&Value) -> Result<T, SettingFault>,
) -> Result<T, Vec<SettingFault>> {
    let mut given = given.clone();
    let mut faults: Vec<SettingFault> = Vec::new();
    loop {
        let fault = match parse(&given) {
            Ok(parsed) if faults.is_empty() => return Ok(parsed),
            Ok(_) => return Err(faults),
            Err(fault) => fault,
        };
        let stand_in = stand_ins.iter().find(|(member, _)| *member == fault.path);
        let blamed = member_of(&given, &fault.path);
        // That a member is missing which was left out is no fault of its own.
        if faults.iter().any(|known| known.path == fault.path) {
            return Err(faults);
        }
        faults.push(fault);
        match (blamed, stand_in, given.as_object_mut()) {
            (_, Some((member, value)), Some(members)) => _ = members.insert((*member).to_owned(), value.clone()),
            (Some(member), None, Some(members)) => _ = members.remove(&member),
            _ => return Err(faults),
        }
    }
}

/// The member of the object that a path begins with.
fn member_of(given: &Value, path: &str) -> Option<String> {
    let is_of = |member: &&String| {
        path.strip_prefix(member.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    given.as_object()?.keys().filter(is_of).max_by_key(|member| member.len()).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fields::{Fields, flag, text, whole};

    fn parse(given: &Value) -> Result<(String, u32), SettingFault> {
        let given = Fields::of(given, "", &["name", "size", "on"])?;
        given.read("on", flag)?;
        Ok((given.need("name", text(1, 5))?, given.need("size", whole(1, 9))?))
    }

    #[test]
    fn every_member_that_is_wrong_is_named_once() {
        let paths = |given: Value| match all_faults(&given, &[("name", json!("a"))], parse) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.path).collect(),
        };
        assert_eq!(paths(json!({"name": "a", "size": 1})), [""; 0]);
        assert_eq!(paths(json!({"name": "", "size": 0, "on": 1, "x": 1})), ["x", "on", "name", "size"]);
        assert_eq!(paths(json!({"on": 1})), ["on", "name", "size"]);
        assert_eq!(paths(json!([])), [""]);
    }
}
