//! What a client gets where no outcome comes, and how outcomes are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tidegate_commands::{SubmitOptions, SubmitPorts, SubmitRefusal, Submitter};
use tidegate_kernel::Position;
use tidegate_kernel::command::OwnerId;
use tidegate_metric::{Counter, Family, Gauge};
use tidegate_ports::{AppendError, FactName, Facts, StoreError, StoredFact};
use tidegate_shedding::{
    AfterReading, Behind, LagPorts, LagReader, LagWatch, Rank, ShedClass, ShedMetrics, ShedThresholds, Shedding,
};
use tokio::time::Instant;

use crate::rig::{GROUP, Rig};
use crate::till::{Command, Till, Tills};

const BOUND: Duration = Duration::from_secs(10);
const A: Till = Till(1);

static PRESSURE: Family<Gauge, 0> = Family::new("tidegate_tested_pressure", []);
static REFUSED: Family<Counter, 2> = Family::new("tidegate_tested_total", ["class", "cause"]);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Class {
    Creates,
    Rest,
}

impl ShedClass for Class {
    const ALL: &'static [Class] = &[Class::Creates, Class::Rest];

    fn rank(self) -> Rank {
        match self {
            Class::Creates => Rank::First,
            Class::Rest => Rank::Last,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Class::Creates => "creates",
            Class::Rest => "rest",
        }
    }
}

pub fn submitter(rig: &Rig) -> Submitter<Tills, Class> {
    submitter_with(rig, Arc::new(rig.stores.facts.clone()), SubmitOptions::default())
}

fn submitter_with(rig: &Rig, facts: Arc<dyn Facts>, options: SubmitOptions) -> Submitter<Tills, Class> {
    let append = Arc::new(rig.log.clone());
    let metrics = ShedMetrics { pressure: &PRESSURE, refused: &REFUSED };
    let shedding = Arc::new(Shedding::new(append.clone(), ShedThresholds::OF_COMMANDS, metrics));
    Submitter::new(SubmitPorts { append, facts, clock: rig.clock.clone() }, shedding, options)
}

