//! An opened deployment: on Kafka and the store while services run there, or a data folder that is open in no other
//! process.

use std::path::Path;
use std::sync::Arc;

use tidegate_lifecycle::{ExitReport, Parts};
use tidegate_ports::{Clock, RandomIds};
use tidegate_replay::ReplayPorts;
use tokio::sync::Mutex;

use crate::assemble::Close;
use crate::config::Config;
use crate::dev::catch_up::catch_up;
use crate::failure::Failure;
use crate::roles::Roles;

/// The opened deployment, what the product needs of it, and how it is closed.
pub struct Opened<P> {
    pub ports: ReplayPorts,
    pub product: P,
    /// The log in words that are the same each time: part of the progress file's name.
    pub log_name: String,
    parts: Mutex<Parts>,
    /// A folder's own consumer, so that lag sinks meanwhile.
    roles: Option<Roles>,
    close: Close,
}

impl<P> Opened<P> {
    /// On servers, where others apply what is appended.
    pub fn on_servers(ports: ReplayPorts, product: P, log_name: String, close: Close) -> Self {
        Opened { ports, product, log_name, parts: Mutex::default(), roles: None, close }
    }

    /// In a folder. Without a dry run, `start` starts the folder's consumer.
    pub fn in_folder(
        (config, clock, dry_run): (&Config, Arc<dyn Clock>, bool),
        ports: ReplayPorts,
        product: P,
        close: Close,
        start: impl FnOnce(&mut Roles, &Parts),
    ) -> Self {
        let parts = Parts::default();
        let roles = (!dry_run).then(|| {
            let mut roles = Roles::new(config.clone(), clock, Arc::new(RandomIds));
            start(&mut roles, &parts);
            roles
        });
        Opened { ports, product, log_name: name_of(&config.data), parts: Mutex::new(parts), roles, close }
    }

    /// Resolves if a part of it ends by itself.
    pub async fn failed(&self) -> String {
        self.parts.lock().await.ended_early().await
    }

    /// Waits until a folder's own consumer has applied what was appended; elsewhere others do that.
    ///
    /// # Errors
    /// The log cannot be used at all.
    pub async fn catch_up(&self) -> Result<(), Failure> {
        if self.roles.is_some() { catch_up(&*self.ports.lag).await } else { Ok(()) }
    }

    /// Closes it in order.
    pub async fn close(self) -> ExitReport {
        let mut report = ExitReport::default();
        let Opened { ports, product, roles, close, .. } = self;
        drop((ports, product));
        if let Some(roles) = roles {
            report.left.extend(roles.stages().run().await.left);
        }
        if let Err(left) = close.await {
            report.add("log and store", left.to_string());
        }
        report
    }
}

/// A folder's path, however it was given.
fn name_of(folder: &Path) -> String {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).display().to_string()
}
