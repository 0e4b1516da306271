//! Reads settings as people write them: the members of an object by name, and what is wrong with one.

use serde_json::{Map, Value};
use tidegate_agentping_pulse::DefinitionFault;
use tidegate_agentping_pulse::definition::DefinitionFaultKind;
use tidegate_kernel::{SmolStr, Timestamp};

/// What is wrong with a setting. The text completes "Field 'x' ", or "The body " where no member is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SettingFault {
    /// The path of the member to blame, such as `match.agent` or `maintenance[0].cron`; empty: the body as a whole.
    pub path: String,
    pub text: String,
    /// The member is not known.
    pub is_unknown: bool,
}

impl SettingFault {
    /// `text` completes "Field 'path' ".
    pub fn at(path: impl Into<String>, text: impl Into<String>) -> Self {
        SettingFault { path: path.into(), text: text.into(), is_unknown: false }
    }

    /// The same fault of a part that is at `path`.
    #[must_use]
    pub fn within(mut self, path: &str) -> Self {
        self.path = joined(path, &self.path);
        self
    }
}

impl From<DefinitionFault> for SettingFault {
    fn from(fault: DefinitionFault) -> Self {
        let is_unknown = fault.what == DefinitionFaultKind::Unknown;
        SettingFault { text: fault.to_string(), path: fault.member, is_unknown }
    }
}

/// The path of a member of the object at `path`.
pub fn joined(path: &str, member: &str) -> String {
    match (path.is_empty(), member.is_empty()) {
        (true, _) => member.to_owned(),
        (_, true) => path.to_owned(),
        _ if member.starts_with('[') => format!("{path}{member}"),
        _ => format!("{path}.{member}"),
    }
}

/// An object all of whose members are known by name.
#[derive(Clone, Debug)]
pub struct Fields<'g> {
    path: String,
    members: &'g Map<String, Value>,
}

/// What a change says of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// It is not mentioned.
    Keep,
    /// It is `null`.
    Unset,
    Set(T),
}

impl<'g> Fields<'g> {
    /// The members of the object at `path`, of which these are known.
    ///
    /// # Errors
    /// [`SettingFault`]: it is no object, or has another member.
    pub fn of(value: &'g Value, path: &str, known: &[&str]) -> Result<Self, SettingFault> {
        let Some(members) = value.as_object() else {
            return Err(SettingFault::at(path, "must be a JSON object"));
        };
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let text = format!("is not known; there are: {}", known.join(", "));
                Err(SettingFault { path: joined(path, name), text, is_unknown: true })
            }
            None => Ok(Fields { path: path.to_owned(), members }),
        }
    }

    /// Whether the member is there and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// The member as `parse` reads it, given its path; `None`: it is absent or `null`.
    ///
    /// # Errors
    /// That of `parse`.
    pub fn read<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&'g Value, &str) -> Result<T, SettingFault>,
    ) -> Result<Option<T>, SettingFault> {
        let value = self.members.get(name).filter(|value| !value.is_null());
        value.map(|value| parse(value, &joined(&self.path, name))).transpose()
    }

    /// The same of a member that must be there.
    ///
    /// # Errors
    /// That of `parse`, or that it is missing.
    pub fn need<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&'g Value, &str) -> Result<T, SettingFault>,
    ) -> Result<T, SettingFault> {
        let missing = || SettingFault::at(joined(&self.path, name), "must be given");
        self.read(name, parse)?.ok_or_else(missing)
    }

    /// The same of a member of a change, in which `null` means unset.
    ///
    /// # Errors
    /// That of `parse`.
    pub fn patch<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&'g Value, &str) -> Result<T, SettingFault>,
    ) -> Result<Patch<T>, SettingFault> {
        match self.members.get(name) {
            None => Ok(Patch::Keep),
            Some(Value::Null) => Ok(Patch::Unset),
            Some(value) => Ok(Patch::Set(parse(value, &joined(&self.path, name))?)),
        }
    }
}

impl<T> Patch<T> {
    /// Changes an optional member.
    pub fn apply(self, member: &mut Option<T>) {
        match self {
            Patch::Keep => {}
            Patch::Unset => *member = None,
            Patch::Set(value) => *member = Some(value),
        }
    }

    /// Changes a member that has a default.
    pub fn apply_or(self, member: &mut T, default: T) {
        match self {
            Patch::Keep => {}
            Patch::Unset => *member = default,
            Patch::Set(value) => *member = value,
        }
    }
}

/// Text of so many characters, without control characters but line ends and tabs.
pub fn text(least: usize, most: usize) -> impl Fn(&Value, &str) -> Result<String, SettingFault> {
    move |value, path| {
        let is_plain = |text: &&str| {
            let chars = text.chars().take(most + 1).count();
            let allowed = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
            (least..=most).contains(&chars) && text.chars().all(allowed)
        };
        let text = value.as_str().filter(is_plain);
        let fault = || SettingFault::at(path, format!("must be text of {least} to {most} printable characters"));
        text.map(str::to_owned).ok_or_else(fault)
    }
}

/// A short name: text of 1 to 64 printable characters in one line, without blanks at its ends.
///
/// # Errors
/// [`SettingFault`].
pub fn name(value: &Value, path: &str) -> Result<SmolStr, SettingFault> {
    let is_name = |text: &&str| {
        (1..=64).contains(&text.chars().take(65).count()) && !text.chars().any(char::is_control) && text.trim() == *text
    };
    let fault = || SettingFault::at(path, "must be 1 to 64 printable characters, without blanks at its ends");
    value.as_str().filter(is_name).map(SmolStr::new).ok_or_else(fault)
}

