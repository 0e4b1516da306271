//! What people send to make or change a route, judged member by member.

use serde_json::{Map, Value};
use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, RoutePolicy, Zone};
use tidegate_agentping_settings::route::mail_token;
use tidegate_agentping_settings::{
    DigestEvery, MailTarget, RouteDigest, RouteDoc, RouteId, RouteTarget, SecretText, SettingFault, WebhookTarget,
};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::signature::{SECRET_BYTES, check_secret, new_secret};

mod members;

use members::Members;

/// Judges a URL as the sender will, without looking its name up; the text says which rule it breaks.
pub type JudgeUrl<'j> = &'j (dyn Fn(&str) -> Result<(), String> + Sync);

/// Members of a route that were given. Checked, but for what depends on the others.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteRequest(Map<String, Value>);

/// Random bytes for what a new route needs.
#[derive(Clone, Copy)]
pub struct RouteRandom(pub [u8; SECRET_BYTES]);

const COMMON: [&str; 7] = ["name", "kind", "alerts", "min_severity", "min_interval_s", "reminders", "enabled"];
/// The kinds, and the members that each has besides the common ones.
const KINDS: [(&str, &[&str]); 4] = [
    ("webhook", &["url", "headers", "secret"]),
    ("slack", &["url"]),
    ("email", &["to", "digest", "digest_timezone"]),
    ("pagerduty", &["routing_key", "url"]),
];
const MAX_NAME_CHARS: usize = 64;
/// The longest `min_interval_s`: 30 days.
const MAX_INTERVAL_S: u64 = 30 * 86_400;

impl RouteRequest {
    pub fn new(given: Map<String, Value>) -> Self {
        RouteRequest(given)
    }

    /// A new route.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn create(
        &self,
        (team, id): (TeamId, RouteId),
        random: &RouteRandom,
        judge: JudgeUrl<'_>,
        now: Timestamp,
    ) -> Result<RouteDoc, SettingFault> {
        let members = Members(&self.0);
        let Some(kind) = members.text("kind")? else { return Err(missing("kind")) };
        let own = own_members(&kind)?;
        known(&self.0, &kind, own)?;
        let required = |name: &str| members.text(name)?.ok_or_else(|| missing(name));
        let name = name(&required("name")?)?;
        let target = match kind.as_str() {
            "webhook" => RouteTarget::Webhook(WebhookTarget {
                url: url(&required("url")?, judge)?,
                headers: members.headers()?.unwrap_or_default(),
                secret: match members.text("secret")? {
                    Some(secret) => given_secret(&secret)?,
                    None => new_secret(&random.0),
                },
                previous: None,
            }),
            "slack" => RouteTarget::Slack { url: url(&required("url")?, judge)? },
            "email" => RouteTarget::Email(MailTarget {
                to: address(&required("to")?)?,
                token: mail_token(team, id, &random.0),
                confirmed_at: None,
            }),
            _ => RouteTarget::Pagerduty {
                routing_key: routing_key(&required("routing_key")?)?,
                url: members.text("url")?.map(|text| url(&text, judge)).transpose()?,
            },
        };
        let fresh = RouteDoc {
            name,
            target,
            enabled: true,
            alerts: None,
            min_severity: AlertSeverity::Info,
            min_interval_s: RoutePolicy::MIN_INTERVAL_S,
            reminders: true,
            digest: None,
            created_at: now,
            disabled: None,
            applied: false,
        };
        members.digest(members.common(fresh)?, now)
    }

    /// A route as it is after a change. `null` unsets a member: it gets its default.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn change(
        &self,
        (team, id): (TeamId, RouteId),
        route: &RouteDoc,
        random: &RouteRandom,
        judge: JudgeUrl<'_>,
        now: Timestamp,
    ) -> Result<RouteDoc, SettingFault> {
        let members = Members(&self.0);
        let kind = route.target.kind();
        known(&self.0, kind, own_members(kind)?)?;
        let fixed = |name: &'static str, why: &str| match self.0.contains_key(name) {
            true => Err(SettingFault::at(name, why)),
            false => Ok(()),
        };
        fixed("kind", "cannot be changed: make another route")?;
        fixed("secret", "cannot be changed: rotate it with POST …/rotate-secret")?;
        let mut changed = route.clone();
        if self.0.contains_key("name") {
            let text = members.text("name")?.ok_or_else(|| missing("name"))?;
            changed.name = name(&text)?;
        }
        let required = |name: &str| match self.0.get(name) {
            Some(Value::Null) => Err(missing(name)),
            _ => members.text(name),
        };
        match &mut changed.target {
            RouteTarget::Webhook(webhook) => {
                if let Some(text) = required("url")? {
                    webhook.url = url(&text, judge)?;
                }
                if self.0.contains_key("headers") {
                    webhook.headers = members.headers()?.unwrap_or_default();
                }
            }
            RouteTarget::Slack { url: own } => {
                if let Some(text) = required("url")? {
                    *own = url(&text, judge)?;
                }
            }
            RouteTarget::Email(mail) => {
                if let Some(to) = required("to")?.filter(|to| *to != mail.to) {
                    // Another address has to confirm, too.
                    *mail =
                        MailTarget { to: address(&to)?, token: mail_token(team, id, &random.0), confirmed_at: None };
                }
            }
            RouteTarget::Pagerduty { routing_key: key, url: own } => {
                if let Some(text) = required("routing_key")? {
                    *key = routing_key(&text)?;
                }
                if self.0.contains_key("url") {
                    *own = members.text("url")?.map(|text| url(&text, judge)).transpose()?;
                }
            }
        }
        let mut changed = members.common(changed)?;
        if self.0.get("enabled") == Some(&Value::Bool(true)) {
            changed.disabled = None;
        }
        Ok(members.digest(changed, now)?.serving_since(route, now))
    }
}

