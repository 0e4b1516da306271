//! What else is down: a mail and a message to Slack name it, so that whoever reads them sees whether one thing is wrong or many.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_agentping::{AgentNames, Slug, TeamId};
use tidegate_agentping_pulse::AlertKind;
use tidegate_agentping_settings::RouteTarget;
use tidegate_ports::{RowScan, Rows, ScanOrder, StoreError};

use crate::body::MessageBody;
use crate::delivery::{Began, DeliveryDoc};
use crate::event::MessageEdge;
use crate::outbox::read;
use crate::outstanding::OpenAlert;
use crate::rows::{OPEN_ALERTS, open_shard};

/// Open incidents of the route that are looked at.
const LOOKED_AT: usize = 200;
/// Agents that are named.
const NAMED: usize = 10;

/// Whether such a message names what else is down.
pub fn names_others(target: &RouteTarget, doc: &DeliveryDoc) -> bool {
    let is_for_people = matches!(target, RouteTarget::Slack { .. } | RouteTarget::Email(_));
    let is_about_trouble = matches!(doc.edge, MessageEdge::Firing | MessageEdge::Repeat | MessageEdge::Reminder);
    is_for_people && is_about_trouble && doc.began != Began::Asking && doc.incident.is_some()
}

/// The message's body with the other agents of which the route has an open incident.
///
/// # Errors
/// [`StoreError`].
pub async fn with_others(rows: &dyn Rows, doc: &DeliveryDoc, names: &AgentNames) -> Result<String, StoreError> {
    let others = others(rows, doc.team, &doc.route, doc.agent.as_ref()).await?;
    let Ok(mut body) = serde_json::from_str::<MessageBody>(&doc.body) else { return Ok(doc.body.clone()) };
    if others.is_empty() {
        return Ok(doc.body.clone());
    }
    let named: Vec<&str> = others.iter().take(NAMED).map(|key| names.name(key).as_str()).collect();
    let more = others.len() - named.len();
    let text = match more {
        0 => named.join(", "),
        _ => format!("{} and {more} more", named.join(", ")),
    };
    body.data.insert("also_down".to_owned(), Value::String(text));
    Ok(body.to_text())
}

async fn others(
    rows: &dyn Rows,
    team: TeamId,
    route: &str,
    agent: Option<&Slug>,
) -> Result<BTreeSet<Slug>, StoreError> {
    let (table, shard) = (&OPEN_ALERTS, open_shard(team, route));
    let scan = RowScan { table, shard, after: None, order: ScanOrder::Ascending, limit: LOOKED_AT };
    let mut others = BTreeSet::new();
    for row in rows.scan(&scan).await? {
        let open: OpenAlert = read(&row.doc)?;
        let is_down = matches!(open.alert, AlertKind::ScheduleMissed | AlertKind::RunStuck | AlertKind::RunFailed);
        others.extend(open.agent.filter(|other| is_down && Some(other) != agent));
    }
    Ok(others)
}
