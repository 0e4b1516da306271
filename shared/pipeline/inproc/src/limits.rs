//! Limits in memory: for one process, and as the reference.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::command::Attempt;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Clock, Enter, LimitsDown, LimitsEntered, LimitsVerdict, Mark, RequestLimits, Take, Window};

/// Limits in memory, by the clock's steady time. Clones share them.
#[derive(Clone)]
pub struct MemoryLimits {
    clock: Arc<dyn Clock>,
    owners: Arc<Mutex<Owners>>,
}

#[derive(Debug)]
struct Owners {
    by_name: HashMap<SmolStr, Owner>,
    /// Owners of whom nothing is left are dropped when there are so many.
    sweep_at: usize,
}

/// With fewer owners than this none are dropped.
const FEW_OWNERS: usize = 1_024;

#[derive(Debug, Default)]
struct Owner {
    windows: HashMap<SmolStr, Counted>,
    marks: HashMap<SmolStr, Held>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    taken: u32,
    ends_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    holder: Attempt,
    lapses_at: Timestamp,
}

impl MemoryLimits {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let owners = Owners { by_name: HashMap::new(), sweep_at: FEW_OWNERS };
        MemoryLimits { clock, owners: Arc::new(Mutex::new(owners)) }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        // Nothing under the lock panics half way: the arithmetic saturates.
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLimits").field("owners", &self.owners().by_name.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl RequestLimits for MemoryLimits {
    async fn enter(&self, enter: &Enter) -> Result<LimitsEntered, LimitsDown> {
        let now = self.clock.steady();
        let mut owners = self.owners();
        owners.sweep(now);
        Ok(owners.by_name.entry(enter.owner.clone()).or_default().enter(enter, now))
    }

    async fn leave(&self, owner: &str, mark: &Mark) -> Result<(), LimitsDown> {
        if let Some(owner) = self.owners().by_name.get_mut(owner)
            && owner.marks.get(&mark.key).is_some_and(|held| held.holder == mark.holder)
        {
            owner.marks.remove(&mark.key);
        }
        Ok(())
    }
}

impl Owners {
    fn sweep(&mut self, now: Timestamp) {
        if self.by_name.len() < self.sweep_at {
            return;
        }
        self.by_name.retain(|_, owner| {
            owner.forget_what_ended(now);
            !owner.windows.is_empty() || !owner.marks.is_empty()
        });
        self.sweep_at = FEW_OWNERS.max(2 * self.by_name.len());
    }
}

impl Owner {
    fn enter(&mut self, enter: &Enter, now: Timestamp) -> LimitsEntered {
        self.forget_what_ended(now);
        let verdict = self.judge(enter);
        if verdict == LimitsVerdict::Admitted {
            for take in &enter.takes {
                let fresh = Counted { taken: 0, ends_at: now.plus_millis(i64::from(take.window_ms)) };
                self.windows.entry(take.name.clone()).or_insert(fresh).taken += 1;
            }
            if let Some(Mark { key, holder, lives_ms }) = &enter.mark {
                let held = Held { holder: *holder, lapses_at: now.plus_millis(i64::from(*lives_ms)) };
                self.marks.insert(key.clone(), held);
            }
        }
        LimitsEntered { windows: enter.takes.iter().map(|take| self.window(take, now)).collect(), verdict }
    }

    fn judge(&self, enter: &Enter) -> LimitsVerdict {
        let taken = |take: &Take| self.windows.get(&take.name).map_or(0, |window| window.taken);
        if let Some(exhausted) = enter.takes.iter().position(|take| taken(take) >= take.limit) {
            return LimitsVerdict::Exhausted(exhausted);
        }
        let held = enter.mark.as_ref().and_then(|mark| Some((mark.holder, self.marks.get(&mark.key)?.holder)));
        match held {
            Some((asks, holds)) if asks != holds => LimitsVerdict::InFlight(holds),
            _ => LimitsVerdict::Admitted,
        }
    }

    fn window(&self, take: &Take, now: Timestamp) -> Window {
        let Some(window) = self.windows.get(&take.name) else {
            return Window { remaining: take.limit, resets_in_ms: take.window_ms };
        };
        let left_ms = u32::try_from(window.ends_at.millis_since(now)).unwrap_or(u32::MAX);
        Window {
            remaining: take.limit.saturating_sub(window.taken),
            resets_in_ms: left_ms.clamp(1, take.window_ms.max(1)),
        }
    }

    fn forget_what_ended(&mut self, now: Timestamp) {
        self.windows.retain(|_, window| window.ends_at > now);
        self.marks.retain(|_, held| held.lapses_at > now);
    }
}
