//! What is known of tokens besides the registry's rows: their last digits, and when they were last used.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{CredentialHash, TokenId};
use tidegate_agentping_ports::TokenRow;
use tidegate_agentping_ports::token_uses::{last_uses, of_hex};
use tidegate_agentping_settings::kinds;
use tidegate_kernel::Timestamp;
use tidegate_ports::{DocumentList, ScanOrder};

use super::TokenView;
use crate::call::Call;
use crate::problem::Problem;

/// The most documents of tokens that are read for a list.
const MOST: usize = 500;

/// What is kept of a token besides the registry's row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct TokenDoc {
    pub last4: String,
    /// Of the token: front doors note under it when the token was used. Absent of tokens that earlier builds made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// What is known of some of a team's tokens.
pub(super) struct Noted {
    docs: HashMap<String, TokenDoc>,
    uses: HashMap<TokenId, Timestamp>,
}

impl Noted {
    /// Of the tokens of these rows.
    pub async fn of(call: &Call, rows: &[TokenRow]) -> Result<Self, Problem> {
        let docs = docs(call).await?;
        let hash = |row: &TokenRow| docs.get(&row.id.to_string())?.hash.as_deref().and_then(of_hex);
        let (ids, hashes): (Vec<TokenId>, Vec<CredentialHash>) =
            rows.iter().filter_map(|row| Some((row.id, hash(row)?))).unzip();
        let uses = call.reads.ask(last_uses(&*call.reads.managed.rows, &hashes)).await?;
        let uses = ids.into_iter().zip(uses).filter_map(|(id, at)| Some((id, at?))).collect();
        Ok(Noted { docs, uses })
    }

    /// A row as it is shown.
    pub fn view(&self, row: &TokenRow) -> TokenView {
        TokenView {
            last4: self.docs.get(&row.id.to_string()).map(|doc| doc.last4.clone()),
            id: row.id,
            created_at: row.created_at,
            last_used_at: self.uses.get(&row.id).copied(),
            expires_at: row.expires_at,
        }
    }
}

async fn docs(call: &Call) -> Result<HashMap<String, TokenDoc>, Problem> {
    let (space, kind, order) = (call.reader.team.to_string(), kinds::TOKEN, ScanOrder::Descending);
    let list = DocumentList { space: &space, kind, prefix: "", after: None, order, limit: MOST };
    let found = call.reads.ask(call.reads.managed.documents.list(&list)).await?;
    let read = found.into_iter().filter_map(|document| {
        let doc: TokenDoc = serde_json::from_slice(&document.doc).ok()?;
        Some((document.name.to_string(), doc))
    });
    Ok(read.collect())
}
