//! When ping tokens were last used, as front doors note it: about every five minutes, so that a token that is used all the time
//! costs no write of its own.

use tidegate_agentping::CredentialHash;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

/// The table of last uses, a row for each token.
pub static TOKEN_USES: RowTable = RowTable { name: "token_uses", keep_days: 400, meeting: Meeting::HigherRank };

/// The row of a token that was used at `at`.
pub fn token_use(hash: &CredentialHash, at: Timestamp) -> RowWrite {
    let at_ms = at.as_millis().max(0);
    let rank = u64::try_from(at_ms).unwrap_or(0);
    RowWrite { key: key(hash), rank, doc: Some(at_ms.to_string().into_bytes()) }
}

/// When each of these tokens was last used, as far as it was noted.
///
/// # Errors
/// [`StoreError`].
pub async fn last_uses(rows: &dyn Rows, hashes: &[CredentialHash]) -> Result<Vec<Option<Timestamp>>, StoreError> {
    let keys: Vec<RowKey> = hashes.iter().map(key).collect();
    let found = rows.get(&keys).await?;
    let at = |doc: Vec<u8>| std::str::from_utf8(&doc).ok()?.parse().ok().map(Timestamp::from_millis);
    Ok(found.into_iter().map(|doc| doc.and_then(at)).collect())
}

fn key(hash: &CredentialHash) -> RowKey {
    RowKey { table: &TOKEN_USES, shard: SmolStr::from(hex(hash)), row: SmolStr::new_static("used") }
}

/// The digits of a hash.
pub fn hex(hash: &CredentialHash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash with these digits.
pub fn of_hex(digits: &str) -> Option<CredentialHash> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(CredentialHash(hash))
}
