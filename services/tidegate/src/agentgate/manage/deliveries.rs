//! `tidegate agentgate deliveries`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidegate_agentgate::views::{Receiver, WebhookMessage};
use tidegate_agentgate::{EventType, OrgId, Owner, RunId};
use tidegate_kernel::command::OwnerId;
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{SendProgress, SendState, WaitingDelivery};

use super::Office;
use crate::cli::DeliveriesArgs;
use crate::failure::Failure;

/// Deliveries read at a time.
const PAGE: usize = 500;

/// A delivery as commands print it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryJson {
    id: SmolStr,
    organization: OrgId,
    #[serde(rename = "type")]
    kind: EventType,
    run: RunId,
    /// A webhook's id, or `order`: the `webhookUrl` of the submission.
    to: String,
    state: &'static str,
    tries: u32,
    #[serde(with = "iso")]
    created_at: Timestamp,
    /// What came back last; null: it was never tried.
    last: Option<String>,
    #[serde(with = "iso_option")]
    last_at: Option<Timestamp>,
    #[serde(with = "iso_option")]
    next_try_at: Option<Timestamp>,
}

pub async fn run(mut office: Office, args: DeliveriesArgs) -> Result<(), Failure> {
    let orgs: BTreeSet<OrgId> = match &args.org {
        Some(org) => [office.organization(org).await?.0].into(),
        None => office.organizations().await?.into_iter().map(|(org, _)| org).collect(),
    };
    let (found, left_out) = newest(&office, &orgs, &args).await?;
    if office.json {
        office.console.json(&found);
        return Ok(());
    }
    let line = |one: &DeliveryJson| {
        let next = one.next_try_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let last = one.last.clone().unwrap_or_else(|| "-".to_owned());
        let state = one.state.to_owned();
        [one.id.to_string(), one.kind.as_str().to_owned(), one.to.clone(), state, one.tries.to_string(), next, last]
    };
    let rows: Vec<_> = found.iter().map(line).collect();
    office.console.table(["ID", "TYPE", "TO", "STATE", "TRIES", "NEXT TRY", "LAST"], &rows);
    if left_out > 0 {
        office.console.line(format_args!("{left_out} older ones are left out (--limit)"));
    }
    Ok(())
}

/// The newest deliveries of these organizations, the newest first, and how many more there are.
async fn newest(
    office: &Office,
    orgs: &BTreeSet<OrgId>,
    args: &DeliveriesArgs,
) -> Result<(Vec<DeliveryJson>, usize), Failure> {
    let (mut found, mut left_out) = (BTreeMap::new(), 0);
    let shards: BTreeSet<u16> = orgs.iter().map(|org| Owner::Org(*org).log_key().shard()).collect();
    for shard in shards {
        let mut after = None;
        loop {
            let page = office.deliveries.kept(shard, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|one| one.delivery.id.clone());
            let shown = page.into_iter().filter_map(shown);
            for one in shown.filter(|one| orgs.contains(&one.organization) && (args.sent || one.state != "sent")) {
                found.insert(one.id.clone(), one);
                if found.len() > usize::from(args.limit) {
                    found.pop_first();
                    left_out += 1;
                }
            }
            if is_last {
                break;
            }
        }
    }
    Ok((found.into_values().rev().collect(), left_out))
}

/// `None`: it is of a later release.
fn shown(one: WaitingDelivery) -> Option<DeliveryJson> {
    let message: WebhookMessage = serde_json::from_slice(&one.delivery.body).ok()?;
    let (state, next_try_at) = match one.progress.as_ref().map(|progress| progress.state) {
        None => ("waiting", None),
        Some(SendState::Retry(at)) => ("waiting", Some(at)),
        Some(SendState::Sent) => ("sent", None),
        Some(SendState::GivenUp) => ("given_up", None),
        Some(SendState::Dropped) => ("dropped", None),
    };
    let to = match message.to {
        Receiver::Webhook(id) => id.to_string(),
        Receiver::Order => "order".to_owned(),
    };
    let (tries, last, last_at) = match one.progress {
        Some(SendProgress { tries, last, at, .. }) => (tries, Some(last), Some(at)),
        None => (0, None, None),
    };
    Some(DeliveryJson {
        id: one.delivery.id,
        organization: message.org,
        kind: message.kind,
        run: message.run,
        to,
        state,
        tries,
        created_at: message.at_ms,
        last,
        last_at,
        next_try_at,
    })
}
