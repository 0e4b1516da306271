//! Records that an operator sets aside: they are skipped once that is in force, and waited at before.
//!
//! The release of this consumer registers before it first reads which records are void, and again before it applies
//! anything later. Whoever settles a void then knows of every release that could apply its record.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_kernel::command::{Registration, VoidState};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Clock, StoreError};

use crate::apply::{Poison, VoidPorts};

/// No instant at all.
const NEVER: i64 = i64::MIN;

/// The void records, as they were read last.
pub(crate) struct VoidRecords {
    /// `None`: no record is ever void.
    ports: Option<VoidPorts>,
    clock: Arc<dyn Clock>,
    known: Mutex<Arc<HashMap<Position, VoidState>>>,
    /// When the release was last registered, in milliseconds.
    registered_at: AtomicI64,
}

impl VoidRecords {
    pub fn new(poison: &Poison, clock: Arc<dyn Clock>) -> Self {
        let ports = match poison {
            Poison::DeadLetter(_) => None,
            Poison::Halt(ports) => Some(ports.clone()),
        };
        VoidRecords { ports, clock, known: Mutex::default(), registered_at: AtomicI64::new(NEVER) }
    }

    /// Whether the release must register, and the records be read again, before records are applied of which the log took
    /// the last one at this instant.
    pub fn are_due(&self, appended_at: Timestamp) -> bool {
        self.ports.is_some() && self.must_register(self.clock.now().max(appended_at))
    }

    fn must_register(&self, now: Timestamp) -> bool {
        let registered_at = self.registered_at.load(Ordering::Acquire);
        registered_at == NEVER
            || now.millis_since(Timestamp::from_millis(registered_at)) >= Registration::RENEWED_AFTER_MS
    }

    /// Registers the release where that is due, and then reads the records again.
    pub async fn read(&self) -> Result<(), StoreError> {
        self.read_before(Timestamp::from_millis(0)).await
    }

    /// The same, before records are applied of which the log took the last one at this instant. The release registers at
    /// the log's time where that is ahead of this process's clock: so it is seen at most
    /// [`RENEWED_AFTER_MS`](Registration::RENEWED_AFTER_MS) before any record that it applies, whatever clocks say.
    pub async fn read_before(&self, appended_at: Timestamp) -> Result<(), StoreError> {
        let Some(VoidPorts { voids, releases, release }) = &self.ports else { return Ok(()) };
        let now = self.clock.now().max(appended_at);
        if self.must_register(now) {
            releases.register(Registration { release: release.clone(), seen_at: now }).await?;
            // What is read next is read after it.
            self.registered_at.store(now.as_millis(), Ordering::Release);
        }
        let all = voids.all().await?;
        let read = all.into_iter().map(|void| (void.request.position, void.state)).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    /// The store may have lost the registration.
    pub fn register_again(&self) {
        self.registered_at.store(NEVER, Ordering::Release);
    }

    pub fn known(&self) -> Arc<HashMap<Position, VoidState>> {
        // The assignment of a pointer is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a halted partition may continue by itself.
    pub const fn can_end_halts(&self) -> bool {
        self.ports.is_some()
    }

    /// States that this release never applies the record at this position.
    pub async fn cannot_apply(&self, position: Position) -> Result<(), StoreError> {
        let Some(VoidPorts { releases, release, .. }) = &self.ports else { return Ok(()) };
        releases.cannot_decide(release.clone(), position).await
    }
}