impl Members<'_> {
    /// The members that all kinds have.
    fn common(&self, mut route: RouteDoc) -> Result<RouteDoc, SettingFault> {
        if self.0.contains_key("alerts") {
            route.alerts = self.alerts()?;
        }
        if self.0.contains_key("min_severity") {
            route.min_severity = match self.text("min_severity")? {
                None => AlertSeverity::Info,
                Some(text) => AlertSeverity::named(&text)
                    .ok_or_else(|| invalid("min_severity", "must be info, warning, error or critical"))?,
            };
        }
        if self.0.contains_key("min_interval_s") {
            let given = self.whole("min_interval_s", MAX_INTERVAL_S)?;
            route.min_interval_s = given.map_or(RoutePolicy::MIN_INTERVAL_S, |seconds| seconds as u32);
        }
        if self.0.contains_key("reminders") {
            route.reminders = self.flag("reminders")?.unwrap_or(true);
        }
        if self.0.contains_key("enabled") {
            route.enabled = self.flag("enabled")?.unwrap_or(true);
        }
        Ok(route)
    }

    /// The digest, from `now` on where it is another one than before.
    fn digest(&self, mut route: RouteDoc, now: Timestamp) -> Result<RouteDoc, SettingFault> {
        let before = route.digest.take();
        let every = match self.0.contains_key("digest") {
            false => before.as_ref().map(|before| before.every),
            true => match self.text("digest")? {
                None => None,
                Some(text) => {
                    Some(DigestEvery::named(&text).ok_or_else(|| invalid("digest", "must be daily or weekly"))?)
                }
            },
        };
        let timezone = match self.0.contains_key("digest_timezone") {
            false => before.as_ref().map(|before| before.timezone.clone()),
            true => match self.text("digest_timezone")? {
                None => None,
                Some(name) if every.is_some() => {
                    Some(Zone::parse(&name).map_err(|fault| invalid("digest_timezone", &fault.to_string()))?)
                }
                Some(_) => return Err(invalid("digest_timezone", "cannot be given without digest")),
            },
        };
        let timezone = timezone.unwrap_or(Zone::UTC);
        route.digest = every.map(|every| match before {
            Some(before) if before.every == every && before.timezone == timezone => before,
            _ => RouteDigest { every, timezone, since: now },
        });
        Ok(route)
    }

    fn alerts(&self) -> Result<Option<Vec<AlertKind>>, SettingFault> {
        let Some(texts) = self.list("alerts")? else { return Ok(None) };
        let mut kinds = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let kind = text.as_str().and_then(AlertKind::named);
            kinds.push(
                kind.ok_or_else(|| invalid(&format!("alerts[{at}]"), &format!("must be one of {}", all_kinds())))?,
            );
        }
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Some(kinds))
    }
}

fn all_kinds() -> String {
    AlertKind::ALL.map(AlertKind::as_str).join(", ")
}

fn own_members(kind: &str) -> Result<&'static [&'static str], SettingFault> {
    let own = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, own)| *own);
    own.ok_or_else(|| invalid("kind", "must be webhook, slack, email or pagerduty"))
}

fn known(given: &Map<String, Value>, kind: &str, own: &[&str]) -> Result<(), SettingFault> {
    let unknown = given.keys().find(|name| !COMMON.contains(&name.as_str()) && !own.contains(&name.as_str()));
    match unknown {
        None => Ok(()),
        Some(name) => {
            let all: Vec<&str> = COMMON.iter().chain(own).copied().collect();
            Err(SettingFault {
                path: name.clone(),
                text: format!("is not known; a route of the kind {kind} has: {}", all.join(", ")),
                is_unknown: true,
            })
        }
    }
}

fn name(text: &str) -> Result<SmolStr, SettingFault> {
    let is_good = (1..=MAX_NAME_CHARS).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && text.trim() == text;
    match is_good {
        true => Ok(SmolStr::new(text)),
        false => Err(invalid("name", "must be 1 to 64 characters of printable text, without blanks at its ends")),
    }
}

fn url(text: &str, judge: JudgeUrl<'_>) -> Result<SecretText, SettingFault> {
    if text.len() > 2_048 {
        return Err(invalid("url", "must be at most 2048 bytes"));
    }
    judge(text).map_err(|rule| invalid("url", &format!("is not allowed: {rule}")))?;
    Ok(SecretText::new(text))
}

fn given_secret(text: &str) -> Result<SecretText, SettingFault> {
    check_secret(text).map_err(|fault| invalid("secret", &fault.to_string()))?;
    Ok(SecretText::new(text))
}

fn routing_key(text: &str) -> Result<SecretText, SettingFault> {
    let is_good = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_good { Ok(SecretText::new(text)) } else { Err(invalid("routing_key", "must be 1 to 64 letters and digits")) }
}

/// One plain mailbox: what a mail server takes without quoting.
fn address(text: &str) -> Result<String, SettingFault> {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let is_good = text.len() <= 254
        && text.split_once('@').is_some_and(|(local, host)| {
            (1..=64).contains(&local.len())
                && local.bytes().all(is_local)
                && !local.starts_with('.')
                && !local.ends_with('.')
                && !local.contains("..")
                && host.bytes().all(is_host)
                && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        });
    if is_good { Ok(text.to_owned()) } else { Err(invalid("to", "must be one mail address, such as ops@example.com")) }
}

fn missing(field: &str) -> SettingFault {
    SettingFault::at(field, "must be given")
}

fn invalid(field: &str, why: &str) -> SettingFault {
    SettingFault::at(field, why)
}
