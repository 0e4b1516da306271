//! A member of a group whose leaving can be waited for. A process that exits before the group has heard of it keeps
//! its partitions from the others until its session times out.

use std::time::Duration;

use async_trait::async_trait;
use tidegate_domain::{Committable, PartitionEpoch};
use tidegate_kafka::KafkaConsumer;
use tidegate_ports::{Consume, LogError, Polled};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The consumer; dropping it begins to leave.
pub struct Leaving {
    /// `None` only while it is being dropped.
    member: Option<KafkaConsumer>,
    left: Option<oneshot::Sender<()>>,
}

impl Leaving {
    /// The second resolves once the member is gone from its group.
    pub fn new(member: KafkaConsumer) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, left) = oneshot::channel();
        // A sender that is dropped unused says the same: nobody is left to wait for.
        (Leaving { member: Some(member), left: Some(sender) }, async { drop(left.await) })
    }

    fn member(&mut self) -> Result<&mut KafkaConsumer, LogError> {
        self.member.as_mut().ok_or_else(|| LogError::Broken("the consumer has left its group".to_owned()))
    }
}

#[async_trait]
impl Consume for Leaving {
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError> {
        self.member()?.poll(max_bytes, wait).await
    }

    async fn commit(&mut self, done: Committable) -> Result<(), LogError> {
        self.member()?.commit(done).await
    }

    fn pause(&mut self, partition: PartitionEpoch, paused: bool) {
        if let Ok(member) = self.member() {
            member.pause(partition, paused);
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        // Without a runtime the member leaves by itself as it is dropped, and nobody waits.
        if let (Some(member), Some(left), Ok(runtime)) = (self.member.take(), self.left.take(), Handle::try_current()) {
            runtime.spawn(async move {
                member.leave().await;
                let _ = left.send(());
            });
        }
    }
}
