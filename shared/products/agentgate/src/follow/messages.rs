//! Messages to the receivers that want an event.

use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{Decider, Follow};
use tidegate_kernel::free_json::text_hash_128;

use crate::base32;
use crate::book::Book;
use crate::id::{MessageId, OrgId, RunId};
use crate::status::EventType;
use crate::views::{Receiver, RunRow, WebhookMessage};

/// What a message is about.
pub(super) struct Cause {
    pub org: OrgId,
    pub run: RunId,
    pub kind: EventType,
    pub at: Timestamp,
    /// Tells apart what can happen to a run several times.
    pub count: u32,
}

/// One message to each receiver that wants it: the organization's webhooks, and the order's own URL for a run's end.
pub(super) fn send<D: Decider>(book: &Book, cause: &Cause, state: &RunRow, order_has_url: bool, into: &mut Follow<D>) {
    let webhooks = book.webhooks.iter().filter(|(_, webhook)| webhook.enabled && webhook.events.contains(&cause.kind));
    let order = (order_has_url && cause.kind.is_end()).then_some(Receiver::Order);
    for to in webhooks.map(|(id, _)| Receiver::Webhook(*id)).chain(order) {
        let message = WebhookMessage {
            kind: cause.kind,
            org: cause.org,
            at_ms: cause.at,
            to,
            run: cause.run,
            state: state.clone(),
        };
        into.deliver(message_id(cause, to).to_string(), &message);
    }
}

/// Derived from its cause: deciding the same again gives the same. Ids are in the order of their events' times.
fn message_id(cause: &Cause, to: Receiver) -> MessageId {
    let receiver = match to {
        Receiver::Webhook(id) => id.bits(),
        Receiver::Order => 0,
    };
    let hash = text_hash_128(&[
        &cause.run.bits().to_be_bytes(),
        cause.kind.as_str().as_bytes(),
        &cause.count.to_be_bytes(),
        &receiver.to_be_bytes(),
    ]);
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash.to_be_bytes()[..10]);
    MessageId::from_bits(base32::time_ordered(cause.at.as_millis(), &rest))
}
