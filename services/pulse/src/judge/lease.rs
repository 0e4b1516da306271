//! The judge's lease: of several processes one judges. A document that its holder renews, written on a condition.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, Document, DocumentWrite, Documents, Expected, FailureCause, StoreError, Written};

/// Where the lease is kept.
const SPACE: &str = "judge";
const KIND: &str = "lease";

/// The store of leases.
pub type LeaseDocuments = Arc<dyn Documents>;

/// A place that one process has at a time. Two may believe so for a moment, when a clock is wrong.
pub struct JudgeLease {
    documents: LeaseDocuments,
    clock: Arc<dyn Clock>,
    name: &'static str,
    holder: String,
    held: Option<Held>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    version: u64,
    until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct LeaseDoc {
    holder: String,
    #[serde(rename = "until_ms")]
    until: Timestamp,
}

impl JudgeLease {
    /// How long it holds after a renewal.
    pub const HOLDS_MS: i64 = 20_000;
    /// It is renewed once so much of it is over.
    const RENEW_AFTER_MS: u64 = 5_000;

    /// `holder` names this process, and no other one.
    pub fn new(documents: LeaseDocuments, clock: Arc<dyn Clock>, name: &'static str, holder: String) -> Self {
        JudgeLease { documents, clock, name, holder, held: None }
    }

    /// Takes or renews it. Returns whether this process has it.
    ///
    /// # Errors
    /// [`StoreError`]; while it holds, no other process takes it.
    pub async fn hold(&mut self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if let Some(Held { until, .. }) = self.held {
            let is_fresh = until.millis_since(now) > Self::HOLDS_MS as u64 - Self::RENEW_AFTER_MS;
            if is_fresh && until.millis_since(now) <= Self::HOLDS_MS as u64 {
                return Ok(true);
            }
        }
        let found = self.documents.get(SPACE, KIND, self.name).await?;
        let expected = match &found {
            None => Expected::Absent,
            Some(document) if self.may_take(document, now) => Expected::Version(document.version),
            Some(_) => {
                self.held = None;
                return Ok(false);
            }
        };
        let until = now.plus_millis(Self::HOLDS_MS);
        let written = self.write(expected, Some(until), now).await?;
        let version = found.map_or(1, |document| document.version + 1);
        self.held = (written == Written::Done).then_some(Held { version, until });
        Ok(self.held.is_some())
    }

    /// Whether this process still has it.
    pub fn is_held(&self) -> bool {
        self.held.is_some_and(|held| self.clock.now() < held.until)
    }

    /// Gives it back, so that another process need not wait for its end.
    ///
    /// # Errors
    /// [`StoreError`]; it ends by itself.
    pub async fn release(&mut self) -> Result<(), StoreError> {
        if let Some(Held { version, .. }) = self.held.take() {
            self.write(Expected::Version(version), None, self.clock.now()).await?;
        }
        Ok(())
    }

    fn may_take(&self, document: &Document, now: Timestamp) -> bool {
        match serde_json::from_slice::<LeaseDoc>(&document.doc) {
            Ok(lease) => lease.holder == self.holder || lease.until <= now || lease.until.millis_since(now) > 600_000,
            // Of a later build; its time is its own.
            Err(_) => document.written_at.plus_millis(Self::HOLDS_MS) <= now,
        }
    }

    async fn write(&self, expected: Expected, until: Option<Timestamp>, now: Timestamp) -> Result<Written, StoreError> {
        let doc = until.map(|until| serde_json::to_vec(&LeaseDoc { holder: self.holder.clone(), until })).transpose();
        let doc = doc.map_err(|error| StoreError::Broken(FailureCause::from(error.to_string())))?;
        let write = DocumentWrite { kind: KIND.into(), name: self.name.into(), expected, doc, ends_at: None };
        self.documents.write(SPACE, &[write], now).await
    }
}
