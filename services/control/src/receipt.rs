//! `GET /v1/receipts/{receipt}`: what became of one record that was taken in.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{Receipt, ReceiptError, RunId};
use tidegate_agentping_ports::Note;
use tidegate_agentping_ports::notes::NOTES_KEPT_MS;
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Account, Fate};
use utoipa::ToSchema;

use crate::call::{Call, framed, json};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{OneReceiptRefusals, Refusals};

/// A record's whereabouts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptView {
    /// The receipt in the request.
    receipt: String,
    /// `queued`: safe on the log, to be stored. `stored`: something of it was new. `duplicate`: all of it was there
    /// before. `conflict`: it contradicts what was stored first, which stands. `dead`: it could not be applied and is set
    /// aside, whole.
    #[schema(value_type = String, pattern = "^(queued|stored|duplicate|conflict|dead)$", example = "stored")]
    state: Stage,
    position: Place,
    /// The run it is about, where that is known without reading the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    run: Option<RunId>,
    /// Why it was not simply stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<&'static str>,
}

/// Where a record stands on the log.
#[derive(Serialize, ToSchema)]
struct Place {
    generation: u16,
    #[schema(value_type = u32)]
    partition: Partition,
    offset: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Queued,
    Stored,
    Duplicate,
    Conflict,
    Dead,
}

/// What became of a record, by the receipt that came with its `202`.
#[utoipa::path(
    get,
    path = "/v1/receipts/{receipt}",
    operation_id = "read_receipt",
    tag = "receipts",
    params((
        "receipt" = String, Path, description = "As it stood in `X-Tidegate-Receipt`.",
        pattern = "^rcp_(eu|us)_[0-9a-f]{86}$",
    )),
    responses((status = 200, description = "Where the record is.", body = ReceiptView), OneReceiptRefusals, Refusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed(reads, Endpoint::Receipt, request, one).await
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    // A path that is no text is no receipt either.
    let Some(text) = call.path().await else { return Err(Problem::ReceiptMalformed(ReceiptError::Pattern)) };
    let receipt = Receipt::parse(&text).map_err(Problem::ReceiptMalformed)?;
    call.parameters(&[])?;
    let Call { reads, reader, .. } = call;
    // A team's id names its region: what is another team's or another region's is refused before anything is read.
    if receipt.team != reader.team {
        return Err(Problem::ReceiptUnknown);
    }
    if is_too_old(&receipt, reads.now()) {
        return Err(Problem::ReceiptTooOld);
    }
    let Position { generation, partition, offset } = receipt.position;
    let account = reads.ask(reads.accounts.account(generation, partition)).await?;
    if account.is_none() && !is_on_the_log(&reads, receipt.position).await? {
        return Err(Problem::ReceiptUnknown);
    }
    let note = match whereabouts(account.as_ref(), offset) {
        Whereabouts::Queued => None,
        Whereabouts::BeforeTheAccounts => return Err(Problem::ReceiptFromBefore),
        // The note was kept before the account said that the record is done.
        Whereabouts::Done => Some(reads.ask(reads.accounts.notes(&[receipt.position])).await?.pop().flatten()),
    };
    let (state, run) = match note {
        None => (Stage::Queued, None),
        // Records without a note are stored, except those that no persister ever read.
        Some(None) if account.is_some_and(|account| account.missing() != 0) => return Err(Problem::ReceiptUncertain),
        Some(None) => (Stage::Stored, None),
        Some(Some(Note { key: Some(key), .. })) if key.team != reader.team => return Err(Problem::ReceiptUnknown),
        Some(Some(note)) => (Stage::of(note.fate), note.key.map(|key| key.run)),
    };
    let position = Place { generation, partition, offset };
    json(&ReceiptView { receipt: text, state, position, run, reason: state.reason() })
}

/// Its note may be forgotten.
fn is_too_old(receipt: &Receipt, now: Timestamp) -> bool {
    now.as_millis().saturating_sub(receipt.received_at.as_millis()) > NOTES_KEPT_MS
}

#[derive(Debug, PartialEq, Eq)]
enum Whereabouts {
    Queued,
    Done,
    /// It was settled before its partition had accounts.
    BeforeTheAccounts,
}

/// No account: nothing of the partition is settled yet.
const fn whereabouts(account: Option<&Account>, offset: i64) -> Whereabouts {
    match account {
        Some(account) if offset < account.from_offset => Whereabouts::BeforeTheAccounts,
        Some(account) if offset < account.next_offset => Whereabouts::Done,
        _ => Whereabouts::Queued,
    }
}

/// Whether there can be such a record. Without a log to ask, the receipt is believed.
async fn is_on_the_log(reads: &Reads, at: Position) -> Result<bool, Problem> {
    let Some(log) = &reads.log else { return Ok(true) };
    let spans = reads.ask_log(log.spans()).await?;
    let mut of_partition =
        spans.iter().filter(|span| (span.generation, span.partition) == (at.generation, at.partition));
    Ok(of_partition.any(|span| (0..span.end).contains(&at.offset)))
}

impl Stage {
    const fn of(fate: Fate) -> Self {
        match fate {
            Fate::Stored => Stage::Stored,
            Fate::Duplicate => Stage::Duplicate,
            Fate::Conflict => Stage::Conflict,
            Fate::Dead => Stage::Dead,
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Stage::Queued | Stage::Stored => None,
            Stage::Duplicate => Some("All of it was stored before, so it changed nothing."),
            Stage::Conflict => Some("It contradicts what was stored first under its ids, and that stands."),
            Stage::Dead => Some("It could not be applied. It is kept whole among the dead letters, to be replayed."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_tells_where_a_record_is() {
        let account = Account { next_offset: 7, ..Account::opened(1, 0, 3) };
        let asked = |offset| whereabouts(Some(&account), offset);
        assert_eq!(asked(2), Whereabouts::BeforeTheAccounts);
        assert_eq!([asked(3), asked(6)], [Whereabouts::Done, Whereabouts::Done]);
        assert_eq!([asked(7), asked(i64::MAX)], [Whereabouts::Queued, Whereabouts::Queued]);
        assert_eq!(whereabouts(None, 0), Whereabouts::Queued);
    }
}
