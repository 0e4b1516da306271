//! Bounds look-ups, so that names that hang do not delay others.
//!
//! A look-up cannot be broken off: it goes on until the resolver gives up, whoever still waits for it. So it is counted
//! for as long as it goes on. Of one name there is one at a time, which all share that ask for it; the names of one domain
//! have few. Names that have not answered lately have a part of all places, so that the rest is left to those that have;
//! and those that did not answer in time have a small part of their own, and are refused at once where that is taken. A
//! name that has answered lately and then does not is one that has not answered lately, at first.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits::LookUpLimits;
use crate::look_up_places::{Places, domain_of};
use crate::names::{NameState, Names};
use crate::resolve::Resolve;

/// Look-ups by a resolver, within limits. Clones share them.
pub struct LookUps<R>(Arc<Shared<R>>);

impl<R> Clone for LookUps<R> {
    fn clone(&self) -> Self {
        LookUps(self.0.clone())
    }
}

struct Shared<R> {
    resolver: R,
    limits: LookUpLimits,
    places: Places,
    going: Mutex<HashMap<String, Going>>,
    names: Mutex<Names>,
}

/// What came of a look-up; errors by their kinds.
type Found = Result<Arc<[IpAddr]>, ErrorKind>;

/// A look-up that goes on.
#[derive(Clone)]
struct Going {
    /// From when on it is not waited for.
    until: Instant,
    found: watch::Receiver<Option<Found>>,
}

impl<R: Resolve> LookUps<R> {
    pub fn new(resolver: R, limits: LookUpLimits) -> Self {
        LookUps(Arc::new(Shared {
            resolver,
            limits,
            places: Places::new(&limits),
            going: Mutex::default(),
            names: Mutex::default(),
        }))
    }

    /// Joins the look-up of this name, or begins one.
    fn join(&self, name: &str) -> Going {
        let mut going = self.0.going();
        if let Some(going) = going.get(name) {
            return going.clone();
        }
        let (sender, found) = watch::channel(None);
        // A place, and then an answer.
        let until = Instant::now() + self.0.limits.within * 2;
        let one = Going { until, found };
        going.insert(name.to_owned(), one.clone());
        tokio::spawn(look_up(self.0.clone(), name.to_owned(), sender));
        one
    }
}

#[async_trait]
impl<R: Resolve> Resolve for LookUps<R> {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let Going { until, mut found } = self.join(name);
        let found = match timeout_at(until, found.wait_for(Option::is_some)).await {
            Ok(Ok(found)) => found.clone(),
            // It panicked.
            Ok(Err(_)) => None,
            Err(_) => Some(Err(ErrorKind::TimedOut)),
        };
        match found {
            Some(Ok(addresses)) => Ok(addresses.to_vec()),
            Some(Err(kind)) => Err(io::Error::from(kind)),
            None => Err(io::Error::from(ErrorKind::Other)),
        }
    }
}

async fn look_up<R: Resolve>(shared: Arc<Shared<R>>, name: String, sender: watch::Sender<Option<Found>>) {
    // Whatever becomes of it, the next one who asks begins anew.
    let _going = Ends { shared: &shared, name: &name };
    let within = shared.limits.within;
    let state = shared.names().state(&name, Instant::now());
    let Some(mut place) = shared.places.take(state, domain_of(&name), Instant::now() + within).await else {
        sender.send_replace(Some(Err(ErrorKind::ResourceBusy)));
        return;
    };
    let mut looking = shared.resolver.addresses(&name);
    let Ok(found) = timeout(within, &mut looking).await else {
        match state {
            // Once may be the network's fault. The next time decides.
            Some(NameState::Answers) => shared.names().forget(&name),
            _ => shared.names().set(&name, NameState::Hanging, Instant::now()),
        }
        sender.send_replace(Some(Err(ErrorKind::TimedOut)));
        place.hangs(&shared.places);
        // It is not waited for; its place is taken until it ends.
        _ = looking.await;
        return;
    };
    // Also where it has no address: it does not hang.
    shared.names().set(&name, NameState::Answers, Instant::now());
    sender.send_replace(Some(found.map(Arc::from).map_err(|error| error.kind())));
}

/// Takes a look-up out of those that go on.
struct Ends<'a, R> {
    shared: &'a Shared<R>,
    name: &'a str,
}

impl<R> Drop for Ends<'_, R> {
    fn drop(&mut self) {
        self.shared.going().remove(self.name);
    }
}

impl<R> Shared<R> {
    fn going(&self) -> MutexGuard<'_, HashMap<String, Going>> {
        // Nothing under the locks panics.
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
