//! A worker of AgentGate: leases runs over HTTP, runs a command for each, and reports its progress and its end.
//!
//! [`work`] is the worker. Each command runs below a supervisor process, whose entry is [`supervise`]: it ends the
//! command and all its descendants when the worker asks for it or dies. If the supervisor itself is killed, the worker
//! ends them.

mod api;
mod backoff;
mod command;
mod key_patience;
mod kill_rounds;
mod latest;
mod log;
mod options;
mod orphans;
mod output;
#[cfg(target_os = "linux")]
mod process_table;
mod renewal;
mod report;
mod run;
mod said_results;
mod slot;
mod supervise;

use std::future::Future;
use std::sync::Arc;

use tidegate_lifecycle::Stopper;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::slot::Slot;

pub use crate::log::{LogLine, LogSink, LogSource};
pub use crate::options::{STOP_GRACE, SupervisorCommand, WorkerError, WorkerOptions};
pub use crate::supervise::supervise;

/// Works until `stop` resolves or, with `once`, until one run has ended. When it returns, no command of it is running.
///
/// A run that is in progress at the stop is not finished, unless its command has written a result: its lease lapses,
/// and another worker takes it up.
///
/// # Errors
/// The options are wrong, the server keeps refusing the worker key, or, with `once`, the run was not reported.
pub async fn work(
    options: WorkerOptions,
    stop: impl Future<Output = ()> + Send,
    log: LogSink,
) -> Result<(), WorkerError> {
    let api = Arc::new(Api::new(&options, log.clone())?);
    let name = format!("worker-{:016x}", getrandom::u64().map_err(WorkerError::NoRandomness)?);
    let slots = if options.once { 1 } else { options.parallel.max(1) };
    let options = Arc::new(options);
    let (stopper, stopping) = Stopper::new();
    let mut running = JoinSet::new();
    for number in 0..slots {
        let slot = Slot {
            // The server knows a worker by its name, and gives one that asks again the lease that it has.
            name: format!("{name}-{number}"),
            api: api.clone(),
            options: options.clone(),
            log: log.clone(),
            stop: stopping.clone(),
        };
        running.spawn(slot.work());
    }
    let mut stop = std::pin::pin!(stop);
    let mut result = Ok(());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            () = &mut stop, if !is_stopping => is_stopping = true,
            ended = running.join_next() => match ended {
                None => return result,
                Some(Ok(Ok(()))) => continue,
                Some(Ok(Err(error))) => result = result.and(Err(error)),
                Some(Err(error)) => result = result.and(Err(WorkerError::SlotEnded(error.to_string()))),
            },
        }
        // The failure of one slot ends the worker: it does not continue with fewer slots than configured.
        stopper.stop();
    }
}
