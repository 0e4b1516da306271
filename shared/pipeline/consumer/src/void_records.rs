//! Records that an operator sets aside: they are skipped once that is in force, and waited at before.
//!
//! The release of this consumer registers before it first reads which records are void, and again before it applies
//! anything later. Whoever settles a void then knows of every release that could apply its record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_kernel::command::{Registration, VoidState};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Clock, StoreError};

use crate::apply::{Poison, VoidPorts};

/// The void records, as they were read last.
pub(crate) struct VoidRecords {
    /// `None`: no record is ever void.
    ports: Option<VoidPorts>,
    clock: Arc<dyn Clock>,
    known: Mutex<Arc<HashMap<Position, VoidState>>>,
    registered: Mutex<Registered>,
    /// Held while the records are read: what was read earlier never replaces what was read later.
    reading: tokio::sync::Mutex<()>,
}

/// The last registration that the records were read after.
#[derive(Clone, Copy, Default)]
struct Registered {
    at: Option<Timestamp>,
    /// How often the store may have lost it.
    losses: u64,
    /// [`Apply::starts`](crate::Apply::starts), as a lane read it last.
    starts: Option<u64>,
}

impl VoidRecords {
    pub fn new(poison: &Poison, clock: Arc<dyn Clock>) -> Self {
        let ports = match poison {
            Poison::DeadLetter(_) => None,
            Poison::Halt(ports) => Some(ports.clone()),
        };
        let (known, registered, reading) = Default::default();
        VoidRecords { ports, clock, known, registered, reading }
    }

    /// Whether the release must register, and the records be read again, before records are applied of which the log took
    /// the last one at this instant.
    pub fn are_due(&self, appended_at: Timestamp) -> bool {
        self.ports.is_some() && self.must_register(self.clock.now().max(appended_at))
    }

    fn must_register(&self, now: Timestamp) -> bool {
        let registered_at = self.registered().at;
        registered_at.is_none_or(|at| now.millis_since(at) >= Registration::RENEWED_AFTER_MS)
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
        let _reading = self.reading.lock().await;
        let now = self.clock.now().max(appended_at);
        let must_register = self.must_register(now);
        let losses = self.registered().losses;
        if must_register {
            releases.register(Registration { release: release.clone(), seen_at: now }).await?;
        }
        let all = voids.all().await?;
        let read = all.into_iter().map(|void| (void.request.position, void.state)).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        // Last: whoever sees it applies records by what was read after the registration.
        let mut registered = self.registered();
        if must_register && registered.losses == losses {
            registered.at = Some(now);
        }
        Ok(())
    }

    /// So often the store's servers have started by now. If a lane last read another number, the store may have lost
    /// the registration.
    pub fn store_started(&self, starts: u64) {
        if self.registered().starts != Some(starts) {
            self.register_again(starts);
        }
    }

    /// The store may have lost the registration when a server of it started; so often they have started by now.
    pub fn register_again(&self, starts: u64) {
        let mut registered = self.registered();
        *registered = Registered { at: None, losses: registered.losses + 1, starts: Some(starts) };
    }

    fn registered(&self) -> MutexGuard<'_, Registered> {
        // Nothing under the lock panics.
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::releases::MemoryReleases;
    use tidegate_inproc::voids::MemoryVoids;
    use tidegate_kernel::command::{Release, Rules};
    use tidegate_ports::{Void, VoidRequest, Voids};
    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::*;

    const AT: Position = Position { generation: 1, partition: 3, offset: 900 };

    /// The first reading has its answer, and is late with it.
    #[derive(Default)]
    struct Late {
        voids: MemoryVoids,
        has_read: AtomicBool,
        released: Notify,
    }

    #[async_trait]
    impl Voids for Late {
        async fn ask(&self, request: VoidRequest) -> Result<u32, StoreError> {
            self.voids.ask(request).await
        }

        async fn settle(&self, position: Position, round: u32, state: VoidState) -> Result<(), StoreError> {
            self.voids.settle(position, round, state).await
        }

        async fn all(&self) -> Result<Vec<Void>, StoreError> {
            let all = self.voids.all().await;
            if !self.has_read.swap(true, Ordering::SeqCst) {
                self.released.notified().await;
            }
            all
        }
    }

    fn records() -> (Arc<VoidRecords>, Arc<Late>) {
        let late = Arc::new(Late::default());
        let release = Release { name: "0.1.0".into(), format: 1, rules: Rules::FIRST };
        let ports = VoidPorts { voids: late.clone(), releases: Arc::new(MemoryReleases::default()), release };
        let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_790_000_000_000)));
        (Arc::new(VoidRecords::new(&Poison::Halt(ports), clock)), late)
    }

    #[tokio::test]
    async fn an_older_reading_does_not_replace_a_newer_one_and_a_registration_counts_once_the_voids_are_read() {
        let (records, late) = records();
        let read = || {
            let records = records.clone();
            tokio::spawn(async move { records.read().await })
        };
        let first = read();
        while !late.has_read.load(Ordering::SeqCst) {
            yield_now().await;
        }
        assert!(records.are_due(Timestamp::from_millis(0)), "nothing is read after the registration");
        let request = VoidRequest { position: AT, reason: String::new(), asked_at: Timestamp::from_millis(0) };
        late.ask(request).await.expect("in memory");
        let second = read();
        for _ in 0..100 {
            yield_now().await;
        }
        late.released.notify_one();
        for one in [first, second] {
            one.await.expect("no panic").expect("in memory");
        }
        assert_eq!(records.known().get(&AT), Some(&VoidState::Asked));
        assert!(!records.are_due(Timestamp::from_millis(0)));
    }

    #[tokio::test]
    async fn a_registration_that_may_be_lost_while_the_voids_are_read_is_made_again() {
        let (records, late) = records();
        let reading = tokio::spawn({
            let records = records.clone();
            async move { records.read().await }
        });
        while !late.has_read.load(Ordering::SeqCst) {
            yield_now().await;
        }
        records.register_again(1);
        late.released.notify_one();
        reading.await.expect("no panic").expect("in memory");
        assert!(records.are_due(Timestamp::from_millis(0)));
        records.read().await.expect("in memory");
        assert!(!records.are_due(Timestamp::from_millis(0)));
    }

    #[tokio::test]
    async fn a_registration_from_before_a_start_of_the_store_is_made_again_whichever_lane_reads_of_it() {
        let (records, late) = records();
        late.has_read.store(true, Ordering::SeqCst);
        for (starts, is_due) in [(7, true), (7, false), (8, true), (8, false), (7, true)] {
            records.store_started(starts);
            assert_eq!(records.are_due(Timestamp::from_millis(0)), is_due, "{starts}");
            records.read().await.expect("in memory");
        }
    }
}
