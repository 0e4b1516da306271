//! What one assignment of a partition remembers: its owners' books and due times. It ends with the assignment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_kernel::command::{BookState, Decider};
use tidegate_kernel::{PartitionEpoch, Timestamp};
use tidegate_ports::DeliveryWrite;
use tokio::task::AbortHandle;

use crate::books_in_memory::BooksInMemory;
use crate::clerk::Clerk;
use crate::due_times::SharedDue;
use crate::ports::{DecidingOptions, DecidingPorts};
use crate::sender::Sender;

/// One assignment of a partition. Dropping it ends its clerk and its sender.
pub struct OwnedPartition<D: Decider> {
    books: Mutex<BooksInMemory<D::Owner, BookState<D::Book>>>,
    due: Arc<SharedDue<D::Owner>>,
    clerk: Option<AbortHandle>,
    sender: Option<Sender>,
}

impl<D: Decider> OwnedPartition<D> {
    /// Starts its clerk and its sender, where ticks can be appended.
    pub(crate) fn assigned(of: PartitionEpoch, ports: &DecidingPorts, options: &DecidingOptions) -> Self {
        let due = Arc::new(SharedDue::unread());
        let clerk = ports.append.clone().map(|append| {
            let clerk = Clerk::<D>::new(of.partition, options.partitions, ports, append, due.clone());
            tokio::spawn(clerk.tick()).abort_handle()
        });
        let sender = ports
            .append
            .clone()
            .zip(ports.sending.as_ref())
            .map(|(append, sending)| Sender::start::<D>(sending, of.partition, options.partitions, ports, append));
        OwnedPartition { books: Mutex::new(BooksInMemory::new(options.max_book_bytes_in_memory)), due, clerk, sender }
    }

    pub(crate) fn book(&self, owner: D::Owner) -> Option<Arc<BookState<D::Book>>> {
        self.books().get(owner)
    }

    /// A book as it is stored, with the bytes of its document. Its due time may be newer than what the clerk has read:
    /// a former owner may have stored both after that.
    pub(crate) fn loaded_book(&self, owner: D::Owner, state: Arc<BookState<D::Book>>, bytes: usize) {
        let due = D::due(&state.book);
        self.due.times().loaded(owner, due);
        self.due.changed.notify_one();
        self.keep_book(owner, state, bytes);
    }

    /// A book as it was saved just now, with the bytes of its document.
    pub(crate) fn keep_book(&self, owner: D::Owner, state: Arc<BookState<D::Book>>, bytes: usize) {
        self.books().put(owner, state, bytes);
    }

    /// Every book is loaded again: the store may have lost what it acknowledged.
    pub(crate) fn forget_books(&self) {
        self.books().clear();
    }

    /// The next change of an owner's book is due then, as it was saved.
    pub(crate) fn set_due(&self, owner: D::Owner, at: Option<Timestamp>) {
        self.due.times().set(owner, at);
        self.due.changed.notify_one();
    }

    /// These were stored, and what they follow from is decided.
    pub(crate) fn deliver(&self, deliveries: &[DeliveryWrite]) {
        if let Some(sender) = &self.sender {
            sender.offer(deliveries);
        }
    }

    fn books(&self) -> MutexGuard<'_, BooksInMemory<D::Owner, BookState<D::Book>>> {
        // Nothing under the lock panics.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Decider> Drop for OwnedPartition<D> {
    fn drop(&mut self) {
        if let Some(clerk) = &self.clerk {
            clerk.abort();
        }
    }
}
