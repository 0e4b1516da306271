//! Names whose look-ups hang do not delay others. Time is the test's own.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_outbound::{LookUpLimits, LookUps, Resolve};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const LIMITS: LookUpLimits = LookUpLimits::USUAL;

/// Answers at once, but for names that begin with `hang`: those hang until they are released.
struct Hanging {
    /// Look-ups of each name that go on.
    going: Arc<Mutex<HashMap<String, usize>>>,
    released: watch::Receiver<bool>,
}

#[async_trait]
impl Resolve for Hanging {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if name.starts_with("hang") {
            *self.going.lock().unwrap().entry(name.to_owned()).or_default() += 1;
            let mut released = self.released.clone();
            _ = released.wait_for(|is_released| *is_released).await;
            *self.going.lock().unwrap().get_mut(name).unwrap() -= 1;
        }
        match name.starts_with("none") {
            true => Err(io::Error::from(ErrorKind::NotFound)),
            false => Ok(vec!["192.0.2.1".parse().unwrap()]),
        }
    }
}

struct Rig {
    look_ups: LookUps<Hanging>,
    going: Arc<Mutex<HashMap<String, usize>>>,
    release: watch::Sender<bool>,
}

impl Rig {
    fn new() -> Self {
        let (release, released) = watch::channel(false);
        let going = Arc::default();
        let look_ups = LookUps::new(Hanging { going: Arc::clone(&going), released }, LIMITS);
        Rig { look_ups, going, release }
    }

    fn spawn(&self, name: String) -> JoinHandle<Result<usize, ErrorKind>> {
        let look_ups = self.look_ups.clone();
        tokio::spawn(async move { look_ups.addresses(&name).await.map(|found| found.len()).map_err(|why| why.kind()) })
    }

    /// What came of a name's look-up, and how long it took.
    async fn look_up(&self, name: &str) -> (Result<usize, ErrorKind>, Duration) {
        let began = Instant::now();
        (self.spawn(name.to_owned()).await.unwrap(), began.elapsed())
    }

    fn going(&self) -> usize {
        self.going.lock().unwrap().values().sum()
    }

    /// Waits until so many look-ups go on. No time passes.
    async fn until(&self, going: usize) {
        while self.going() != going {
            tokio::task::yield_now().await;
        }
    }

    /// These names are asked for, and none of them answers. All of their look-ups have begun that will.
    async fn hang(&self, names: impl Iterator<Item = String>) {
        let asked: Vec<_> = names.map(|name| self.spawn(name)).collect();
        for one in asked {
            let ended = one.await.unwrap();
            assert!(matches!(ended, Err(ErrorKind::TimedOut | ErrorKind::ResourceBusy)), "{ended:?}");
        }
    }
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test(start_paused = true)]
async fn a_name_that_hangs_has_one_look_up_and_is_not_waited_for_again() {
    let rig = Rig::new();
    rig.hang((0..500).map(|_| "hang.test".to_owned())).await;
    assert_eq!(rig.going(), 1);
    assert_eq!(rig.look_up("example.test").await, (Ok(1), AT_ONCE));
    // Who asks while it still hangs is answered at once, and begins no second one.
    assert_eq!(rig.look_up("hang.test").await, (Err(ErrorKind::TimedOut), AT_ONCE));
    assert_eq!(rig.going(), 1);
    rig.release.send_replace(true);
    rig.until(0).await;
    assert_eq!(rig.look_up("hang.test").await, (Ok(1), AT_ONCE));
    assert_eq!(rig.look_up("none.test").await, (Err(ErrorKind::NotFound), AT_ONCE));
}

#[tokio::test(start_paused = true)]
async fn the_names_of_one_domain_have_few_places() {
    let rig = Rig::new();
    rig.hang((0..200).map(|number| format!("hang-{number}.evil.test"))).await;
    assert!(rig.going() <= LIMITS.of_domain, "{}", rig.going());
    for name in ["example.test", "another.test", "www.example.test"] {
        assert_eq!(rig.look_up(name).await, (Ok(1), AT_ONCE), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_answered_lately_does_not_wait_for_others_of_its_domain() {
    let rig = Rig::new();
    assert_eq!(rig.look_up("www.evil.test").await, (Ok(1), AT_ONCE));
    rig.hang((0..200).map(|number| format!("hang-{number}.evil.test"))).await;
    assert_eq!(rig.going(), LIMITS.of_domain);
    assert_eq!(rig.look_up("www.evil.test").await, (Ok(1), AT_ONCE));
    assert_eq!(rig.look_up("unknown.evil.test").await, (Err(ErrorKind::ResourceBusy), LIMITS.within));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_answered_lately_hangs_once_it_was_late_twice() {
    let rig = Rig::new();
    rig.release.send_replace(true);
    assert_eq!(rig.look_up("hang.test").await, (Ok(1), AT_ONCE));
    let late = (Err(ErrorKind::TimedOut), LIMITS.within);
    for found in [late, late, (Err(ErrorKind::ResourceBusy), AT_ONCE)] {
        rig.release.send_replace(false);
        // Every place of names that hang is taken.
        rig.hang((0..LIMITS.hanging).map(|number| format!("hang.evil-{number}.test"))).await;
        assert_eq!(rig.look_up("hang.test").await, found);
        rig.release.send_replace(true);
        rig.until(0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_answered_lately_are_looked_up_while_every_other_place_is_taken() {
    let rig = Rig::new();
    for number in 0..20 {
        assert_eq!(rig.look_up(&format!("known-{number}.test")).await, (Ok(1), AT_ONCE));
    }
    for round in 0..4 {
        rig.hang((0..100).map(|number| format!("hang-{round}.evil-{number}.test"))).await;
    }
    assert_eq!(rig.going(), LIMITS.unproven + LIMITS.hanging);
    for number in 0..20 {
        assert_eq!(rig.look_up(&format!("known-{number}.test")).await, (Ok(1), AT_ONCE));
    }
    // Who is not known waits as long as for an answer, and is refused with the reason.
    assert_eq!(rig.look_up("unknown.test").await, (Err(ErrorKind::ResourceBusy), LIMITS.within));
    rig.release.send_replace(true);
    assert_eq!(rig.look_up("unknown.test").await, (Ok(1), AT_ONCE));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_hung_has_a_place_of_its_own_kind_only() {
    let rig = Rig::new();
    rig.hang((0..LIMITS.hanging).map(|number| format!("hang.evil-{number}.test"))).await;
    assert_eq!(rig.going(), LIMITS.hanging);
    // Their places among those that are not known are free again.
    let unknown: Vec<_> = (0..LIMITS.unproven).map(|number| rig.spawn(format!("hang.other-{number}.test"))).collect();
    rig.until(LIMITS.hanging + LIMITS.unproven).await;
    for one in unknown {
        assert_eq!(one.await.unwrap(), Err(ErrorKind::TimedOut));
    }
}
