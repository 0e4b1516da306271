//! The sender as a part of a process: it sends while the process has the lease.

use std::sync::Arc;
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{AlertSender, SendingParts};
use crate::judge::Standby;

/// The sender's part.
pub struct SenderRole {
    pub parts: SendingParts,
    pub wake: Arc<Notify>,
    pub standby: Standby,
}

/// How often it is asked whose turn it is.
const EVERY: Duration = Duration::from_secs(1);

impl SenderRole {
    /// Sends until stopped.
    pub async fn run(self, stop: Stop) {
        let SenderRole { parts, wake, mut standby } = self;
        while !stop.is_stopping() {
            if standby.is_ours().await {
                let over = async {
                    while standby.is_ours().await {
                        sleep(EVERY).await;
                    }
                };
                let until = async {
                    tokio::select! {
                        () = over => {}
                        () = stop.clone().stopped() => {}
                    }
                };
                AlertSender::new(parts.clone(), wake.clone()).run(until).await;
            }
            tokio::select! {
                () = sleep(EVERY) => {}
                () = stop.clone().stopped() => {}
            }
        }
        standby.release().await;
    }
}
