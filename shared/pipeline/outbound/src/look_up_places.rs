//! The places that look-ups take: of all, of a domain, and of those that may hang.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::limits::LookUpLimits;
use crate::names::NameState;

/// Counts the look-ups that go on.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    unproven: Arc<Semaphore>,
    hanging: Arc<Semaphore>,
    /// By domain, and by whether its names have answered lately: others take no place of theirs.
    domains: Mutex<HashMap<(String, bool), Arc<Semaphore>>>,
    of_domain: usize,
}

/// What one look-up takes, until it is dropped.
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    _domain: OwnedSemaphorePermit,
    /// `None`: its name has answered lately.
    part: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub fn new(limits: &LookUpLimits) -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Places {
            all: of(limits.all),
            unproven: of(limits.unproven),
            hanging: of(limits.hanging),
            domains: Mutex::default(),
            of_domain: limits.of_domain,
        }
    }

    /// Waits for a place until that instant; a name that hangs does not wait. `None`: there is none.
    pub async fn take(&self, state: Option<NameState>, domain: &str, until: Instant) -> Option<Place> {
        let of_domain = self.domain(domain, state == Some(NameState::Answers));
        if state == Some(NameState::Hanging) {
            let part = Some(self.hanging.clone().try_acquire_owned().ok()?);
            let domain = of_domain.try_acquire_owned().ok()?;
            return Some(Place { _all: self.all.clone().try_acquire_owned().ok()?, _domain: domain, part });
        }
        let taking = async {
            // What others wait for comes last: who waits for its domain holds up none of them.
            let domain = of_domain.acquire_owned().await.ok()?;
            let part = match state {
                Some(_) => None,
                None => Some(self.unproven.clone().acquire_owned().await.ok()?),
            };
            Some(Place { _all: self.all.clone().acquire_owned().await.ok()?, _domain: domain, part })
        };
        timeout_at(until, taking).await.ok()?
    }

    fn domain(&self, domain: &str, answers: bool) -> Arc<Semaphore> {
        let domain = (domain.to_owned(), answers);
        // Nothing under the lock panics.
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if !domains.contains_key(&domain) {
            // Those that nothing is looked up of.
            domains.retain(|_, places| Arc::strong_count(places) > 1);
        }
        domains.entry(domain).or_insert_with(|| Arc::new(Semaphore::new(self.of_domain))).clone()
    }
}

impl Place {
    /// The look-up did not end in time: it is counted among those that hang, as far as they have room.
    pub fn hangs(&mut self, places: &Places) {
        if let Ok(part) = places.hanging.clone().try_acquire_owned() {
            self.part = Some(part);
        }
    }
}

/// Who a name is likely of: its last two labels, or three where the last two are a country's (`co.uk`).
pub(crate) fn domain_of(name: &str) -> &str {
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), second, third) = (dots.next(), dots.next(), dots.next()) else { return name };
    let labels = second.map_or(name, |at| &name[at + 1..]);
    let is_of_country = name.len() - last == 3 && labels.len() <= 6;
    match (second, third) {
        (Some(_), Some(third)) if is_of_country => &name[third + 1..],
        (Some(_), None) if is_of_country => name,
        _ => labels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_its_last_labels() {
        for (name, domain) in [
            ("localhost", "localhost"),
            ("example.com", "example.com"),
            ("a.example.com", "example.com"),
            ("b.a.example.com", "example.com"),
            ("example.co.uk", "example.co.uk"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("a.example.com.au", "example.com.au"),
            ("hooks.example.io", "example.io"),
            ("t.co", "t.co"),
            ("", ""),
            (".", "."),
        ] {
            assert_eq!(domain_of(name), domain, "{name}");
        }
    }
}
