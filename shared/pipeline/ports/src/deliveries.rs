//! The deliveries port: messages to receivers outside, until they are sent or given up.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::Delivery;
use tidegate_kernel::{LogKey, Position, Timestamp};

use crate::StoreError;

/// Stores what is to be sent, and how far sending is. What is to be sent is a function of the log; the progress is not,
/// and only the sender of the owner's partition writes it.
#[async_trait]
pub trait Deliveries: Send + Sync + 'static {
    /// Stores what is to be sent. The same again changes nothing, also if it was sent since.
    ///
    /// # Errors
    /// [`StoreError`]; some may be stored.
    async fn put(&self, writes: Arc<Vec<DeliveryWrite>>) -> Result<(), StoreError>;

    /// What is not yet [finished](SendState::is_finished) of one shard ([`LogKey::shard`]), in the order of ids, after `after`, at
    /// most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn waiting(
        &self,
        shard: u16,
        after: Option<SmolStr>,
        limit: usize,
    ) -> Result<Vec<WaitingDelivery>, StoreError>;

    /// Those of these deliveries of one shard that are not yet finished, in the order of ids. What is not there is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn named(&self, shard: u16, ids: &[SmolStr]) -> Result<Vec<WaitingDelivery>, StoreError>;

    /// What [`Deliveries::waiting`] reads, of everything that is kept, finished or not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn kept(&self, shard: u16, after: Option<SmolStr>, limit: usize) -> Result<Vec<WaitingDelivery>, StoreError>;

    /// Stores the progress of one delivery. The one with the later [`SendProgress::at`] stays.
    ///
    /// # Errors
    /// [`StoreError`]; note it again.
    async fn note(&self, owner: LogKey, id: &str, progress: SendProgress) -> Result<(), StoreError>;
}

/// A delivery of an owner, as of the command at `position`. Ids of deliveries are unique over all owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryWrite {
    pub owner: LogKey,
    pub delivery: Delivery,
    pub position: Position,
}

/// What a sender reads, or whoever looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDelivery {
    /// The text of the owner's log key.
    pub owner: SmolStr,
    pub delivery: Delivery,
    /// `None`: it was never tried.
    pub progress: Option<SendProgress>,
}

/// How far the sending of one delivery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendProgress {
    pub tries: u32,
    pub state: SendState,
    /// What came back last, for people: a status, or why nothing came.
    pub last: String,
    pub at: Timestamp,
}

/// Whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendState {
    /// It is tried again then.
    Retry(Timestamp),
    Sent,
    /// Every try of the plan failed.
    GivenUp,
    /// Its receiver is gone, or does not want it any more.
    Dropped,
}

impl SendState {
    /// Whether nothing more is sent.
    pub const fn is_finished(self) -> bool {
        !matches!(self, SendState::Retry(_))
    }
}
