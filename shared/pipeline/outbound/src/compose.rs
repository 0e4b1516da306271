//! What a product implements for the sender of its deliveries.

use async_trait::async_trait;
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::Delivery;
use tidegate_ports::StoreError;

use crate::message::Message;

/// Makes the message of a delivery.
#[async_trait]
pub trait Compose: Send + Sync + 'static {
    /// Names the queue of a delivery, for example by its webhook, without I/O. Deliveries of one queue wait for
    /// each other where the receiver is slow; those of different queues do not.
    fn queue(&self, delivery: &Delivery) -> SmolStr;

    /// The message as it is to be sent now. Each try of a delivery asks anew, so that a receiver that has moved is found
    /// where it is; the body of each try is the same.
    ///
    /// # Errors
    /// What it needs cannot be read now. This is no try.
    async fn compose(&self, delivery: &Delivery) -> Result<Composed, StoreError>;
}

/// A message, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Composed {
    Send(Message),
    /// It is never sent: for people, for example that its receiver was deleted.
    Drop(&'static str),
}