/// `true` or `false`.
///
/// # Errors
/// [`SettingFault`].
pub fn flag(value: &Value, path: &str) -> Result<bool, SettingFault> {
    value.as_bool().ok_or_else(|| SettingFault::at(path, "must be true or false"))
}

/// A whole number within bounds.
pub fn whole(least: u32, most: u32) -> impl Fn(&Value, &str) -> Result<u32, SettingFault> {
    move |value, path| {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let fault = || SettingFault::at(path, format!("must be a whole number from {least} to {most}"));
        number.filter(|number| (least..=most).contains(number)).ok_or_else(fault)
    }
}

/// An instant.
///
/// # Errors
/// [`SettingFault`].
pub fn instant(value: &Value, path: &str) -> Result<Timestamp, SettingFault> {
    let instant = value.as_str().and_then(|text| Timestamp::parse(text).ok());
    instant.ok_or_else(|| SettingFault::at(path, "must be an RFC 3339 timestamp such as 2026-05-15T14:32:01.123Z"))
}

/// A list of at most so many items, each read by `item`.
pub fn list<T>(
    most: usize,
    item: impl Fn(&Value, &str) -> Result<T, SettingFault>,
) -> impl Fn(&Value, &str) -> Result<Vec<T>, SettingFault> {
    move |value, path| {
        let items = value.as_array().filter(|items| items.len() <= most);
        let items = items.ok_or_else(|| SettingFault::at(path, format!("must be a list of at most {most} items")))?;
        items.iter().enumerate().map(|(index, value)| item(value, &format!("{path}[{index}]"))).collect()
    }
}

/// A list of at most so many names, none of them twice.
pub fn names(most: usize) -> impl Fn(&Value, &str) -> Result<Vec<SmolStr>, SettingFault> {
    move |value, path| {
        let names = list(most, name)(value, path)?;
        let is_repeated = |index: &usize| names[..*index].contains(&names[*index]);
        match (0..names.len()).find(is_repeated) {
            Some(index) => Err(SettingFault::at(format!("{path}[{index}]"), "is in the list twice")),
            None => Ok(names),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_names_the_path_of_its_member() {
        let given = json!({"match": {"agent": 1}, "tags": ["a", "b", "a"], "name": " x"});
        let fields = Fields::of(&given, "", &["match", "tags", "name", "note"]).unwrap();
        let of_match =
            fields.read("match", |value, path| Fields::of(value, path, &["agent"])?.read("agent", text(1, 5)));
        assert_eq!(of_match.unwrap_err().path, "match.agent");
        assert_eq!(fields.read("tags", names(5)).unwrap_err().path, "tags[2]");
        assert_eq!(fields.read("name", name).unwrap_err().path, "name");
        assert_eq!(fields.need("note", flag).unwrap_err(), SettingFault::at("note", "must be given"));
        let unknown = Fields::of(&given, "guard", &["match", "tags"]).unwrap_err();
        assert!(unknown.is_unknown && unknown.path == "guard.name", "{unknown:?}");
        assert_eq!(Fields::of(&json!([]), "", &[]).unwrap_err().path, "");
        let fault = DefinitionFault { member: "cron".to_owned(), what: DefinitionFaultKind::NotOneTiming };
        assert_eq!(SettingFault::from(fault).within("agents.a.schedule").path, "agents.a.schedule.cron");
    }

    #[test]
    fn a_change_keeps_unsets_or_sets() {
        let given = json!({"a": null, "b": 5});
        let fields = Fields::of(&given, "", &["a", "b", "c"]).unwrap();
        let patches = ["a", "b", "c"].map(|name| fields.patch(name, whole(1, 9)).unwrap());
        assert_eq!(patches, [Patch::Unset, Patch::Set(5), Patch::Keep]);
        let applied = patches.map(|patch| {
            let (mut optional, mut defaulted) = (Some(1), 1);
            patch.clone().apply(&mut optional);
            patch.apply_or(&mut defaulted, 2);
            (optional, defaulted)
        });
        assert_eq!(applied, [(None, 2), (Some(5), 5), (Some(1), 1)]);
        assert!(!fields.has("a") && fields.has("b") && !fields.has("c"));
    }

    #[test]
    fn values_are_bounded() {
        for (least, most, given, fits) in [
            (1, 3, "", false),
            (0, 3, "", true),
            (1, 3, "äöü", true),
            (1, 3, "abcd", false),
            (1, 9, "a\nb\tc", true),
            (1, 9, "a\u{0}", false),
            (1, 9, "\u{1b}[0m", false),
        ] {
            assert_eq!(text(least, most)(&json!(given), "x").is_ok(), fits, "{given:?}");
        }
        for (given, fits) in [(json!(1), true), (json!(0), false), (json!(1.5), false), (json!("1"), false)] {
            assert_eq!(whole(1, 10)(&given, "x").is_ok(), fits, "{given}");
        }
        assert!(list(1, flag)(&json!([true, true]), "x").is_err() && list(1, flag)(&json!({}), "x").is_err());
        assert!(instant(&json!("2026-05-15"), "x").is_err() && instant(&json!("2026-05-15T00:00:00Z"), "x").is_ok());
    }
}