#[tokio::test(start_paused = true)]
async fn without_a_decision_the_bound_ends_the_wait() {
    let rig = Rig::new(1);
    let (submitter, began) = (submitter(&rig), Instant::now());
    let submitted = submitter.submit(rig.envelope(A, Command::Fund { amount: 1 }), Class::Creates, BOUND).await;
    assert_eq!(submitted.err(), Some(SubmitRefusal::Undecided));
    assert_eq!(began.elapsed(), BOUND);
    assert_eq!(rig.records().len(), 1, "it is on the log");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_refuses_or_does_not_know() {
    let rig = Rig::new(1);
    let submitter = submitter(&rig);
    let submit = || submitter.submit(rig.envelope(A, Command::Fund { amount: 1 }), Class::Creates, BOUND);
    rig.log.fail_appends(Some(AppendError::NotPersisted("as the test wants".into())));
    assert!(matches!(submit().await, Err(SubmitRefusal::LogRefused { .. })));
    assert!(rig.records().is_empty());
    rig.log.fail_appends(Some(AppendError::Unknown("as the test wants".into())));
    assert_eq!(submit().await.err(), Some(SubmitRefusal::Undecided));
    // It is there, and decided.
    let running = rig.start();
    assert!(submit().await.is_ok());
    rig.caught_up(GROUP).await;
    assert_eq!(rig.balance(A).await, Some(2));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_beyond_the_cap_is_refused_before_the_append() {
    let rig = Rig::new(1);
    let submitter = submitter_with(&rig, Arc::new(rig.stores.facts.clone()), SubmitOptions { max_waiting: 3 });
    let submit = || submitter.submit(rig.envelope(A, Command::Fund { amount: 1 }), Class::Creates, BOUND);
    let refusals: Vec<_> = join_all((0..5).map(|_| submit())).await.into_iter().filter_map(Result::err).collect();
    let count = |wanted: &SubmitRefusal<Class>| refusals.iter().filter(|one| *one == wanted).count();
    assert_eq!((count(&SubmitRefusal::Undecided), count(&SubmitRefusal::TooManyWaiting)), (3, 2));
    assert_eq!(rig.records().len(), 3);
}

struct Nothing;

impl AfterReading for Nothing {
    fn after_reading(&self, _: Option<Behind>) {}
}

/// Its partition is shut. That is the answer to the question, to a command that was not asked about, and to one that
/// was let through before.
#[tokio::test(start_paused = true)]
async fn what_is_shed_is_refused_before_the_append() {
    let rig = Rig::new(1);
    let append = Arc::new(rig.log.clone());
    let metrics = ShedMetrics { pressure: &PRESSURE, refused: &REFUSED };
    let shedding = Arc::new(Shedding::<Class>::new(append.clone(), ShedThresholds::OF_COMMANDS, metrics));
    let facts = Arc::new(rig.stores.facts.clone());
    let ports = SubmitPorts { append: append.clone(), facts, clock: rig.clock.clone() };
    let submitter = Submitter::<Tills, Class>::new(ports, shedding.clone(), SubmitOptions::default());
    let (lag, accounts) = (Arc::new(rig.log.lag(GROUP)), Arc::new(rig.stores.accounts.clone()));
    let reader = Arc::new(LagReader::new(LagPorts { clock: rig.clock.clone(), lag, accounts, append }));
    let watch = LagWatch::new(ShedThresholds::OF_COMMANDS, reader, shedding.clone(), Arc::new(Nothing));
    watch.learn_accounts().await;
    for class in [Class::Creates, Class::Rest] {
        assert_eq!(submitter.sheds(A, class), Ok(()));
    }
    let place = Position { generation: 1, partition: 0, offset: 0 };
    assert!(!shedding.will_be_applied(place, 1), "the log was made anew");
    for class in [Class::Creates, Class::Rest] {
        assert!(submitter.sheds(A, class).is_err());
        let envelope = || rig.envelope(A, Command::Fund { amount: 1 });
        let submitted = submitter.submit(envelope(), class, BOUND).await;
        assert!(matches!(submitted, Err(SubmitRefusal::Shed(_))));
        let submitted = submitter.submit_let_through(envelope(), class, BOUND).await;
        assert!(matches!(submitted, Err(SubmitRefusal::Shed(_))));
    }
    assert!(rig.records().is_empty());
}

/// The other side's partition stands still: the command is decided all the same.
#[tokio::test(start_paused = true)]
async fn effects_are_waited_for_up_to_the_bound() {
    let rig = Rig::new(2);
    let other = (2..).map(Till).find(|till| till.log_key().partition(2) != A.log_key().partition(2)).expect("one");
    rig.append(A, Command::Fund { amount: 9 }).await;
    rig.append(other, Command::Panic).await;
    let running = rig.start();
    let (submitter, began) = (submitter(&rig), Instant::now());
    let send = rig.envelope(A, Command::Send { to: other, amount: 4 });
    assert!(submitter.submit(send, Class::Rest, BOUND).await.is_ok());
    assert_eq!(began.elapsed(), BOUND);
    assert_eq!((rig.balance(A).await, rig.balance(other).await), (Some(5), None));
    running.stop().await;
}

/// Facts without hints, that count how often and when they are read.
#[derive(Clone, Default)]
struct Counted {
    facts: tidegate_inproc::facts::MemoryFacts,
    reads: Arc<AtomicUsize>,
    names: Arc<AtomicUsize>,
    is_down: bool,
}

#[async_trait]
impl Facts for Counted {
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError> {
        self.facts.add(facts).await
    }

    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.names.fetch_add(wanted.len(), Ordering::SeqCst);
        match self.is_down {
            true => Err(StoreError::Unavailable("as the test wants".into())),
            false => self.facts.find(wanted).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn commands_that_wait_share_their_reads_and_read_ever_more_rarely() {
    let rig = Rig::new(1);
    let counted = Counted::default();
    let submitter = submitter_with(&rig, Arc::new(counted.clone()), SubmitOptions::default());
    let bound = Duration::from_millis(150);
    let submit = || submitter.submit(rig.envelope(A, Command::Fund { amount: 1 }), Class::Creates, bound);
    join_all((0..100).map(|_| submit())).await;
    // After 12, 17, 27, 47, 97 and 147 ms.
    assert_eq!((counted.reads.load(Ordering::SeqCst), counted.names.load(Ordering::SeqCst)), (6, 600));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_read_refuses_what_comes_next() {
    let rig = Rig::new(1);
    let counted = Counted { is_down: true, ..Counted::default() };
    let submitter = submitter_with(&rig, Arc::new(counted), SubmitOptions::default());
    let submit = || submitter.submit(rig.envelope(A, Command::Fund { amount: 1 }), Class::Creates, BOUND);
    assert_eq!(submit().await.err(), Some(SubmitRefusal::Undecided));
    assert!(matches!(submit().await, Err(SubmitRefusal::StoreDown(_))));
    assert_eq!(rig.records().len(), 1, "nothing more is appended");
}
