//! How a test holds what it runs against: concurrently with other tests, alone, or as its own.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::{OnceCell, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::deployment::{Deployment, Keep};
use crate::external::External;
use crate::process::Extra;
use crate::receiver;
use crate::stack::Settings;

/// What a suite runs against, unless `TIDEGATE_TARGET` names a deployment that is there already.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    /// This binary, all roles in one process on a local folder.
    Embedded(&'static str),
    /// This binary, each role a process, on the real stack.
    OnTheStack(&'static str),
    /// The same with two front doors of AgentGate and two deciders.
    AgentGateOnTheStack(&'static str),
}

/// A deployment, and how a test holds it.
#[derive(Debug)]
pub struct Target {
    deployment: Arc<Deployment>,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    /// Its own processes.
    Own,
    /// Beside other tests.
    Shared { _guard: OwnedRwLockReadGuard<()> },
    /// A deployment that others use, while no other test of this suite runs.
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

static SHARED: OnceCell<Arc<Deployment>> = OnceCell::const_new();
static EXCLUSION: OnceCell<Arc<RwLock<()>>> = OnceCell::const_new();

async fn exclusion() -> Arc<RwLock<()>> {
    EXCLUSION.get_or_init(async || Arc::default()).await.clone()
}

/// The deployment of all tests of this binary. Statics are never dropped: leashes end its processes.
async fn shared(program: Program) -> Arc<Deployment> {
    let begun = async || match (External::from_environment(), program) {
        (Some(external), _) => Deployment::external(external),
        (None, Program::Embedded(binary)) => {
            Deployment::dev(binary, "eu", &of_a_suite(), Keep::UntilTheLeashIsLet).await
        }
        (None, Program::OnTheStack(binary)) => {
            Deployment::on_the_stack(binary, &Settings::with_a_moving_clock(), Keep::UntilTheLeashIsLet).await
        }
        (None, Program::AgentGateOnTheStack(binary)) => {
            Deployment::on_the_stack(binary, &Settings::of_agentgate(), Keep::UntilTheLeashIsLet).await
        }
    };
    SHARED.get_or_init(async || Arc::new(begun().await)).await.clone()
}

/// With webhooks allowed to a receiver on loopback.
pub fn reaching_receivers() -> Extra {
    let named = |(name, value): (&str, String)| (format!("TIDEGATE_AGENTGATE__{}", name.to_uppercase()), value);
    Extra { environment: receiver::settings().map(named).into(), ..Extra::default() }
}

/// The same, and what only adds to an answer is waited for on a busy machine, too.
fn of_a_suite() -> Extra {
    let mut extra = reaching_receivers();
    extra.environment.push(("TIDEGATE_ADMISSION__STORE_EXTRA_TIMEOUT_MS".to_owned(), "2000".to_owned()));
    extra
}

impl Target {
    /// The target that all tests of this binary share. They run side by side, each with teams of its own. A test
    /// holds it once: a test that asks again while another waits to be alone never gets it.
    pub async fn shared(program: Program) -> Self {
        let guard = exclusion().await.read_owned().await;
        Target { deployment: shared(program).await, hold: Hold::Shared { _guard: guard } }
    }

    /// A target that this test may restart, kill, and move the clock of.
    pub async fn own(program: Program) -> Self {
        if let (None, Program::Embedded(binary)) = (External::from_environment(), program) {
            return Target::dev_with(binary, Extra::default()).await;
        }
        let guard = exclusion().await.write_owned().await;
        Target { deployment: shared(program).await, hold: Hold::Alone { _guard: guard } }
    }

    /// A `tidegate dev` of the test's own with more arguments or environment, whatever else is tested: for what is
    /// set at start.
    pub async fn dev_with(binary: &str, extra: Extra) -> Self {
        Target::dev_in(binary, "eu", extra).await
    }

    /// The same on this data folder.
    pub async fn dev_on(binary: &str, data: &std::path::Path, extra: Extra) -> Self {
        let (temporary, folder) = Keep::WithTheDeployment.folder();
        let deployment = Deployment::dev_on(binary, "eu", &extra, (temporary, &folder), data).await;
        Target { deployment: Arc::new(deployment), hold: Hold::Own }
    }

    /// The same in a region.
    pub async fn dev_in(binary: &str, region: &str, extra: Extra) -> Self {
        let deployment = Deployment::dev(binary, region, &extra, Keep::WithTheDeployment).await;
        Target { deployment: Arc::new(deployment), hold: Hold::Own }
    }

    /// A distributed deployment of the test's own on the real stack.
    pub async fn on_the_stack(binary: &str, settings: &Settings) -> Self {
        let deployment = Deployment::on_the_stack(binary, settings, Keep::WithTheDeployment).await;
        Target { deployment: Arc::new(deployment), hold: Hold::Own }
    }

    /// The same, with something done between the making of schema and topics and the start of the processes.
    pub async fn on_the_stack_after(binary: &str, settings: &Settings, prepare: impl AsyncFnOnce()) -> Self {
        let deployment = Deployment::on_the_stack_after(binary, settings, Keep::WithTheDeployment, prepare).await;
        Target { deployment: Arc::new(deployment), hold: Hold::Own }
    }

    pub fn deployment(&self) -> Arc<Deployment> {
        self.deployment.clone()
    }
}

impl Deref for Target {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

impl Drop for Target {
    /// Gives a deployment that others use its real time back.
    fn drop(&mut self) {
        if matches!(self.hold, Hold::Alone { .. }) {
            let deployment = self.deployment.clone();
            let reset = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime starts").block_on(deployment.set_clock(0));
            });
            assert!(reset.join().is_ok() || std::thread::panicking(), "the target's clock was not set back");
        }
    }
}
