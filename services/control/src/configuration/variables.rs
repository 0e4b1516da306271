//! The secrets of routes, which a file has as names of variables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping_settings::{RouteTarget, SecretText, SettingFault};

/// By which variables the secrets of routes were given: by route, and by the path of the member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SecretNames {
    pub routes: BTreeMap<String, BTreeMap<String, String>>,
}

/// Members of a route that are secrets; the values of `headers` are too.
const SECRETS: [&str; 3] = ["url", "secret", "routing_key"];
const HEADERS: &str = "headers";

/// Puts the values of variables in their places.
pub(super) struct Variables<'e> {
    env: &'e BTreeMap<String, String>,
    /// The secrets that the route has already, by the paths of their members.
    stored: BTreeMap<String, SecretText>,
    faults: Vec<SettingFault>,
    used: BTreeMap<String, String>,
}

impl<'e> Variables<'e> {
    pub fn new(env: &'e BTreeMap<String, String>, stored: Option<&RouteTarget>) -> Self {
        let stored = stored.map(secrets_of).unwrap_or_default();
        Variables { env, stored, faults: Vec::new(), used: BTreeMap::new() }
    }

    /// A secret that is written out is a fault, and so is a variable that is not set, unless the route has the secret.
    pub fn put_in(&mut self, members: &mut Map<String, Value>) {
        for name in SECRETS {
            if let Some(value) = members.get_mut(name).filter(|value| !value.is_null()) {
                self.resolve(name.to_owned(), value);
            }
        }
        if let Some(Value::Object(headers)) = members.get_mut(HEADERS) {
            for (name, value) in headers {
                self.resolve(format!("{HEADERS}.{name}"), value);
            }
        }
    }

    fn resolve(&mut self, path: String, value: &mut Value) {
        let Some(name) = value.as_str().and_then(variable) else {
            let text = "is a secret: write it as ${NAME}, and set the variable of that name";
            self.faults.push(SettingFault::at(path, text));
            return;
        };
        let known = self.env.get(name).cloned();
        let known = known.or_else(|| self.stored.get(&path).map(|secret| secret.reveal().to_owned()));
        match known {
            Some(secret) => {
                self.used.insert(path, name.to_owned());
                *value = Value::from(secret);
            }
            None => {
                let text = format!("needs the variable {name}, which is not set");
                self.faults.push(SettingFault::at(path, text));
            }
        }
    }

    /// The faults, and the variables by the paths of the members that they were used for.
    pub fn into_parts(self) -> (Vec<SettingFault>, BTreeMap<String, String>) {
        (self.faults, self.used)
    }
}

/// The name in `${NAME}`.
pub(super) fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(name)
}

/// A target's secrets by the paths of their members.
pub(super) fn secrets_of(target: &RouteTarget) -> BTreeMap<String, SecretText> {
    let one = |name: &str, secret: &SecretText| (name.to_owned(), secret.clone());
    match target {
        RouteTarget::Webhook(webhook) => {
            let headers = webhook.headers.iter().map(|(name, value)| (format!("{HEADERS}.{name}"), value.clone()));
            headers.chain([one("url", &webhook.url), one("secret", &webhook.secret)]).collect()
        }
        RouteTarget::Slack { url } => BTreeMap::from([one("url", url)]),
        RouteTarget::Email(_) => BTreeMap::new(),
        RouteTarget::Pagerduty { routing_key, url } => {
            let url = url.as_ref().map(|url| one("url", url));
            [one("routing_key", routing_key)].into_iter().chain(url).collect()
        }
    }
}

/// The variable that a file names for a secret: the one that it was given by, or one after the route and the member.
pub(super) fn name_for(names: &SecretNames, route: &str, path: &str) -> String {
    let given = names.routes.get(route).and_then(|of_route| of_route.get(path));
    given.cloned().unwrap_or_else(|| format!("ROUTE_{}_{}", in_capitals(route), in_capitals(path)))
}

fn in_capitals(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_plain_name() {
        for (text, name) in [
            ("${OPS_URL}", Some("OPS_URL")),
            ("${a1}", Some("a1")),
            ("${}", None),
            ("${A B}", None),
            ("x${A}", None),
            ("${A}x", None),
            ("$A", None),
            ("https://example.com", None),
        ] {
            assert_eq!(variable(text), name, "{text}");
        }
        assert_eq!(name_for(&SecretNames::default(), "on-call é", "headers.X-A"), "ROUTE_ON_CALL___HEADERS_X_A");
    }
}
