//! Runs faults one after another; those on one ground share its deployment, unless one of them fails.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::catalogue::{FAULTS, Fault, Given, Ground};
use super::report::{Row, Sheet};
use super::scene::Scene;
use crate::durability::Random;

/// However long a fault may take before it counts as not recovered.
const LONGEST: Duration = Duration::from_secs(20 * 60);

/// Runs faults with what follows from one seed.
pub struct Runner {
    binary: String,
    seed: u64,
    scene: Option<(Ground, Arc<Scene>)>,
}

impl Runner {
    /// # Panics
    /// If the program under test is not there.
    pub fn new(binary: &Path, seed: u64) -> Self {
        assert!(binary.exists(), "{} is not there: build it first (make faults does)", binary.display());
        let binary = binary.to_str().expect("a path in plain text").to_owned();
        Runner { binary, seed, scene: None }
    }

    /// Runs one fault and returns its result. Each draws from a sequence of its own, so that it is the same
    /// alone and among others.
    pub async fn run(&mut self, fault: &Fault) -> Row {
        let since = Instant::now();
        let sheet = Sheet::default();
        sheet.open().fault = fault.name.to_owned();
        if let Err(told) = self.done(fault, &sheet).await {
            sheet.open().failure = Some(told);
            // Nothing else uses what it left behind.
            self.scene = None;
        }
        let mut row = sheet.open().clone();
        row.took_ms = u64::try_from(since.elapsed().as_millis()).expect("no fault takes ages");
        row
    }

    async fn done(&mut self, fault: &Fault, sheet: &Sheet) -> Result<(), String> {
        let (ground, binary, seed) = (fault.ground, self.binary.clone(), self.seed);
        if self.scene.as_ref().is_some_and(|(have, _)| *have != ground) {
            self.scene = None;
        }
        if self.scene.is_none() && ground != Ground::Own {
            let raised = caught(async move {
                match ground {
                    Ground::Stack => Scene::on_the_stack(&binary, seed).await,
                    Ground::OwnKafka => Scene::on_its_own_kafka(&binary, seed, 1).await,
                    Ground::Cluster => Scene::on_its_own_kafka(&binary, seed, 3).await,
                    Ground::OwnStore => Scene::on_its_own_store(&binary, seed).await,
                    Ground::Gate => Scene::of_agentgate(&binary, seed).await,
                    Ground::GateCluster => Scene::of_agentgate_on_its_own_kafka(&binary, seed).await,
                    Ground::Own => unreachable!("it brings what it needs"),
                }
            });
            self.scene = Some((ground, Arc::new(raised.await?)));
        }
        let scene = self.scene.as_ref().map(|(_, scene)| scene.clone());
        let random = Random::from_seed(self.seed ^ digest(fault.name));
        let given = Given { binary: self.binary.clone(), scene: scene.clone(), random, sheet: sheet.clone() };
        let done = tokio::time::timeout(LONGEST, caught((fault.run)(given))).await;
        done.map_err(|_| format!("not over within {LONGEST:?}"))??;
        match scene {
            None => Ok(()),
            Some(scene) => caught(scene.whole()).await,
        }
    }
}

/// The faults to run: those named, or all, or the short pass; without some.
///
/// # Errors
/// A name that there is none of.
pub fn chosen(only: &[String], without: &[String], short: bool) -> Result<Vec<&'static Fault>, String> {
    let known = |name: &&String| !FAULTS.iter().any(|fault| fault.name == name.as_str());
    if let Some(unknown) = only.iter().chain(without).find(known) {
        return Err(format!("there is no fault '{unknown}': --list tells those there are"));
    }
    let wanted = |fault: &&Fault| {
        let named = |names: &[String]| names.iter().any(|name| name == fault.name);
        (only.is_empty() || named(only)) && !named(without) && (!short || fault.short)
    };
    Ok(FAULTS.iter().filter(wanted).collect())
}

/// What it came to, or what it panicked with.
///
/// # Errors
/// The panic's words.
pub(super) async fn caught<T>(doing: impl Future<Output = T>) -> Result<T, String> {
    // What a fault leaves behind after a panic is thrown away.
    AssertUnwindSafe(doing).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "it panicked".to_owned())
    })
}

/// A number that follows from a name.
fn digest(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), FAULTS.len());
    }

    #[test]
    fn faults_on_one_ground_follow_each_other() {
        let mut grounds: Vec<Ground> = FAULTS.iter().map(|fault| fault.ground).collect();
        grounds.dedup();
        assert!(grounds.len() <= 7, "{grounds:?}");
    }

    #[test]
    fn a_choice_is_what_was_asked_for() {
        let names = |chosen: Vec<&Fault>| chosen.iter().map(|fault| fault.name).collect::<Vec<_>>();
        let one = |name: &str| vec![name.to_owned()];
        assert_eq!(chosen(&[], &[], false).map(names).map(|all| all.len()), Ok(FAULTS.len()));
        assert_eq!(chosen(&one("disk-full"), &[], false).map(names), Ok(vec!["disk-full"]));
        assert!(chosen(&[], &one("disk-full"), false).map(names).is_ok_and(|all| !all.contains(&"disk-full")));
        assert!(chosen(&[], &[], true).map(names).is_ok_and(|all| all.len() > 3 && all.len() < FAULTS.len()));
        assert!(chosen(&one("no-such"), &[], false).is_err_and(|told| told.contains("no-such")));
    }
}
