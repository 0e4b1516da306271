//! The part of a file about routes. What is secret of them is in the file as the name of a variable.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_agentping_alerts::RouteRequest;
use tidegate_agentping_settings::configuration::all_faults;
use tidegate_agentping_settings::fields::joined;
use tidegate_agentping_settings::{
    MailTarget, RouteDigest, RouteDoc, RouteId, RouteTarget, SettingFault, WebhookTarget, kinds,
};

use super::Owner;
use super::plan::Planner;
use super::stored::Stored;
use super::variables::{SecretNames, Variables, secrets_of};
use crate::alert_routes::MOST;
use crate::manage::Kept;
use crate::problem::Problem;

/// What the judged URLs of a file came to, by the URL.
pub(super) type JudgedUrls = BTreeMap<String, Result<(), String>>;

pub(super) fn plan(
    planner: &mut Planner<'_>,
    stored: &Stored,
    given: &Value,
    owner: &Owner<'_>,
) -> Result<(), Problem> {
    let Some(given) = given.as_object() else {
        planner.fault(&SettingFault::at("routes", "must be an object of routes by their names"));
        return Ok(());
    };
    let routes: Vec<(_, Kept<RouteDoc>)> = stored.all(kinds::ROUTE)?;
    let mut names: Kept<SecretNames> = stored.kept(kinds::CONFIG, kinds::WHOLE_TEAM)?;
    let named_before = names.doc.clone();
    planner.routes = routes.iter().map(|(_, route)| route.doc.name.clone()).collect();
    planner.routes.extend(given.keys().map(Into::into));
    let mut count = routes.len();
    for (name, members) in given {
        let path = joined("routes", name);
        let known = routes.iter().find(|(_, route)| route.doc.name == name.as_str());
        let mut variables = Variables::new(owner.env, known.map(|(_, route)| &route.doc.target));
        let mut members = match members {
            Value::Object(members) => members.clone(),
            _ => {
                planner.fault(&SettingFault::at(&path, "must be an object"));
                continue;
            }
        };
        variables.put_in(&mut members);
        let (faults, used) = variables.into_parts();
        let is_unfounded = !faults.is_empty();
        planner.faults(&path, faults);
        members.insert("name".to_owned(), Value::from(name.as_str()));
        let id = known.and_then(|(id, _)| id.parse().ok());
        let id: RouteId = id.unwrap_or_else(|| owner.ids.mint(owner.region, planner.now));
        let wanted = match parsed(&members, id, owner, planner) {
            Ok(wanted) if !is_unfounded => wanted,
            Ok(_) => continue,
            Err(faults) => {
                planner.faults(&path, faults);
                continue;
            }
        };
        names.doc.routes.insert(name.clone(), used);
        if matches!(wanted.target, RouteTarget::Email(_)) && !owner.sends_mail {
            planner
                .fault(&SettingFault::at(joined(&path, "kind"), "cannot be email here: this deployment sends no mail"));
        }
        match known {
            Some((_, route)) => change(planner, &path, route, wanted, &members)?,
            None => {
                count += 1;
                planner.created(path);
                let made = Kept::new(kinds::ROUTE, &id.to_string(), RouteDoc { applied: true, ..wanted });
                planner.writes.push(made.write()?);
            }
        }
    }
    // A team that has more from before can change those.
    if count > MOST && count > routes.len() {
        planner.fault(&SettingFault::at("routes", format!("would be {count} routes; a team may have {MOST}")));
    }
    let is_pruned = |route: &RouteDoc| route.applied && !given.contains_key(route.name.as_str());
    let prune = planner.prune;
    for (_, route) in routes.iter().filter(|(_, route)| prune && is_pruned(&route.doc)) {
        planner.deleted(joined("routes", &route.doc.name));
        planner.writes.push(route.removal());
        names.doc.routes.remove(route.doc.name.as_str());
    }
    if names.doc != named_before {
        planner.writes.push(names.write()?);
    }
    Ok(())
}

