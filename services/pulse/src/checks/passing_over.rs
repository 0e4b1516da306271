//! What is broken for one run or one check stops no other.

use tidegate_agentping::TeamId;
use tidegate_agentping_checks::rows::cursor_key;
use tidegate_ports::{Rows, StoreError};

use crate::metrics::PASSED_OVER;

/// Runs or results that are passed over at most while none succeeds.
const MOST_IN_A_ROW: usize = 20;

/// Counts as done what the store cannot be used for: a retry does not help, and each round would stop there.
///
/// [`StoreError::Broken`] may also be the whole store, for example one whose rights were revoked. So another read must
/// succeed, and so many in a row are passed over at most. Those beyond it are left, and the round fails unless one that
/// comes after them succeeds.
#[derive(Debug, Default)]
pub(super) struct PassingOver {
    /// Passed over since one has succeeded, also in rounds before.
    in_a_row: usize,
    /// Why the first one was left of this round.
    left: Option<StoreError>,
}

impl PassingOver {
    /// One was done, with what the store has of it.
    pub fn succeeded(&mut self) {
        *self = PassingOver::default();
    }

    /// Whether what failed with this error counts as done; `false`: it is left for a later round.
    ///
    /// # Errors
    /// [`StoreError`]: that of another kind, or that of the other read.
    pub async fn pass(
        &mut self,
        rows: &dyn Rows,
        error: StoreError,
        (team, of): (TeamId, &str),
    ) -> Result<bool, StoreError> {
        if !matches!(error, StoreError::Broken(_)) {
            return Err(error);
        }
        rows.get(&[cursor_key()]).await?;
        if self.in_a_row >= MOST_IN_A_ROW {
            self.left.get_or_insert(error);
            return Ok(false);
        }
        self.in_a_row += 1;
        PASSED_OVER.handle().increment(1);
        tracing::error!(%team, of, %error, "something of a check cannot be used; it is passed over");
        Ok(true)
    }

    /// A round ends.
    ///
    /// # Errors
    /// [`StoreError`]: some were left, and none after them has succeeded.
    pub fn end(&mut self) -> Result<(), StoreError> {
        self.left.take().map_or(Ok(()), Err)
    }
}
