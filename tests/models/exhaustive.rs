//! Runs the checker over a whole model and says in words what it found.

#![expect(clippy::print_stdout, reason = "state counts and breaches are what a reader runs these tests for")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

/// Counts the states whose next steps were taken, to compare with the states the checker has come to know: the two
/// are equal only if the walk was complete. (The checker's own "done" is also true after it stopped early.)
#[derive(Debug, Default)]
pub struct Walked(AtomicUsize);

impl Walked {
    /// To be called once by each call of [`Model::actions`].
    pub fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn states(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A model that counts its walked states.
pub trait Walk: Model {
    fn walked(&self) -> &Walked;
}

/// Asserts that every property of the model holds in every reachable state, and that each "sometimes" property is
/// reached, so that none holds merely because nothing happens.
pub fn assert_holds<M>(bounds: &str, model: M)
where
    M: Walk + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let known = checker.unique_state_count();
    let walked = checker.model().walked().states();
    println!("{bounds}: {known} states, deepest {}", checker.max_depth());
    let mut found = checker.discoveries();
    for property in checker.model().properties() {
        match (property.expectation, found.remove(property.name)) {
            (Expectation::Sometimes, None) => {
                panic!("{bounds}: never reached: {}", property.name)
            }
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                panic!("{bounds}: does not hold: {}\n{}", property.name, story(path))
            }
            (Expectation::Sometimes, Some(_)) | (Expectation::Always | Expectation::Eventually, None) => {}
        }
    }
    assert_eq!(walked, known, "{bounds}: the walk ended before it had taken the steps of every state");
}

/// Asserts that the checker finds a way to break `property`: the model has a rule switched off, and this is what the
/// rule prevents.
pub fn assert_breaks<M>(rule_off: &str, model: M, property: &'static str)
where
    M: Walk + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    assert!(
        matches!(model.property(property).expectation, Expectation::Always),
        "only a property that must always hold can be broken: {property}"
    );
    let checker = model.checker().finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property]))).spawn_bfs().join();
    let states = checker.unique_state_count();
    match checker.discovery(property) {
        Some(path) => {
            println!("without \"{rule_off}\" this breaks (seen within {states} states): {property}\n{}", story(path))
        }
        None => panic!(
            "without \"{rule_off}\" nothing broke \"{property}\" in {states} states: \
             the rule is idle or the model cannot see it"
        ),
    }
}

/// The steps that lead to the state in question, one a line, and the state as it is then.
fn story<S: Debug, A: Debug>(path: Path<S, A>) -> String {
    let (states, steps): (Vec<S>, Vec<Option<A>>) = path.into_vec().into_iter().unzip();
    let mut told: String = steps.iter().flatten().map(|step| format!("    {step:?}\n")).collect();
    if let Some(last) = states.last() {
        told.push_str(&format!("    ends in {last:?}"));
    }
    told
}
