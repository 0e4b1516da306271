//! A full book stays small.

use tidegate_agentgate::command::{KeyUse, PutKey, PutOrganization, PutTemplate};
use tidegate_agentgate::{AgentGate, Book, Command, EventType, KeyId, KeyedHash, Level, Scope, Sealed, TemplateId};
use tidegate_kernel::command::{BookState, Decider};

use crate::rig::Rig;
use crate::samples::{KEY, change, lease, order, verified, webhook};

/// As stores bound it.
const MAX_BYTES: usize = 256 * 1_024;

#[test]
fn a_full_book_stays_far_below_its_bound() {
    let mut rig = Rig::with_credits(1_000_000_000_000, 1_000_000_000_000);
    rig.accept(change(PutOrganization {
        name: Some(Sealed::new("x".repeat(1_024))),
        concurrency: Some(100),
        ..PutOrganization::default()
    }));
    for number in 2..100 {
        let put = PutKey {
            key: KeyId::from_bits(u128::MAX - number),
            key_use: KeyUse::Client,
            hash: KeyedHash(u128::MAX - number),
            scopes: Scope::ALL.into_iter().collect(),
        };
        rig.accept(Command::KeyPut(put));
    }
    for number in 0..100 {
        let template = TemplateId::parse(&format!("{number:0>64}")).unwrap();
        let put = PutTemplate { sent_with: KEY, template, version: 0, content: Sealed::new("x".repeat(1_000)) };
        rig.accept(Command::TemplatePut(put));
        let mut order = order(number, 100);
        order.hold_cents = 1_000_000_000;
        order.cents_per_iteration = u64::MAX;
        order.tenant = Some(KeyedHash(u128::MAX));
        order.tenant_user = Some(KeyedHash(u128::MAX));
        order.webhook_url = true;
        order.content = Sealed::new("x".repeat(1_000));
        order.tenant_context = Some(Sealed::new("x".repeat(1_000)));
        rig.accept(Command::Submit(Box::new(order)));
        rig.grant(lease(1));
        rig.accept(verified(number, 1, Level::L0, None));
    }
    // Last, so that no message was made for each of them.
    for number in 0..100 {
        rig.accept(webhook(number, 0, &EventType::ALL));
    }
    let (book, bytes) = (rig.book(), rig.state.encode());
    let listed = [book.runs.len(), book.keys.len(), book.webhooks.len(), book.templates.len()];
    assert_eq!(listed, [100; 4]);
    assert!(bytes.len() < MAX_BYTES / 2, "{} bytes", bytes.len());
    let position = rig.state.decided_to.expect("something was decided");
    let read: BookState<Book> = BookState::decode(position, &bytes).unwrap();
    assert_eq!(read, rig.state);
    assert!(AgentGate::due(book).is_some());
}