/// A route of all members that it is to have.
fn parsed(
    members: &Map<String, Value>,
    id: RouteId,
    owner: &Owner<'_>,
    planner: &Planner<'_>,
) -> Result<RouteDoc, Vec<SettingFault>> {
    let stand_ins = [
        ("url", json!("https://example.com/")),
        ("to", json!("a@example.com")),
        ("routing_key", json!("x")),
        ("digest", json!("daily")),
    ];
    let judge = |url: &str| owner.judged.get(url).cloned().unwrap_or(Ok(()));
    all_faults(&Value::Object(members.clone()), &stand_ins, |given| {
        let given = given.as_object().cloned().unwrap_or_default();
        RouteRequest::new(given).create((owner.team, id), &owner.random, &judge, planner.now)
    })
}

/// What a file does not say of a route stays: since when there is one, its own secret, and what the sender knows of it.
fn change(
    planner: &mut Planner<'_>,
    path: &str,
    known: &Kept<RouteDoc>,
    wanted: RouteDoc,
    members: &Map<String, Value>,
) -> Result<(), Problem> {
    let before = &known.doc;
    let target = match (&before.target, wanted.target) {
        (RouteTarget::Webhook(before), RouteTarget::Webhook(wanted)) if !members.contains_key("secret") => {
            let (secret, previous) = (before.secret.clone(), before.previous.clone());
            RouteTarget::Webhook(WebhookTarget { secret, previous, ..wanted })
        }
        (RouteTarget::Webhook(before), RouteTarget::Webhook(wanted)) if before.secret == wanted.secret => {
            RouteTarget::Webhook(WebhookTarget { previous: before.previous.clone(), ..wanted })
        }
        (RouteTarget::Email(before), RouteTarget::Email(MailTarget { to, .. })) if before.to == to => {
            RouteTarget::Email(before.clone())
        }
        (before, wanted) if before.kind() != wanted.kind() => {
            let text = format!("cannot be changed from {}: give the route another name", before.kind());
            planner.fault(&SettingFault::at(joined(path, "kind"), text));
            return Ok(());
        }
        (_, wanted) => wanted,
    };
    let RouteDoc { created_at, applied, .. } = *before;
    // A digest that is asked for as before goes on.
    let is_same = |before: &RouteDigest, wanted: &RouteDigest| *before == wanted.clone().since(before.since);
    let digest = match (&before.digest, wanted.digest) {
        (Some(before), Some(wanted)) if is_same(before, &wanted) => Some(before.clone()),
        (_, wanted) => wanted,
    };
    let after = RouteDoc { target, digest, created_at, applied, disabled: before.disabled.clone(), ..wanted };
    let after = after.serving_since(before, planner.now);
    if after == *before {
        return Ok(());
    }
    planner.updated(path, &written(before), &written(&after));
    let (from, to) = (secrets_of(&before.target), secrets_of(&after.target));
    let mut changed: Vec<&String> =
        from.keys().chain(to.keys()).filter(|name| from.get(*name) != to.get(*name)).collect();
    changed.sort_unstable();
    changed.dedup();
    for name in changed {
        planner.secret_changed(path, name);
    }
    planner.writes.push(known.clone().with(after).write()?);
    Ok(())
}

/// All members but the secrets, with their defaults.
pub(super) fn written(route: &RouteDoc) -> Map<String, Value> {
    let mut members = Map::from_iter([
        ("kind".to_owned(), json!(route.target.kind())),
        ("min_severity".to_owned(), json!(route.min_severity)),
        ("min_interval_s".to_owned(), json!(route.min_interval_s)),
        ("reminders".to_owned(), json!(route.reminders)),
        ("enabled".to_owned(), json!(route.enabled)),
    ]);
    if let Some(alerts) = &route.alerts {
        members.insert("alerts".to_owned(), json!(alerts));
    }
    if let RouteTarget::Email(mail) = &route.target {
        members.insert("to".to_owned(), json!(mail.to));
    }
    if let Some(digest) = &route.digest {
        members.insert("digest".to_owned(), json!(digest.every));
        members.insert("digest_timezone".to_owned(), json!(digest.timezone.name()));
    }
    members
}
