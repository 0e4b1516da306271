//! Deliveries of webhooks that are neither sent nor given up.

use std::collections::BTreeSet;

use maud::{Markup, html};
use tidegate_agentgate::views::{Receiver, WebhookMessage};
use tidegate_agentgate::{OrgId, Owner};
use tidegate_dashboard::look::{ago, count};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::OwnerId;
use tidegate_ports::{SendState, WaitingDelivery};

use super::Column::{Number, Text};
use super::reads::{Names, ORGANIZATIONS};
use super::{AgentGateRows, Column, PageQuery, organization, pager, table};
use crate::fault::Fault;
use crate::frame::{HOME, Here, framed};

/// Deliveries read of each shard that an organization of the page is in.
const OF_SHARD: usize = 200;
/// Deliveries listed.
const SHOWN: usize = 100;

const COLUMNS: [Column; 8] = [
    Text("Delivery"),
    Text("Organization"),
    Text("Event"),
    Text("To"),
    Text("Created"),
    Number("Tries"),
    Text("Next try"),
    Text("Last answer"),
];

pub(super) async fn page(rows: &AgentGateRows, query: &PageQuery, now: Timestamp) -> Result<Markup, Fault> {
    let listing = rows.organizations(query.after(), ORGANIZATIONS, now).await?;
    let next = listing.next.as_ref().map(|after| format!("{}?after={after}", Here::Webhooks.path()));
    let orgs: BTreeSet<OrgId> = listing.organizations.iter().map(|one| one.org).collect();
    let shards: BTreeSet<u16> = orgs.iter().map(|org| Owner::Org(*org).log_key().shard()).collect();
    let (mut found, mut is_cut) = (Vec::new(), false);
    for shard in shards {
        let waiting = rows.deliveries.waiting(shard, None, OF_SHARD).await?;
        is_cut |= waiting.len() == OF_SHARD;
        found.extend(waiting.into_iter().filter_map(message).filter(|(message, _)| orgs.contains(&message.org)));
    }
    let failing = found.iter().filter(|(_, one)| tries(one) > 0).count();
    // Those that fail first, then the oldest.
    found.sort_by_key(|(message, one)| (tries(one) == 0, message.at_ms, one.delivery.id.clone()));
    let names = Names::listed(&listing.organizations);
    let cells: Vec<Vec<Markup>> = found.iter().take(SHOWN).map(|one| cells(one, &names, now)).collect();
    let or_more = if is_cut { " or more" } else { "" };
    Ok(framed(
        Here::Webhooks,
        html! {
            h1 { "Webhooks" }
            dl.figures {
                div { dt { "Waiting" } dd { (count(found.len() as u64)) (or_more) } }
                div { dt { "Tried, and failing" } dd { (count(failing as u64)) (or_more) } }
            }
            @if cells.is_empty() {
                p.empty { "No delivery waits." }
            } @else {
                (table("Deliveries", &COLUMNS, &cells))
                @if found.len() > SHOWN { p.note { "The first " (SHOWN) ", failing ones first." } }
            }
            (pager(next.as_deref()))
            p.note {
                "Of " (orgs.len()) " organizations. How many were sent and given up is on the " a href={ (HOME) "#agentgate-decider" } { "pipeline's page" }
                "; finished ones: " code { "tidegate agentgate deliveries --sent" } "."
            }
        },
    ))
}

/// What a delivery is about; `None`: it is of a later release.
fn message(one: WaitingDelivery) -> Option<(WebhookMessage, WaitingDelivery)> {
    Some((serde_json::from_slice(&one.delivery.body).ok()?, one))
}

fn tries(one: &WaitingDelivery) -> u32 {
    one.progress.as_ref().map_or(0, |progress| progress.tries)
}

fn cells((message, one): &(WebhookMessage, WaitingDelivery), names: &Names, now: Timestamp) -> Vec<Markup> {
    let next_try = one.progress.as_ref().and_then(|progress| match progress.state {
        SendState::Retry(at) => Some(at),
        _ => None,
    });
    let last = one.progress.as_ref().map_or("", |progress| progress.last.as_str());
    let to = match message.to {
        Receiver::Webhook(id) => id.to_string(),
        Receiver::Order => "its order's URL".to_owned(),
    };
    vec![
        html! { span.id { (one.delivery.id) } },
        organization(message.org, names.of(message.org)),
        html! { (message.kind.as_str()) },
        html! { span.id { (to) } },
        ago(message.at_ms, now),
        html! { (tries(one)) },
        html! { @if let Some(at) = next_try { (ago(at, now)) } @else { "now" } },
        html! { (last) },
    ]
}
