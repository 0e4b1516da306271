//! Follows spend: counts a round of the feed, and hands over the alerts that follow from it.
//!
//! Sums come first, and hold whether or not alerts can be stored: guard decides by them. Alerts that are not handed
//! over yet are found again from the feed and the sums, by this process or by the next one, under the same ids.

use std::sync::Arc;

use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, StoreError};

use crate::messages::SpendMessages;
use crate::spend::{GuardWatch, SpendKeeper, SpendRound, SpendWatch};

/// Counts spend, and alerts people to it.
pub struct SpendFollower {
    keeper: SpendKeeper,
    watch: SpendWatch,
    guard_watch: GuardWatch,
    messages: SpendMessages,
    clock: Arc<dyn Clock>,
    /// What was counted, and whose alerts are not all stored.
    unjudged: SpendRound,
}

impl SpendFollower {
    pub fn new(
        keeper: SpendKeeper,
        watch: SpendWatch,
        guard_watch: GuardWatch,
        messages: SpendMessages,
        clock: Arc<dyn Clock>,
    ) -> Self {
        SpendFollower { keeper, watch, guard_watch, messages, clock, unjudged: SpendRound::default() }
    }

    /// Counts what is settled, and stores the alerts that follow. `as_of` is the watermark, taken before the call.
    ///
    /// # Errors
    /// [`StoreError`]; the next round does what this one has not, also in another process.
    pub async fn round(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let round = self.keeper.round(as_of).await?;
        self.unjudged.add(round);
        let alerts = self.watch.judge(&self.unjudged, self.clock.now()).await?;
        self.messages.put(&alerts).await?;
        self.watch.stored(&alerts);
        let warnings = self.guard_watch.judge(&self.unjudged.changed, self.clock.now()).await?;
        self.messages.warn(&warnings).await?;
        self.guard_watch.stored(&warnings);
        self.unjudged = SpendRound::default();
        if !self.watch.is_due() {
            self.keeper.taken();
        } else if self.watch.mark() {
            // There may always be a team whose quota waits: what was returned until the mark waits for no later one.
            self.keeper.mark();
        }
        Ok(())
    }
}
